"""The scorecard: a model's metrics with their intervals, beside what the baselines reach on the same rows."""

from dataclasses import asdict, dataclass, field
from math import fsum
from typing import TYPE_CHECKING, Any, Literal

from nnops.batch import Task
from nnops.evaluation.answer import Answer
from nnops.evaluation.forecast import Example
from nnops.metrics.predictions import Predictions

if TYPE_CHECKING:
    from nnops.evaluation.fairness_report import Report
    from nnops.evaluation.threshold import Tuned

Verdict = Literal["ahead", "level", "behind"]
#: Fields that are arrays, left out of the JSON.
HIDDEN = ("predictions", "examples", "answers", "fairness", "threshold")


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
        name: Such as ``majority``, ``linear`` or ``last_value``.
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
class Damage:
    """What the model's primary metric is on rows that were changed.

    Attributes:
        kind: ``clean``, ``corruption`` or ``attack``.
        name: Of the corruption or the attack; empty for clean rows.
        strength: The severity 1 to 5, or the distance epsilon of an attack.
        label: How that is named in metrics.json: ``3``, or ``quarter``, ``half``, ``full`` of the distance asked for.
        score: The metric on these rows.
    """

    kind: Literal["clean", "corruption", "attack"]
    name: str
    strength: float
    label: str
    score: Score


@dataclass(frozen=True)
class SliceScore:
    """What the model reaches on a group of rows on which it is worse than elsewhere.

    Attributes:
        text: What its rows have in common.
        rows: How many.
        score: The primary metric on them.
        loss: Their mean loss over that of the other rows.
    """

    text: str
    rows: int
    score: Score
    loss: float


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
        absent: Baselines that do not fit the data, and why.
        predictions: The model's outputs on test.
        step_errors: Of a forecast, the scaled mean squared error at each step ahead, by model and baseline.
        examples: Of a forecast, some windows of test.
        answers: Of a sequence, the rows of test as texts.
        slices: Groups of rows on which the model is worse, the worst one first; None where they were not looked for.
        fairness: How groups are treated on test, where params name some.
        threshold: What is called positive, where params say it.
        damage: The primary metric where inputs are damaged or attacked, on clean rows first; empty where not asked for.
        damaged_rows: How many rows of test that was measured on.
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
    absent: dict[str, str]
    predictions: Predictions = field(repr=False, compare=False)
    step_errors: dict[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    examples: tuple[Example, ...] = field(default=(), repr=False, compare=False)
    answers: tuple[Answer, ...] = field(default=(), repr=False, compare=False)
    slices: tuple[SliceScore, ...] | None = None
    fairness: "Report | None" = field(default=None, repr=False, compare=False)
    threshold: "Tuned | None" = field(default=None, repr=False, compare=False)
    damage: tuple[Damage, ...] = ()
    damaged_rows: int = 0

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
        groups = {"test": self.test | (self.fairness.gaps if self.fairness else {}), "val": self.val}
        groups |= {f"baseline.{one.name}": one.test for one in self.baselines}
        for group, scores in groups.items():
            for name, score in scores.items():
                flat[f"{group}.{name}"] = score.value
                if group == "test" and score.low is not None and score.high is not None:
                    flat[f"{group}.{name}.low"] = score.low
                    flat[f"{group}.{name}.high"] = score.high
        if self.threshold is not None:
            flat["threshold"] = self.threshold.decision.threshold
        return flat | self._slice_metrics() | self._damage_metrics()

    def _slice_metrics(self) -> dict[str, float]:
        """``test.worst_slice_METRIC``: of the worst slice, or of all rows where none is worse."""
        if self.slices is None:
            return {}
        score = self.slices[0].score if self.slices else self.test[self.primary]
        name = f"test.worst_slice_{self.primary}"
        flat = {name: score.value}
        if score.low is not None and score.high is not None:
            flat |= {f"{name}.low": score.low, f"{name}.high": score.high}
        return flat

    def _damage_metrics(self) -> dict[str, float]:
        """Each way by ``corruption.NAME.SEVERITY.METRIC`` or ``attack.NAME.PART.METRIC``.

        In short, the mean over all corruptions is ``test.corruption_METRIC``, and an attack at its whole distance is
        ``test.NAME_METRIC``.
        """
        flat: dict[str, float] = {}
        for one in self.damage:
            if one.kind != "clean":
                flat[f"{one.kind}.{one.name}.{one.label}.{self.primary}"] = one.score.value
            if one.kind == "attack" and one.label == "full":
                flat[f"test.{one.name}_{self.primary}"] = one.score.value
                if one.score.low is not None and one.score.high is not None:
                    flat[f"test.{one.name}_{self.primary}.low"] = one.score.low
                    flat[f"test.{one.name}_{self.primary}.high"] = one.score.high
        values = [one.score.value for one in self.damage if one.kind == "corruption"]
        if values:
            flat[f"test.corruption_{self.primary}"] = fsum(values) / len(values)
        return flat

    def to_json(self) -> dict[str, Any]:
        """As plain values, without the predictions."""
        record = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in HIDDEN}
        record["beaten_by"] = self.beaten_by
        for split in ("test", "val"):
            record[split] = {name: asdict(score) for name, score in record[split].items()}
        record["baselines"] = [asdict(one) for one in self.baselines]
        if self.slices is None:
            del record["slices"]
        else:
            record["slices"] = [asdict(one) for one in self.slices]
        if self.fairness is not None:
            record["fairness"] = self.fairness.to_json()
        if self.threshold is not None:
            record["threshold"] = self.threshold.decision.to_json()
        if self.damage:
            record["damage"] = [asdict(one) for one in self.damage]
        else:
            del record["damage"], record["damaged_rows"]
        return record

    def sentence(self) -> str:
        """The outcome in one line, for a terminal."""
        mine = self.test[self.primary]
        text = f"test {self.primary} {shown(mine.value)}"
        if mine.low is not None and mine.high is not None:
            text += f" ({self.level:.0%} interval {shown(mine.low)} to {shown(mine.high)})"
        return f"{text}, {self.standing}" if self.standing else text

    def remarks(self) -> list[str]:
        """What else is said of it, a line each: threshold, groups, the worst slice, damaged rows."""
        told = [] if self.threshold is None else [f"threshold {self.threshold.decision.words()}; baselines are at 0.5"]
        told += self.fairness.lines() if self.fairness else []
        if self.slices:
            worst = self.slices[0]
            told.append(f"worst where {worst.text} ({worst.rows:,} rows): {self.primary} {shown(worst.score.value)}")
        elif self.slices is not None:
            told.append("no group of rows is significantly worse than the others")
        short = {name.removeprefix("test."): value for name, value in self._damage_metrics().items()}
        kept = {name: value for name, value in short.items() if "." not in name}
        if kept:
            told.append(", ".join(f"{name} {shown(value)}" for name, value in kept.items()))
        return told

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
        lines += [[name, *("-" for _ in names), f"absent: {why}"] for name, why in self.absent.items()]
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
