"""The interface of an explanation method, and what it gives."""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from nnops.catalog import Component
from nnops.evaluation.explain.subject import Kind, Subject

#: What a method's numbers are: one each column and row, draws of an importance of each column, curves over a
#: column's values, one each pixel, token or step of a window and row, or pictures of what channels look for.
Form = Literal["columns", "importance", "curves", "pixels", "tokens", "steps", "channels"]


@dataclass(frozen=True)
class Explanation:
    """What a method found.

    Attributes:
        form: See :data:`Form`.
        unit: What the numbers are a part of, such as ``p(>50K)``.
        value: float64, its axes by form: columns ``[N, M]``, importance ``[R, M]`` (R repeats), curves ``[M, G]``,
            pixels ``[N, H, W]``, tokens ``[N, T]``, steps ``[N, L, V]``, channels ``[K, H, W]``.
        names: Of the M columns or the V variables.
        base_N: What an answer is without the row, where values add up to the difference from it.
        score_N: What is explained of each row.
        checks: Numbers that say how far the values can be trusted.
        notes: The same and what else a person should know, in sentences without the full stop.
        further: Further arrays that figures and files show, by name.
    """

    form: Form
    unit: str
    value: np.ndarray
    names: tuple[str, ...] = ()
    base_N: np.ndarray | None = None
    score_N: np.ndarray | None = None
    checks: dict[str, float] = field(default_factory=dict[str, float])
    notes: tuple[str, ...] = ()
    further: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])


class Method(Component):
    """A way to explain; its fields are its options.

    Attributes:
        kinds: The kinds of data that it fits.
        needs_truth: Whether it needs rows whose target is known.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    needs_truth: ClassVar[bool] = False

    @abstractmethod
    def explain(self, subject: Subject) -> Explanation:
        """Explain the subject's rows, or the model as a whole.

        Raises:
            InputError: The network cannot be explained so, or the subject lacks what the method needs.
        """
