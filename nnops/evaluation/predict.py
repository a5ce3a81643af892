"""Outputs of anything that predicts, for all rows of a split: a network, a baseline, an ONNX graph."""

import numpy as np
import torch

from nnops.data.prepared import Prepared, SplitName
from nnops.errors import DataError
from nnops.evaluation.baselines.base import Predict, Rows
from nnops.metrics.base import Predictions
from nnops.training.artifact import TrainedModel
from nnops.training.loop import PREDICT_ROWS


def network(model: TrainedModel, device: str = "cpu") -> Predict:
    """A trained network as a callable from arrays to arrays."""
    module = model.module.to(device)

    def predict(inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        with torch.no_grad():
            return module(*(torch.from_numpy(array).to(device) for array in inputs)).cpu().numpy()

    return predict


def read_rows(data: Prepared, split: SplitName) -> Rows:
    """A split as arrays, its inputs ready for a model.

    Raises:
        DataError: The split has no rows.
    """
    if not data.rows(split):
        raise DataError(f"the {split} split has no rows to evaluate on; set data.split.{split} in params.yaml above 0.")
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


def predict_rows(predict: Predict, rows: Rows, data: Prepared) -> Predictions:
    """The same for rows that are read already."""
    parts = [
        predict(tuple(array[start : start + PREDICT_ROWS] for array in rows.inputs))
        for start in range(0, len(rows), PREDICT_ROWS)
    ]
    mean, std = data.target_scale
    return Predictions(data.spec.task, np.concatenate(parts), rows.target_N, mean, std)
