"""Metrics: numbers for people, computed from a model's outputs on a split."""

from typing import TYPE_CHECKING

from nnops.batch import Task
from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.metrics.base import Metric

METRICS: "Catalog[Metric]" = Catalog(
    "metric",
    {
        "accuracy": "nnops.metrics.classification:Accuracy",
        "rmse": "nnops.metrics.regression:Rmse",
    },
)

#: The metric that a training shows after each epoch beside the loss.
SHOWN: dict[Task, str] = {"binary": "accuracy", "multiclass": "accuracy", "regression": "rmse"}
