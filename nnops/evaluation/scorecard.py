"""The scorecard: a model's metrics with their intervals, beside what the baselines reach on the same rows."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from nnops.batch import Task
from nnops.metrics.predictions import Predictions

Verdict = Literal["ahead", "level", "behind"]


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value and its bootstrap interval, where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class BaselineScore:
    """What a baseline reaches on the test split.

    Attributes:
        name: ``majority``, ``mean``, ``linear`` or ``boosted_trees``.
        note: What it was spared, such as "10,000 of 54,000 rows".
        test: Its metrics.
        gap: The model's primary metric minus the baseline's, over the same draws.
        verdict: How the model stands to it in the primary metric: ``level`` where the gap's interval holds 0.
    """

    name: str
    note: str
    test: dict[str, Score]
    gap: Score
    verdict: Verdict


@dataclass(frozen=True)
class Scorecard:
    """How good a model is.

    Attributes:
        model: Its family, such as ``mlp``.
        best_epoch: The epoch whose weights it has, from 1.
        task: What is predicted.
        target: The target's column.
        classes: Class labels in the order of the codes; empty for regression.
        rows: Number of rows of each split.
        primary: The metric that models are compared by, the first one asked for.
        directions: For each metric, which way is better.
        level: The share of draws that an interval holds.
        samples: Number of bootstrap draws.
        test: The model's metrics on test.
        val: The same on val, where it was tuned, so without intervals.
        baselines: The same for simpler models, in the order of params.
        undefined: Metrics that fit the task but have no value on these rows, and what they need.
        predictions: The model's outputs on test.
    """

    model: str
    best_epoch: int
    task: Task
    target: str
    classes: tuple[str, ...]
    rows: dict[str, int]
    primary: str
    directions: dict[str, Literal["maximize", "minimize"]]
    level: float
    samples: int
    test: dict[str, Score]
    val: dict[str, Score]
    baselines: tuple[BaselineScore, ...]
    undefined: dict[str, str]
    predictions: Predictions = field(repr=False, compare=False)

    @property
    def beaten_by(self) -> tuple[str, ...]:
        """The baselines whose primary metric is better than the model's."""
        best = max if self.directions[self.primary] == "maximize" else min
        mine = self.test[self.primary].value
        others = {one.name: one.test[self.primary].value for one in self.baselines if self.primary in one.test}
        return tuple(name for name, value in others.items() if value != mine and best(value, mine) == value)

    @property
    def standing(self) -> str:
        """How the model stands to its baselines, in words; "" without any."""
        if not self.baselines:
            return ""
        if self.beaten_by:
            *others, last = [name.replace("_", " ") for name in self.beaten_by]
            return f"behind {', '.join(others)} and {last}" if others else f"behind {last}"
        if all(one.verdict == "ahead" for one in self.baselines):
            return "ahead of every baseline"
        return "level with the best baseline"

    def metrics(self) -> dict[str, float]:
        """All numbers by dotted name: ``test.accuracy``, ``test.accuracy.low``, ``baseline.linear.accuracy``."""
        flat: dict[str, float] = {}
        groups = {"test": self.test, "val": self.val}
        groups |= {f"baseline.{one.name}": one.test for one in self.baselines}
        for group, scores in groups.items():
            for name, score in scores.items():
                flat[f"{group}.{name}"] = score.value
                if group == "test" and score.low is not None and score.high is not None:
                    flat[f"{group}.{name}.low"] = score.low
                    flat[f"{group}.{name}.high"] = score.high
        return flat

    def to_json(self) -> dict[str, Any]:
        """As plain values, without the predictions."""
        record = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "predictions"}
        record["beaten_by"] = self.beaten_by
        for split in ("test", "val"):
            record[split] = {name: asdict(score) for name, score in record[split].items()}
        record["baselines"] = [asdict(one) for one in self.baselines]
        return record

    def sentence(self) -> str:
        """The outcome in one line, for a terminal."""
        mine = self.test[self.primary]
        text = f"test {self.primary} {shown(mine.value)}"
        if mine.low is not None and mine.high is not None:
            text += f" ({self.level:.0%} interval {shown(mine.low)} to {shown(mine.high)})"
        return f"{text}, {self.standing}" if self.standing else text

    def table(self) -> str:
        """Model and baselines line by line, for a terminal."""
        names = list(self.test)
        lines = [["", *names, ""]]
        rows = [(self.model, self.test, "")]
        for one in self.baselines:
            words = [f"{self.model} is {one.verdict}" if one.verdict != "ahead" else "", one.note]
            rows.append((one.name, one.test, "; ".join(word for word in words if word)))
        for name, scores, note in rows:
            lines.append([name, *(shown(scores[metric].value) if metric in scores else "-" for metric in names), note])
        widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
        text = [
            line[0].ljust(widths[0] + 2)
            + "  ".join(cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:-1], strict=True))
            + f"  {line[-1]}"
            for line in lines
        ]
        return "\n".join(line.rstrip() for line in text)


def shown(value: float) -> str:
    """A number for people: as many digits as matter, thousands set apart.

    >>> shown(0.97037), shown(48799.6), shown(-1.5)
    ('0.9704', '48,800', '-1.5000')
    """
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.{2 if size < 100 else 1}f}"
    return f"{value:.4f}" if size >= 0.00005 or size == 0 else f"{value:.1e}"
