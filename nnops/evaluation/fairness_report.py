"""What is reported of groups: every gap with its interval, and a table of each group's rates."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nnops.batch import Task
from nnops.evaluation.fairness import Comparison, gap_names, rate_names
from nnops.evaluation.groups import FEWEST, INTERSECTION
from nnops.evaluation.interval import interval
from nnops.evaluation.scorecard import Score, shown
from nnops.metrics.weighted import Weighted


@dataclass(frozen=True)
class Report:
    """What is told of the groups of a split.

    Attributes:
        gaps: Each gap by dotted name, such as ``equalized_odds_gap`` and ``equalized_odds_gap.sex``.
        tables: By division, a row for each group and class: counts, rates and their intervals.
        columns: What each division is called, by its key.
        task: What is predicted.
    """

    gaps: dict[str, Score]
    tables: dict[str, list[dict[str, Any]]]
    columns: dict[str, str]
    task: Task

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        gaps = {name: asdict(score) for name, score in self.gaps.items()}
        return {"fewest_rows": FEWEST, "gaps": gaps, "columns": self.columns, "groups": self.tables}

    def lines(self) -> list[str]:
        """The gaps in words, for a terminal: of each the column whose groups are farthest apart."""
        keys = [key for key in self.columns if key != INTERSECTION]
        found: list[str] = []
        for name in gap_names(self.task):
            score = self.gaps.get(name)
            if score is None:
                continue
            worst = next(key for key in keys if self._value(f"{name}.{key}") == score.value)
            bounds = "" if score.low is None or score.high is None else f" ({shown(score.low)} to {shown(score.high)})"
            found.append(f"{name} {shown(score.value)}{bounds} by {self.columns[worst]}")
        few = sum(not row["judged"] for key in keys for row in self.tables[key] if not row["class"])
        if few:
            what = "one group has" if few == 1 else f"{few} groups have"
            found.append(f"{what} fewer than {FEWEST} rows, too few to be judged")
        return found

    def _value(self, name: str) -> float | None:
        return self.gaps[name].value if name in self.gaps else None


def build_report(comparison: Comparison, draws: Mapping[str, np.ndarray], level: float) -> Report:
    """What is told of the groups.

    Args:
        comparison: Of the rows that are reported.
        draws: What :meth:`Comparison.values` gave for bootstrap draws, by name; nothing without draws.
        level: The share of draws that an interval holds.
    """
    told = comparison.values(Weighted.once(comparison.predictions))
    gaps: dict[str, Score] = {}
    for name in sorted((name for name in told if "/" not in name), key=lambda name: name.count(".")):
        if np.isfinite(told[name][0]):
            bounds = interval(draws[name], level) if name in draws else None
            gaps[name] = Score(float(told[name][0]), *(bounds or ()))
    tables = _describe(comparison)
    for key, rows in tables.items():
        for rate in rate_names(comparison.predictions.task):
            drawn_SJ = draws.get(f"{key}/{rate}")
            for place, row in enumerate(rows if drawn_SJ is not None else []):
                assert drawn_SJ is not None
                row[f"{rate}.low"], row[f"{rate}.high"] = interval(drawn_SJ[:, place], level) or (None, None)
    columns = {division.key: division.name for division in comparison.divisions}
    return Report(gaps, tables, columns, comparison.predictions.task)


def _describe(comparison: Comparison) -> dict[str, list[dict[str, Any]]]:
    """By division, a row for each group and class; ``class`` is None where there is one row a group.

    ``few`` names the rates that are about too few rows to be judged.
    """
    told = comparison.tell(Weighted.once(comparison.predictions))
    total = len(comparison.predictions)
    tables: dict[str, list[dict[str, Any]]] = {}
    for which, (division, treatment) in enumerate(zip(comparison.divisions, told, strict=True)):
        classes = max(rate_SJC.shape[-1] for rate_SJC in treatment.rates.values())
        tables[division.key] = [
            {
                "group": name,
                "class": code if classes > 1 else None,
                "rows": int(division.rows_J[place]),
                "share": float(division.rows_J[place] / total),
                "judged": bool(division.judged_J[place]),
                "few": comparison.few(which, place, code),
                **{
                    rate: _plain(value[0, place, min(code, value.shape[-1] - 1)])
                    for rate, value in treatment.rates.items()
                },
            }
            for place, name in enumerate(division.groups)
            for code in range(classes)
        ]
    return tables


def _plain(value: float) -> float | None:
    """A number as JSON holds it."""
    return float(value) if np.isfinite(value) else None
