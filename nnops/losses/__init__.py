"""Losses: what a training differentiates."""

from typing import TYPE_CHECKING

from nnops.batch import Task
from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.losses.base import Loss

LOSSES: "Catalog[Loss]" = Catalog(
    "loss",
    {
        "binary_cross_entropy": "nnops.losses.binary_cross_entropy:BinaryCrossEntropy",
        "cross_entropy": "nnops.losses.cross_entropy:CrossEntropy",
        "dice": "nnops.losses.dice:Dice",
        "focal": "nnops.losses.focal:Focal",
        "huber": "nnops.losses.huber:Huber",
        "mae": "nnops.losses.mae:Mae",
        "mse": "nnops.losses.mse:Mse",
    },
)

#: The loss of a task where params.yaml names none.
DEFAULT: dict[Task, str] = {
    "binary": "binary_cross_entropy",
    "forecasting": "mse",
    "language_model": "cross_entropy",
    "multiclass": "cross_entropy",
    "multilabel": "binary_cross_entropy",
    "regression": "mse",
    "segmentation": "cross_entropy",
    "sequence": "cross_entropy",
}
