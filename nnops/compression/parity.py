"""Parity: how far a variant's outputs are from the trained model's, row by row."""

from dataclasses import dataclass

import numpy as np

from nnops.errors import CompressionError
from nnops.metrics.predictions import Predictions

#: Largest difference of an exported fp32 graph, relative to the largest output (at least 1): summation order alone.
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Parity:
    """Differences between the outputs of a variant and those of the trained model on the same rows.

    Attributes:
        max_abs_diff: Largest difference of a logit or a scaled value.
        mean_abs_diff: Mean difference.
        relative: The largest difference over the largest output of the trained model (at least 1).
        label_agreement: Share of rows with the same predicted class; None for regression.
    """

    max_abs_diff: float
    mean_abs_diff: float
    relative: float
    label_agreement: float | None

    def numbers(self) -> dict[str, float]:
        """By name, as metrics.json holds them."""
        numbers = {"max_abs_diff": self.max_abs_diff, "mean_abs_diff": self.mean_abs_diff, "relative": self.relative}
        if self.label_agreement is not None:
            numbers["label_agreement"] = self.label_agreement
        return numbers


def measure_parity(reference: Predictions, variant: Predictions) -> Parity:
    """Compare a variant's outputs with the trained model's on the same rows."""
    expected_NC = reference.output_NC.astype(np.float64)
    difference_NC = np.abs(variant.output_NC.astype(np.float64) - expected_NC)
    agreement = None
    if reference.task != "regression":
        agreement = float((variant.label_N == reference.label_N).mean())
    largest = float(difference_NC.max())
    return Parity(largest, float(difference_NC.mean()), largest / max(1.0, float(np.abs(expected_NC).max())), agreement)


def check_export(parity: Parity, rows: int) -> None:
    """Prove that an fp32 export is the trained model.

    Raises:
        CompressionError: It is not.
    """
    # Written so that NaN fails, too.
    if not parity.relative <= TOLERANCE:
        raise CompressionError(
            f"the exported ONNX graph must give the trained model's outputs within {TOLERANCE:g} of the largest one on"
            f" all {rows} test rows, but differs by {parity.max_abs_diff:.3g} (relative {parity.relative:.3g});"
            " the model uses an operation that does not survive export."
        )
