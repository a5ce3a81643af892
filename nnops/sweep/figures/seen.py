"""What figures are drawn from: a study and its trials, read once, and what several figures need of them."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nnops.sweep.importance import importance, rank
from nnops.sweep.study import Study, TrialRecord

#: What lies farther from the best value than so many times the median of the complete trials, of which there must be
#: so many, is drawn at the edge; the range then has a margin of this share.
FAR, SEEN, ROOM = 4.0, 3, 0.06


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
        """The range of values to draw, and whether trials far off the good ones lie outside of it."""
        loss, sign = self.study.objective.loss, -1.0 if self.study.objective.direction == "maximize" else 1.0
        losses = sorted(loss(trial.value) for trial in self.told if trial.value is not None)
        complete = sorted(loss(trial.value) for trial in self.complete if trial.value is not None)
        if not losses:
            return 0.0, 1.0, False
        first, last = losses[0], losses[-1]
        reach = FAR * (complete[len(complete) // 2] - complete[0]) if len(complete) >= SEEN else 0.0
        clipped = reach > 0 and last > complete[0] + 1.5 * reach
        if clipped:
            first, last = first - ROOM * reach, complete[0] + reach
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
