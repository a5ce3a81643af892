"""Outputs of anything that predicts, for all rows of a split: a network, a baseline, an ONNX graph."""

from collections.abc import Iterator

import numpy as np
import torch

from nnops.batch import TOKENS
from nnops.data.prepared import Prepared, SplitName
from nnops.errors import DataError
from nnops.evaluation.baselines.base import Predict, Rows
from nnops.evaluation.decode import greedy
from nnops.metrics.base import Predictions
from nnops.metrics.tokens import join, tally
from nnops.training.artifact import TrainedModel


def network(model: TrainedModel, device: str = "cpu") -> Predict:
    """A trained network as a callable from arrays to arrays."""
    module = model.module.to(device)

    def predict(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        with torch.no_grad():
            return module(*(torch.from_numpy(array).to(device) for array in inputs)).cpu().numpy()

    return predict


def read_rows(data: Prepared, split: SplitName) -> Rows:
    """A split as arrays, its inputs ready for a model; those of tables and texts stay on disk until they are looked at.

    Raises:
        DataError: The split has no rows.
    """
    if not data.rows(split):
        raise DataError(f"the {split} split has no rows to evaluate on; set data.split.{split} in params.yaml above 0.")
    if not data.spec.image and not data.spec.series:
        return Rows(data.mapped(split), np.load(data.folder / split / "target.npy", allow_pickle=False))
    tensors = data.tensors(split)
    return Rows(tuple(tensor.numpy() for tensor in tensors.inputs), tensors.target.numpy())


def predict_split(predict: Predict, data: Prepared, split: SplitName) -> Predictions:
    """Predict all rows of a split, as many at a time as training does, so that a network's bits are the same here.

    Args:
        predict: See :data:`nnops.evaluation.baselines.base.Predict`.
        data: The prepared data.
        split: Which rows.

    Raises:
        DataError: The split has no rows.
    """
    return predict_rows(predict, read_rows(data, split), data)


def in_pieces(rows: Rows, at_once: int) -> Iterator[Rows]:
    """Rows that are predicted at once, piece by piece."""
    for start in range(0, len(rows), at_once):
        piece = slice(start, start + at_once)
        yield Rows(tuple(array[piece] for array in rows.inputs), rows.target_N[piece])


def predict_rows(predict: Predict, rows: Rows, data: Prepared, *, whole: bool = False) -> Predictions:
    """The same for rows that are read already; a sequence is decoded greedily unless answers come as a ``whole``."""
    pieces = list(in_pieces(rows, data.spec.rows_at_once))
    if data.spec.task == "sequence":
        steps = data.spec.shapes[1][0]
        answers = [predict(one.inputs) if whole else greedy(predict, one.inputs[0], steps) for one in pieces]
        return Predictions("sequence", np.concatenate(answers), rows.target_N)
    if data.spec.task in TOKENS:
        tallies = [tally(data.spec.task, predict(one.inputs), one.target_N, data.characters) for one in pieces]
        return join(tallies)
    parts = [predict(one.inputs) for one in pieces]
    mean, std = data.target_scale
    return Predictions(data.spec.task, np.concatenate(parts), rows.target_N, mean, std)
