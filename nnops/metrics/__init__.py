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
        "balanced_accuracy": "nnops.metrics.classification:BalancedAccuracy",
        "f1": "nnops.metrics.classification:F1",
        "log_loss": "nnops.metrics.classification:LogLoss",
        "mae": "nnops.metrics.regression:Mae",
        "mape": "nnops.metrics.regression:Mape",
        "mse": "nnops.metrics.regression:Mse",
        "pr_auc": "nnops.metrics.ranking:PrAuc",
        "precision": "nnops.metrics.classification:Precision",
        "r2": "nnops.metrics.regression:R2",
        "recall": "nnops.metrics.classification:Recall",
        "rmse": "nnops.metrics.regression:Rmse",
        "roc_auc": "nnops.metrics.ranking:RocAuc",
    },
)

#: The metric that a training shows after each epoch beside the loss.
SHOWN: dict[Task, str] = {"binary": "accuracy", "multiclass": "accuracy", "regression": "rmse"}
