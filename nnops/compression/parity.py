"""Parity: how far a variant's outputs are from the trained model's, row by row."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from nnops.batch import QUANTITIES
from nnops.errors import CompressionError
from nnops.evaluation.baselines.base import Predict, Rows
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
        label_agreement: Share of rows (of a segmentation: of pixels, of texts: of tokens) with the same predicted class
            or labels; None for quantities.
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
    if reference.task not in QUANTITIES:
        same = variant.label_N == reference.label_N
        agreement = float((same.all(1) if same.ndim == 2 else same).mean())
    largest = float(difference_NC.max())
    return Parity(largest, float(difference_NC.mean()), largest / max(1.0, float(np.abs(expected_NC).max())), agreement)


def compare_tokens(reference: Predict, variant: Predict, pieces: Iterable[Rows]) -> Parity:
    """The same where each token is told: logits are compared piece by piece, at the places where one is."""
    largest, total, count, scale, same, told = 0.0, 0.0, 0, 1.0, 0, 0
    for piece in pieces:
        there_BT = piece.target_N != 0
        expected_MC, seen_MC = reference(piece.inputs)[there_BT], variant(piece.inputs)[there_BT]
        difference_MC = np.abs(seen_MC - expected_MC)
        # Written so that NaN is the largest.
        largest = float(np.maximum(largest, difference_MC.max()))
        total, count = total + float(difference_MC.sum(dtype=np.float64)), count + difference_MC.size
        scale = max(scale, float(np.abs(expected_MC).max()))
        same, told = same + int((seen_MC.argmax(1) == expected_MC.argmax(1)).sum()), told + len(seen_MC)
    return Parity(largest, total / count, largest / scale, same / told)


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
