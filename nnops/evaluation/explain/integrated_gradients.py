"""Integrated gradients (Sundararajan et al. 2017): what the way from a baseline to a row adds to the answer.

The baseline of a table is the mean of its background, of an image black, of a text no words at all (all vectors 0),
and of a window each variable held at its mean there. Values add up to the answer less the baseline's answer
("completeness", their proposition 1) within a tolerance that is told.

Legend of shape suffixes: N rows, M columns, T tokens, L steps, V variables, H W image.
"""

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field

from nnops.errors import InputError
from nnops.evaluation.explain.base import Explanation, Form, Method
from nnops.evaluation.explain.path import Integral, integrate
from nnops.evaluation.explain.subject import Kind, Subject


class IntegratedGradients(Method):
    """The sum of gradients on the way from a baseline."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image", "series", "table", "text")

    tolerance: float = Field(
        default=0.01, gt=0, description="How much the values may miss the difference by, of its mean"
    )

    def explain(self, subject: Subject) -> Explanation:
        """See :class:`Method`."""
        baselines = [_baseline(subject, name, place) for place, name in enumerate(subject.spec.inputs)]
        found = integrate(subject, baselines, codes=subject.kind == "table", tolerance=self.tolerance)
        form, value, names = _shaped(subject, found)
        told = f"values add up to the difference within {found.error:.2%} of its mean, with {found.points} points"
        if found.error > self.tolerance:
            told = f"NOT WHOLE: {told}, but the tolerance is {self.tolerance:.2%}"
        return Explanation(
            form,
            subject.unit,
            value,
            names,
            found.base_N,
            found.score_N,
            {"sum_error_relative": found.error, "points": float(found.points)},
            (told,),
        )


def _baseline(subject: Subject, name: str, place: int) -> np.ndarray | None:
    if name == "numeric":
        return subject.background[place].mean(0, keepdims=True)
    if name == "series":
        return np.broadcast_to(subject.inputs[place].mean(1, keepdims=True), subject.inputs[place].shape).copy()
    if name == "image":
        mean, std = (
            np.asarray(each, np.float32).reshape(1, -1, 1, 1) for each in (subject.pixel_mean, subject.pixel_std)
        )
        return np.broadcast_to(-mean / std, (1, *subject.spec.shapes[place])).copy()
    return None


def _shaped(subject: Subject, found: Integral) -> tuple[Form, np.ndarray, tuple[str, ...]]:
    if subject.kind == "image":
        return "pixels", found.parts[0].sum(1), ()
    if subject.kind == "series":
        return "steps", found.parts[0], subject.variables
    if subject.kind == "text":
        value_NT = np.zeros((len(subject), subject.spec.shapes[0][0]))
        for part in found.parts:
            value_NT[:, : part.shape[1]] += part
        return "tokens", value_NT, ()
    return "columns", _columns(subject, found), tuple(feature.name for feature in subject.features)


def _columns(subject: Subject, found: Integral) -> np.ndarray:
    """The parts of a table's inputs and look-ups, each put to its column."""
    value_NM = np.zeros((len(subject), len(subject.features)))
    numbers = [place for place, name in enumerate(subject.spec.inputs) if name == "numeric"]
    for part, place in zip(found.parts, numbers, strict=False):
        np.add.at(value_NM.T, subject.owners[place].numpy(), part.T)
    if "categories" not in subject.spec.inputs:
        return value_NM
    place = subject.spec.inputs.index("categories")
    known, owner = torch.from_numpy(subject.background[place]), subject.owners[place].numpy()
    times = np.zeros(known.shape[1], np.int64)
    for part, code in zip(found.parts[len(numbers) :], found.first, strict=True):
        if code.shape == known.shape and torch.equal(code, known):
            np.add.at(value_NM.T, owner, part.T)
            continue
        # Two columns of the same codes are looked up one after the other.
        alike = [k for k in range(known.shape[1]) if code.ndim == 1 and torch.equal(code, known[:, k])]
        if not alike:
            raise InputError("this network looks up codes that are no column's, so they have no place; write shap.")
        column = min(alike, key=lambda k: times[k])
        times[column] += 1
        value_NM[:, owner[column]] += part
    return value_NM
