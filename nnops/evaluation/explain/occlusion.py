"""Occlusion: what the answer loses when a part of the row is taken away (Zeiler and Fergus 2014, section 4.2).

Of an image a grey square is slid over it; of a text one token after the other is left out.

Legend of shape suffixes: N rows, T tokens, H W image, S squares.
"""

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field

from nnops.evaluation.explain.base import Explanation, Method
from nnops.evaluation.explain.subject import Kind, Subject


class Occlusion(Method):
    """The drop of the answer without a part."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image", "text")

    share: float = Field(default=0.2, gt=0, le=1, description="Side of the square, of the image's shorter side")

    def explain(self, subject: Subject) -> Explanation:
        """See :class:`Method`; above 0 the part speaks for the answer."""
        score_N = subject.ask(subject.inputs, subject.choice_N)
        value = self._image(subject, score_N) if subject.kind == "image" else _text(subject, score_N)
        form = "pixels" if subject.kind == "image" else "tokens"
        return Explanation(form, subject.unit, value, score_N=score_N)

    def _image(self, subject: Subject, score_N: np.ndarray) -> np.ndarray:
        _, height, width = subject.spec.shapes[0]
        side = max(1, round(self.share * min(height, width)))
        step = max(1, side // 3)
        corners = [
            (y, x)
            for y in (*range(0, height - side, step), height - side)
            for x in (*range(0, width - side, step), width - side)
        ]
        value_NHW = np.zeros((len(subject), height, width))
        times_HW = np.zeros((height, width))
        for y, x in corners:
            times_HW[y : y + side, x : x + side] += 1
        for row, choice in enumerate(subject.choice_N):
            # 0 is the mean of train.
            covered = torch.from_numpy(subject.inputs[0][row : row + 1]).repeat(len(corners), 1, 1, 1)
            for place, (y, x) in enumerate(corners):
                covered[place, :, y : y + side, x : x + side] = 0.0
            drop_S = score_N[row] - subject.ask([covered], np.full(len(corners), choice))
            for (y, x), drop in zip(corners, drop_S, strict=True):
                value_NHW[row, y : y + side, x : x + side] += drop
        return value_NHW / times_HW


def _text(subject: Subject, score_N: np.ndarray) -> np.ndarray:
    value_NT = np.zeros(subject.inputs[0].shape)
    for row, choice in enumerate(subject.choice_N):
        text_T = subject.inputs[0][row]
        count = int((text_T != 0).sum())
        # What follows moves up; a text of one word becomes no word at all.
        without = np.stack([np.append(np.delete(text_T, place), 0) for place in range(count)])
        value_NT[row, :count] = score_N[row] - subject.ask([without], np.full(count, choice))
    return value_NT
