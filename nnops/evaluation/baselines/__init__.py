"""Baselines: what a network has to beat to be worth its keep, each a model of scikit-learn or none at all."""

from typing import TYPE_CHECKING

from nnops.batch import Task
from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.evaluation.baselines.base import Baseline

BASELINES: "Catalog[Baseline]" = Catalog(
    "baseline",
    {
        "bigram": "nnops.evaluation.baselines.ngram:Bigram",
        "boosted_trees": "nnops.evaluation.baselines.boosted_trees:BoostedTrees",
        "last_value": "nnops.evaluation.baselines.naive:LastValue",
        "linear": "nnops.evaluation.baselines.linear:Linear",
        "majority": "nnops.evaluation.baselines.constant:Constant",
        "majority_pixel": "nnops.evaluation.baselines.pixels:MajorityPixel",
        "mean": "nnops.evaluation.baselines.constant:Constant",
        "nearest": "nnops.evaluation.baselines.nearest:Nearest",
        "pixel_logistic": "nnops.evaluation.baselines.pixels:PixelLogistic",
        "seasonal_naive": "nnops.evaluation.baselines.naive:SeasonalNaive",
        "unigram": "nnops.evaluation.baselines.ngram:Unigram",
    },
)

_ROWS = ("majority", "linear", "boosted_trees")
#: The baselines of a task where params.yaml names none.
DEFAULT: dict[Task, tuple[str, ...]] = {
    "binary": _ROWS,
    "forecasting": ("last_value", "seasonal_naive", "linear"),
    "language_model": ("unigram", "bigram"),
    "multiclass": _ROWS,
    "multilabel": _ROWS,
    "regression": _ROWS,
    "segmentation": ("majority_pixel", "pixel_logistic"),
    "sequence": ("nearest",),
}
