"""What is explained: a trained network, rows, and rows to compare them with.

Legend of shape suffixes: B batch, N rows, C answers (classes, labels, targets of a forecast), M columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from nnops.batch import QUANTITIES, Spec
from nnops.evaluation.baselines.base import Rows
from nnops.evaluation.explain.feature import Feature, owners
from nnops.metrics.base import Metric, Predictions

Kind = Literal["table", "image", "text", "series"]
#: Numbers that go through the network at once; more gain nothing.
AT_ONCE = 1 << 21
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Subject:
    """A network and rows, in the shape that it takes them.

    Attributes:
        module: The network, in evaluation mode.
        spec: The contract of its inputs and outputs.
        kind: The kind of the data.
        inputs: The rows to explain, one array an input.
        background: Rows of train that stand for "anything", likewise.
        answers: Names of the C answers: classes, labels, the target or the targets of a forecast.
        choice_N: Which answer of each row is explained.
        number_N: What the rows are called: their places in test or FILE.
        seed: Draws come from streams of it.
        judged: Rows whose target is known, or None.
        metric: What the model is judged by, with its name.
        mean: With ``std``, undoes the scaling of a quantity.
        std: See ``mean``.
        features: The columns of a table.
        tokens: Of each row of a text, its tokens as people read them.
        variables: Names of the variables of a series.
        pixel_mean: What was taken off each channel of an image, in units of 255.
        pixel_std: What it was divided by then.
    """

    module: nn.Module
    spec: Spec
    kind: Kind
    inputs: tuple[np.ndarray, ...]
    background: tuple[np.ndarray, ...]
    answers: tuple[str, ...]
    choice_N: np.ndarray
    number_N: np.ndarray
    seed: int
    judged: Rows | None = None
    metric: tuple[str, Metric] | None = None
    mean: float | np.ndarray = 0.0
    std: float | np.ndarray = 1.0
    features: tuple[Feature, ...] = ()
    tokens: tuple[tuple[str, ...], ...] = ()
    variables: tuple[str, ...] = ()
    pixel_mean: tuple[float, ...] = ()
    pixel_std: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.choice_N)

    @cached_property
    def owners(self) -> list[Tensor]:
        """Of each input of a table, the column of each of its numbers."""
        return [torch.from_numpy(owner) for owner in owners(self.features, self.spec.inputs, self.spec.shapes)]

    @property
    def unit(self) -> str:
        """What a score is, such as ``p(>50K)``."""
        chosen = np.unique(self.choice_N)
        name = self.answers[chosen[0]] if len(chosen) == 1 else ""
        if self.spec.task in QUANTITIES:
            return f"{name or 'the target'}{', mean over the horizon' if self.spec.horizon > 1 else ''}"
        return f"p({name})" if name else "p(class)"

    def named(self, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Inputs by name."""
        return dict(zip(self.spec.inputs, inputs, strict=True))

    def logits(self, inputs: Sequence[Tensor]) -> Tensor:
        """One number for each answer, ``[B, C]``, before any probability; quantities in their own unit."""
        output_BC = self.module(*inputs)
        task = self.spec.task
        if task == "binary":
            return torch.cat([-output_BC, output_BC], 1)
        if task in QUANTITIES:
            scale_C, shift_C = (torch.as_tensor(each, dtype=output_BC.dtype) for each in (self.std, self.mean))
            value_BC = output_BC * scale_C + shift_C
            return value_BC.unflatten(1, (self.spec.horizon, -1)).mean(1) if self.spec.targets else value_BC
        return output_BC

    def scores(self, inputs: Sequence[Tensor]) -> Tensor:
        """The same as people are told: probabilities, or quantities in their own unit, float64 ``[B, C]``."""
        logit_BC = self.logits(inputs).double()
        if self.spec.task in QUANTITIES:
            return logit_BC
        return logit_BC.softmax(1) if self.spec.task == "multiclass" else logit_BC.sigmoid()

    def ask(self, inputs: Sequence[np.ndarray] | Sequence[Tensor], choice_B: np.ndarray) -> np.ndarray:
        """The score of one answer each row, float64 ``[B]``, in pieces that fit the caches."""
        tensors = [each if isinstance(each, Tensor) else torch.from_numpy(each) for each in inputs]
        width = max(1, sum(each[0].numel() for each in tensors))
        some = max(1, min(ROWS_AT_ONCE, AT_ONCE // width))
        choice = torch.from_numpy(choice_B)[:, None]
        parts: list[np.ndarray] = []
        with torch.no_grad():
            for start in range(0, len(choice_B), some):
                piece = slice(start, start + some)
                score_BC = self.scores([each[piece] for each in tensors])
                parts.append(score_BC.gather(1, choice[piece])[:, 0].numpy())
        return np.concatenate(parts)

    def predictions(self, rows: Rows) -> Predictions:
        """The network's outputs on rows whose target is known."""
        parts: list[np.ndarray] = []
        with torch.no_grad():
            for start in range(0, len(rows), ROWS_AT_ONCE):
                piece = slice(start, start + ROWS_AT_ONCE)
                parts.append(self.module(*(torch.from_numpy(each[piece]) for each in rows.inputs)).numpy())
        return Predictions(self.spec.task, np.concatenate(parts), rows.target_N, self.mean, self.std)

    def first(self, rows: int) -> "Subject":
        """The same with the first rows alone."""
        inputs = tuple(each[:rows] for each in self.inputs)
        return replace(
            self,
            inputs=inputs,
            choice_N=self.choice_N[:rows],
            number_N=self.number_N[:rows],
            tokens=self.tokens[:rows],
        )
