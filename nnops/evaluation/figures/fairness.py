"""How groups are treated: each group's rates with their intervals, the overall rate as a line, the gap in the title."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnops.evaluation.fairness_report import Report
from nnops.evaluation.groups import INTERSECTION
from nnops.evaluation.scorecard import Score, Scorecard, shown
from nnops.figure import COLORS, FAINT, INK, MUTED, new_figure, plain, set_title

#: A panel for each rate: its name, its title, and the gap that stands in it.
CLASS_PANELS = (
    ("selection_rate", "Called {name}", "demographic_parity_gap"),
    ("tpr", "True positive rate", "equal_opportunity_gap"),
    ("fpr", "False positive rate", ""),
    ("accuracy", "Accuracy", "accuracy_gap"),
)
VALUE_PANELS = (("mean_error", "Mean error", "mean_error_gap"), ("mae", "Mean absolute error", "mae_gap"))
#: Of all columns together so many groups are shown, the largest first.
MOST = 12


def draw_fairness(scorecard: Scorecard) -> Figure:
    """Draw the groups of each column below each other; of several classes, that whose groups are farthest apart."""
    report = scorecard.fairness
    assert report is not None
    panels = VALUE_PANELS if report.task == "regression" else CLASS_PANELS
    code = _worst_class(report)
    lines = _lines(report, code)
    figure = new_figure(2.0 + 2.35 * len(panels), 1.5 + 0.27 * len(lines))
    for place, (axes, (rate, title, gap)) in enumerate(
        zip(figure.subplots(1, len(panels), sharey=True), panels, strict=True)
    ):
        _draw_rate(axes, rate, lines)
        named = title.format(name=plain(scorecard.classes[1 if code is None else code], 14)) if "{" in title else title
        set_title(axes, named)
        if gap in report.gaps:
            axes.set_xlabel(f"gap {_words(report.gaps[gap])}", fontsize=8.5, color=INK)
        elif not gap and (apart := _apart(report, rate, code)) is not None:
            axes.set_xlabel(f"gap {apart:.3f}", fontsize=8.5, color=INK)
        if place == 0:
            axes.set_yticks([at for at, row, _ in lines if row is not None])
            axes.set_yticklabels([_label(row) for _, row, _ in lines if row is not None])
            axes.tick_params(axis="y", labelcolor=INK, pad=6)
            for at, row, name in lines:
                if row is None:
                    axes.annotate(
                        f"by {plain(name)}",
                        (0, at),
                        (-6, 0),
                        xycoords=("axes fraction", "data"),
                        textcoords="offset points",
                        ha="right",
                        va="center",
                        fontsize=9,
                        fontweight="bold",
                        color=INK,
                        annotation_clip=False,
                    )
    heading = f"How {scorecard.model} treats groups on test"
    odds = report.gaps.get("equalized_odds_gap")
    if odds is not None:
        heading += f": equalized odds gap {odds.value:.3f}"
    figure.suptitle(heading, x=0.02, ha="left", fontsize=11, fontweight="bold", color=INK)
    notes = [f"Bars hold {scorecard.level:.0%} of {scorecard.samples:,} bootstrap draws."] if scorecard.samples else []
    notes.append("Gaps are those of the column whose groups are farthest apart.")
    if any(row is not None and row["few"] for _, row, _ in lines):
        notes.append("Hollow: about too few rows, so not judged.")
    if code is not None:
        notes.append(f"{plain(scorecard.classes[code])} against the other classes.")
    figure.supxlabel(" ".join(notes), x=0.02, ha="left", fontsize=8, color=MUTED)
    return figure


def _worst_class(report: Report) -> int | None:
    """Of several classes, the one whose groups' true positive rates are farthest apart."""
    rows = [row for key, table in report.tables.items() if key != INTERSECTION for row in table]
    if not any(row["class"] is not None for row in rows):
        return None
    apart: dict[int, float] = {}
    for key, table in report.tables.items():
        for code in {row["class"] for row in table} if key != INTERSECTION else ():
            known = [r["tpr"] for r in table if r["class"] == code and r["judged"] and r["tpr"] is not None]
            apart[code] = max(apart.get(code, 0.0), max(known) - min(known) if known else 0.0)
    return min(apart, key=lambda code: (-apart[code], code))


def _apart(report: Report, rate: str, code: int | None) -> float | None:
    """The largest difference of a rate between the judged groups of one column."""
    tables = [table for key, table in report.tables.items() if key != INTERSECTION]
    known = [[r[rate] for r in table if r["class"] == code and rate not in r["few"]] for table in tables]
    return max((max(values) - min(values) for values in known if len(values) > 1), default=None)


def _lines(report: Report, code: int | None) -> list[tuple[float, dict | None, str]]:
    """Place, row (None for a heading) and the division's name, from top to bottom."""
    found: list[tuple[float, dict | None, str]] = []
    at = 0.0
    for key, table in report.tables.items():
        rows = [row for row in table if row["class"] == code]
        if key == INTERSECTION:
            rows = sorted(sorted(rows, key=lambda row: -row["rows"])[:MOST], key=lambda row: row["group"])
        found.append((at, None, report.columns[key]))
        for row in rows:
            at += 1
            found.append((at, row, report.columns[key]))
        at += 1.5
    return found


def _label(row: dict) -> str:
    return f"{plain(row['group'], 26)}  {row['rows']:,}"


def _draw_rate(axes: Axes, rate: str, lines: list[tuple[float, dict | None, str]]) -> None:
    rows = [(at, row) for at, row, _ in lines if row is not None and row[rate] is not None]
    first = lines[0][2]
    whole = [(row["rows"], row[rate]) for _, row, name in lines if row and name == first and row[rate] is not None]
    if rate in ("selection_rate", "accuracy", "mean_error", "mae") and whole:
        # Of these the rate of all rows is the mean over groups; of the others it is not.
        axes.axvline(float(np.average([v for _, v in whole], weights=[n for n, _ in whole])), color=FAINT, lw=1.4)
    for at, row in rows:
        judged = rate not in row["few"]
        color = COLORS[0] if judged else COLORS[-1]
        low, high = row.get(f"{rate}.low"), row.get(f"{rate}.high")
        if low is not None and high is not None:
            axes.hlines(at, low, high, color=color, lw=4.5, alpha=0.28)
        axes.plot(row[rate], at, "o", ms=6, color=color, mfc=color if judged else "white")
    last = max(at for at, _, _ in lines)
    axes.set_ylim(last + 0.7, -0.7)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.locator_params(axis="x", nbins=4)
    if rate in ("mean_error", "mae"):
        axes.margins(x=0.1)
    else:
        # Every point is seen; the bars of those that are not judged may run out.
        told = [row.get(f"{rate}.{end}") for _, row in rows if rate not in row["few"] for end in ("low", "high")]
        ends = [value for value in (*told, *(row[rate] for _, row in rows)) if value is not None] or [0.0, 1.0]
        pad = 0.12 * (max(ends) - min(ends)) or 0.05
        axes.set_xlim(max(-0.02, min(ends) - pad), min(1.02, max(ends) + pad))


def _words(score: Score) -> str:
    bounds = "" if score.low is None or score.high is None else f" ({score.low:.3f} to {score.high:.3f})"
    return f"{score.value:.3f}{bounds}" if abs(score.value) < 10 else shown(score.value)
