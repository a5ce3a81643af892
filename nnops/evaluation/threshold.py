"""The decision threshold of a binary task: above which probability a row is called positive, found on val.

Legend of shape suffixes: N rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import exp, log
from typing import Any, Self

import numpy as np

from nnops.batch import Task
from nnops.data.prepared import Prepared, SplitName
from nnops.errors import ParamsError
from nnops.evaluation.groups import find_column
from nnops.evaluation.threshold_search import best, bring_together, sweep
from nnops.metrics.predictions import Predictions
from nnops.params import Params, Threshold

WHERE = "evaluate.threshold"


@dataclass(frozen=True)
class Decision:
    """What is called positive.

    Attributes:
        cut: The logit above which a row is.
        metric: What it makes best on val; None where params name the threshold.
        by: A column whose groups have thresholds of their own.
        goal: What these hold equal.
        cuts: Logits by group; a group that is not here has ``cut``.
    """

    cut: float
    metric: str | None = None
    by: str | None = None
    goal: str | None = None
    cuts: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def threshold(self) -> float:
        """The probability of :attr:`cut`."""
        return as_probability(self.cut)

    def to_json(self) -> dict[str, Any]:
        """As plain values, thresholds as probabilities beside logits."""
        record: dict[str, Any] = {"cut": self.cut, "threshold": self.threshold, "metric": self.metric}
        if self.by is not None:
            thresholds = {name: as_probability(cut) for name, cut in self.cuts.items()}
            record |= {"by": self.by, "goal": self.goal, "cuts": dict(self.cuts), "thresholds": thresholds}
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(record["cut"], record["metric"], record.get("by"), record.get("goal"), record.get("cuts", {}))

    def cut_of(self, groups: tuple[str, ...], code_N: np.ndarray) -> np.ndarray:
        """The logit for each row, float64 ``[N]``.

        Args:
            groups: Names of the groups by code.
            code_N: The group of each row; -1 for an unknown one.
        """
        # The last one stands for -1.
        cut_J = np.array([*(self.cuts.get(name, self.cut) for name in groups), self.cut])
        return cut_J[code_N]

    def apply(self, predictions: Predictions, data: Prepared, split: SplitName) -> Predictions:
        """The same outputs of a split, with labels as decided."""
        if self.by is None:
            return replace(predictions, cut=self.cut)
        place = find_column(data, self.by, f"{WHERE}.by")
        cut_N = self.cut_of(data.groupings[place].groups, data.groups(split)[:, place])
        return replace(predictions, cut=cut_N)

    def words(self) -> str:
        """The thresholds, for people."""
        if self.by is None:
            return f"{self.threshold:.3g}"
        return f"by {self.by}: " + ", ".join(f"{name} {as_probability(cut):.3g}" for name, cut in self.cuts.items())


@dataclass(frozen=True)
class Tuned:
    """A decision and what it was found on, for its figure.

    Attributes:
        decision: What was found, or said.
        params: What asked for it.
        data: Says the groups of val.
        val: The model's outputs on val; None where val has no rows.
    """

    decision: Decision
    params: Params
    data: Prepared
    val: Predictions | None


def needs_val(params: Params) -> bool:
    """Whether the threshold is to be found, and not said."""
    return isinstance(params.evaluate.threshold, Threshold)


def check_threshold(params: Params, task: Task) -> None:
    """Check that a threshold fits the task.

    Raises:
        ParamsError: It has none.
    """
    if params.evaluate.threshold is not None and task != "binary":
        raise ParamsError(
            f"params.yaml: {WHERE} is of a binary task, which calls a row positive above a probability, and the task is"
            f" {task}; leave it out."
        )


def decide(params: Params, data: Prepared, val: Predictions | None) -> Decision | None:
    """The decision that params ask for; None where they leave it at a probability of 1/2.

    Args:
        params: ``evaluate.threshold`` is read.
        data: Says the groups of val.
        val: The model's outputs on val; None where params name the threshold.

    Raises:
        ParamsError: It does not fit the task, or names a column that is none of ``data.groups``.
    """
    asked = params.evaluate.threshold
    check_threshold(params, data.spec.task)
    if asked is None:
        return None
    if not isinstance(asked, Threshold):
        return Decision(log(asked / (1 - asked)))
    assert val is not None
    score_N, truth_N = val.output_NC[:, 0].astype(np.float64), val.truth_N
    decision = Decision(best(sweep(score_N, truth_N), asked.metric), asked.metric)
    if asked.by is None:
        return decision
    place = find_column(data, asked.by, f"{WHERE}.by")
    names, code_N = data.groupings[place].groups, data.groups("val")[:, place]
    rows = {name: np.flatnonzero(code_N == code) for code, name in enumerate(names)}
    cuts = bring_together(score_N, truth_N, rows, decision.cut, asked)
    return replace(decision, by=asked.by, goal=asked.goal, cuts=cuts)


def as_probability(cut: float) -> float:
    """The probability of a logit.

    >>> as_probability(0.0)
    0.5
    """
    return 1 / (1 + exp(-cut)) if cut >= 0 else exp(cut) / (1 + exp(cut))
