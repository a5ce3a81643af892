"""What figures are drawn from: a study and its trials, read once, and what several figures need of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nnops.sweep.importance import importance, rank
from nnops.sweep.study import Study, TrialRecord

#: A range of values reaches from the best over so large a share of all; values that lie farther from the best than so
#: many times the median do not count in it, and a margin of such a share is left.
MOST, FAR, ROOM = 0.9, 8.0, 0.06


@dataclass(frozen=True)
class Seen:
    """A study and its trials at one moment.

    Attributes:
        study: The study.
        trials: Of the search, by number.
        repeats: Of its best trials.
    """

    study: Study
    trials: list[TrialRecord]
    repeats: list[TrialRecord] = field(default_factory=list[TrialRecord])

    @cached_property
    def best(self) -> TrialRecord | None:
        """The best trial, or None."""
        return self.study.best(self.trials)

    @cached_property
    def complete(self) -> list[TrialRecord]:
        """Trials that spent the full fidelity and kept to the constraints."""
        return [trial for trial in self.trials if trial.state == "complete" and trial.value is not None]

    @cached_property
    def pruned(self) -> list[TrialRecord]:
        """Trials that were stopped early, with a value."""
        return [trial for trial in self.trials if trial.state == "pruned" and trial.value is not None]

    @cached_property
    def told(self) -> list[TrialRecord]:
        """Complete and pruned trials, the best first."""
        return sorted([*self.complete, *self.pruned], key=rank(self.study))

    @cached_property
    def weights(self) -> dict[str, float]:
        """How much each key decided, largest first; empty where too few trials have ended."""
        return importance(self.study, self.trials)

    @cached_property
    def keys(self) -> list[str]:
        """Every tuned key, the most important first."""
        return [*self.weights, *(key for key in self.study.space.by_key if key not in self.weights)]

    @cached_property
    def focus(self) -> tuple[float, float, bool]:
        """The range of trials' values to draw, and whether trials far off the others lie outside of it.

        Complete trials lie outside only where they are far off.
        """
        loss = self.study.objective.loss
        return self._range(
            [loss(trial.value) for trial in self.told if trial.value is not None],
            [loss(trial.value) for trial in self.complete if trial.value is not None],
        )

    @cached_property
    def focus_of_reports(self) -> tuple[float, float, bool]:
        """The range of reports to draw, and whether some lie outside of it."""
        return self._range([self.study.objective.loss(value) for t in self.told for value in t.reports.values()])

    def _range(self, losses: list[float], shown: Sequence[float] = ()) -> tuple[float, float, bool]:
        """From the best to almost the worst of ``losses``; to the worst of ``shown``, too, unless it is far off."""
        if not losses:
            return 0.0, 1.0, False
        sign = -1.0 if self.study.objective.direction == "maximize" else 1.0
        losses = sorted(losses)
        first, last = losses[0], losses[-1]
        far = first + FAR * (losses[len(losses) // 2] - first)
        most = max([losses[math.ceil(MOST * len(losses)) - 1], *shown])
        near = [value for value in losses if value <= min(most, far if far > first else last)]
        # A little more is no reason to leave anything out.
        clipped = last - first > 1.5 * (near[-1] - first) > 0
        if clipped:
            margin = ROOM * (near[-1] - first)
            first, last = first - margin, near[-1] + margin
        low, high = sorted((sign * first, sign * last))
        return low, high, clipped

    def inside(self, trial: TrialRecord) -> bool:
        """Whether a trial's value lies in :attr:`focus`."""
        low, high, _ = self.focus
        return trial.value is not None and low <= trial.value <= high

    def clip(self, value: float) -> float:
        """A value at the edge of :attr:`focus` where it lies outside."""
        low, high, _ = self.focus
        return min(max(value, low), high)

    @cached_property
    def tones(self) -> dict[int, float]:
        """For each told trial a shade in (0, 1] by its rank; 1 is the best."""
        count = len(self.told)
        return {trial.number: 1.0 - 0.92 * place / count for place, trial in enumerate(self.told)}


def mark_trials(axes: Any, seen: Seen, places: "dict[int, float]", size: float = 20) -> None:
    """Scatter told trials over ``places`` (by number): complete ones filled, stopped ones as rings, the best ringed."""
    from nnops.figure import COLORS, MUTED

    pruned = [t for t in seen.pruned if t.number in places]
    complete = [t for t in seen.complete if t.number in places]
    many = len(pruned) + len(complete) > MANY / 4  # Such a figure has several panels.
    axes.scatter(
        [places[t.number] for t in pruned], [seen.clip(t.value or 0.0) for t in pruned],
        s=size * 0.7, facecolors="none", edgecolors=MUTED, linewidths=0.8, alpha=0.75, rasterized=many,
    )  # fmt: skip
    axes.scatter(
        [places[t.number] for t in complete], [seen.clip(t.value or 0.0) for t in complete],
        s=size, color=COLORS[0], alpha=0.85, linewidths=0, zorder=3, rasterized=many,
    )  # fmt: skip
    best = seen.best
    if best is not None and best.number in places and best.value is not None:
        axes.scatter([places[best.number]], [best.value], s=size * 4, facecolors="none", edgecolors=COLORS[1],
                     linewidths=1.8, zorder=5)  # fmt: skip


#: From so many marks on, a vector figure holds them as pixels.
MANY = 300
