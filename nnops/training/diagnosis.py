"""Why a loss is not finite: the inputs, the target, their size, or the steps that were taken."""

import torch
from torch import Tensor

from nnops.data.prepared import Tensors
from nnops.training.step import Step

#: Rows on disk that are looked at for the cause.
LOOKED_AT = 100_000


def explain_non_finite(loss_S: Tensor, epoch: int, rate: float, step: Step, split: Tensors) -> str:
    """One sentence with the step and the likely cause.

    Args:
        loss_S: The losses of the epoch's steps, or the one loss on val (a scalar).
        epoch: Counted from 0.
        rate: The learning rate that the schedule scales.
        step: Its weights are looked at.
        split: The rows that gave the losses.
    """
    if loss_S.ndim:
        place = int((~torch.isfinite(loss_S)).nonzero()[0])
        what = (
            f"the training loss became {float(loss_S[place])} at epoch {epoch + 1}, step {place + 1} of {len(loss_S)}"
        )
        untouched = epoch == 0 and place == 0
    else:
        what = f"the validation loss became {float(loss_S)} at the end of epoch {epoch + 1}"
        untouched = False
    return f"{what}: {_cause(rate, step, split, untouched)}."


def _cause(rate: float, step: Step, split: Tensors, untouched: bool) -> str:
    # Of a split on disk the first rows must do.
    seen = LOOKED_AT if split.block else len(split)
    columns = {f"input {place}": tensor[:seen] for place, tensor in enumerate(split.inputs)}
    columns["the target"] = split.target
    for name, tensor in columns.items():
        bad = ~torch.isfinite(tensor)
        if bad.any():
            row = int(bad.flatten(1).any(1).nonzero()[0]) if bad.ndim > 1 else int(bad.nonzero()[0])
            return f"{name} holds {int(bad.sum())} values that are not finite, the first in row {row} of the split"
    if untouched:
        sizes = {name: float(tensor.abs().max()) for name, tensor in columns.items()}
        largest = max(sizes, key=lambda name: sizes[name])
        return (
            f"no weight had changed yet, so the values are too large ({largest} goes up to {sizes[largest]:.3g});"
            " write data.scaling: standard, and for regression data.target_scaling: standard"
        )
    weights = [tensor for name, tensor in step.tensors().items() if name.startswith("model.")]
    lost = sum(int((~torch.isfinite(tensor)).sum()) for tensor in weights)
    state = (
        f"{lost} weights are not finite"
        if lost
        else f"weights grew to {max(float(w.abs().max()) for w in weights):.3g}"
    )
    return (
        f"{state}, so the learning rate {rate:g} is likely too high;"
        " write a smaller train.optimizer.options.lr, or train.clip_norm: 1.0"
    )
