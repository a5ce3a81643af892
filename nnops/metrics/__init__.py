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
        "bits_per_character": "nnops.metrics.tokens:BitsPerCharacter",
        "bits_per_token": "nnops.metrics.tokens:BitsPerToken",
        "bleu": "nnops.metrics.bleu:Bleu",
        "brier": "nnops.metrics.calibration:Brier",
        "calibration_error": "nnops.metrics.calibration:CalibrationError",
        "dice": "nnops.metrics.dense:Dice",
        "edit_rate": "nnops.metrics.tokens:EditRate",
        "exact_match": "nnops.metrics.tokens:ExactMatch",
        "f1": "nnops.metrics.classification:F1",
        "f1_micro": "nnops.metrics.labels:F1Micro",
        "hamming_loss": "nnops.metrics.labels:HammingLoss",
        "log_loss": "nnops.metrics.classification:LogLoss",
        "mae": "nnops.metrics.regression:Mae",
        "mape": "nnops.metrics.regression:Mape",
        "mean_iou": "nnops.metrics.dense:MeanIou",
        "mse": "nnops.metrics.regression:Mse",
        "perplexity": "nnops.metrics.tokens:Perplexity",
        "pixel_accuracy": "nnops.metrics.dense:PixelAccuracy",
        "pr_auc": "nnops.metrics.ranking:PrAuc",
        "precision": "nnops.metrics.classification:Precision",
        "r2": "nnops.metrics.regression:R2",
        "recall": "nnops.metrics.classification:Recall",
        "rmse": "nnops.metrics.regression:Rmse",
        "roc_auc": "nnops.metrics.ranking:RocAuc",
        "scaled_mae": "nnops.metrics.forecasting:ScaledMae",
        "scaled_mse": "nnops.metrics.forecasting:ScaledMse",
        "scaled_rmse": "nnops.metrics.forecasting:ScaledRmse",
        "subset_accuracy": "nnops.metrics.labels:SubsetAccuracy",
        "token_accuracy": "nnops.metrics.tokens:TokenAccuracy",
    },
)

#: The metric that a training shows after each epoch beside the loss.
SHOWN: dict[Task, str] = {
    "binary": "accuracy",
    "forecasting": "scaled_mse",
    "language_model": "perplexity",
    "multiclass": "accuracy",
    "multilabel": "f1_micro",
    "regression": "rmse",
    "segmentation": "mean_iou",
    "sequence": "exact_match",
}
