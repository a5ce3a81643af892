"""An explanation on disk: numbers for machines, figures for people.

FOLDER/attributions.json   method, options, checks, notes, and what counts most on the whole
FOLDER/attributions.csv    one line a number: ``row, answer, score, base, column, raw, value`` of columns;
                           ``column, drop, low, high`` of importances; ``column, raw, mean, low, high`` of curves
                           (nine tenths of the rows); ``row, answer, score, place, token, value`` of texts;
                           ``row, answer, score, step, variable, value`` of windows; ``row, answer, score, y, x`` of
                           images, where most is; ``channel, row, activation`` of channels
FOLDER/attributions.npy    float32 ``[N, H, W]`` of images, or what excites each channel
FOLDER/tokens.html         coloured texts
FOLDER/NAME.png            what :mod:`nnops.evaluation.figures` draws
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnops.evaluation.explain.base import Explanation
from nnops.evaluation.explain.subject import Subject
from nnops.evaluation.interval import interval
from nnops.files import write_bytes, write_json

#: The share of repeats that an interval of an importance holds.
LEVEL = 0.95
NAME = "attributions"


def write_explanation(
    folder: Path, subject: Subject, explanation: Explanation, method: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Write an explanation; the same one gives the same bytes.

    Args:
        folder: Where to; files of the same names are replaced.
        subject: What was explained.
        explanation: What was found.
        method: Its name.
        options: Its options.

    Returns:
        What is in attributions.json.
    """
    record = {
        "method": method,
        "options": dict(options),
        "kind": subject.kind,
        "form": explanation.form,
        "unit": explanation.unit,
        "rows": len(subject),
        "checks": explanation.checks,
        "notes": list(explanation.notes),
        "most": summary(explanation),
    }
    columns, lines = _table(subject, explanation)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows([f"{cell:.7g}" if isinstance(cell, float) else cell for cell in line] for line in lines)
    write_bytes(folder / f"{NAME}.csv", text.getvalue().encode())
    if explanation.form in ("pixels", "channels"):
        content = io.BytesIO()
        np.save(content, explanation.value.astype(np.float32))
        write_bytes(folder / f"{NAME}.npy", content.getvalue())
    write_json(folder / f"{NAME}.json", record)
    from nnops.evaluation.figures.explain import draw_explanation
    from nnops.figure import save_png

    if explanation.form == "tokens":
        from nnops.evaluation.figures.explain_tokens import page

        write_bytes(folder / "tokens.html", page(subject, explanation, method).encode())
    for name, figure in draw_explanation(subject, explanation, method).items():
        save_png(figure, folder / f"{name}.png")
    return record


def summary(explanation: Explanation) -> list[dict[str, Any]]:
    """What counts most on the whole, the most first; empty where a whole has no names."""
    value = explanation.value
    if explanation.form == "importance":
        bounds = [interval(value_R, LEVEL) or (float("nan"), float("nan")) for value_R in value.T]
        found = [
            {"column": name, "value": float(mean), "low": low, "high": high}
            for name, mean, (low, high) in zip(explanation.names, value.mean(0), bounds, strict=True)
        ]
    elif explanation.form in ("columns", "steps"):
        size = np.abs(value).mean(0)
        size_M = size if size.ndim == 1 else size.sum(0)
        signed_M = value.mean(0) if value.ndim == 2 else value.sum(1).mean(0)
        found = [
            {"column": name, "value": float(one), "mean": float(mean)}
            for name, one, mean in zip(explanation.names, size_M, signed_M, strict=True)
        ]
    elif explanation.form == "curves":
        found = [
            {"column": name, "value": float(reach)}
            for name, reach in zip(explanation.names, np.nanmax(value, 1) - np.nanmin(value, 1), strict=True)
        ]
    else:
        return []
    return sorted(found, key=lambda one: -one["value"])


def _table(subject: Subject, explanation: Explanation) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    value = explanation.value
    if explanation.form == "importance":
        rows = ([one["column"], one["value"], one["low"], one["high"]] for one in summary(explanation))
        return ("column", "drop", "low", "high"), rows
    if explanation.form == "columns":
        raw = [feature.texts(subject.named(subject.inputs)) for feature in subject.features]
        return ("row", "answer", "score", "base", "column", "raw", "value"), (
            [*row, explanation.names[place], raw[place][number], float(value[number, place])]
            for number, row in enumerate(_rows(subject, explanation, base=True))
            for place in range(len(explanation.names))
        )
    if explanation.form == "curves":
        return ("column", "raw", "mean", "low", "high"), _curves(explanation)
    if explanation.form == "tokens":
        return ("row", "answer", "score", "place", "token", "value"), (
            [*row, place, token, float(value[number, place])]
            for number, row in enumerate(_rows(subject, explanation))
            for place, token in enumerate(subject.tokens[number])
        )
    if explanation.form == "steps":
        return ("row", "answer", "score", "step", "variable", "value"), (
            [*row, step, name, float(value[number, step, place])]
            for number, row in enumerate(_rows(subject, explanation))
            for step in range(value.shape[1])
            for place, name in enumerate(explanation.names)
        )
    if explanation.form == "channels":
        shown_KS, score_KS = (explanation.further[name] for name in ("shown", "shown_score"))
        return ("channel", "row", "activation"), (
            [name, int(row), float(score)]
            for name, rows_S, scores_S in zip(explanation.names, shown_KS, score_KS, strict=True)
            for row, score in zip(rows_S, scores_S, strict=True)
        )
    most = (np.unravel_index(int(np.abs(value_HW).argmax()), value_HW.shape) for value_HW in value)
    return ("row", "answer", "score", "y", "x"), (
        [*row, int(y), int(x)] for row, (y, x) in zip(_rows(subject, explanation), most, strict=True)
    )


def _curves(explanation: Explanation) -> Iterator[list[Any]]:
    """Each value of each column: the mean answer, and between what nine tenths of the rows lie."""
    for place, name in enumerate(explanation.names):
        for raw, mean, row_R in zip(
            explanation.further["grid"][place],
            explanation.value[place],
            explanation.further["rows"][place],
            strict=True,
        ):
            if np.isfinite(mean):
                low, high = np.quantile(row_R, [0.05, 0.95])
                yield [name, raw, float(mean), float(low), float(high)]


def _rows(subject: Subject, explanation: Explanation, *, base: bool = False) -> Iterator[list[Any]]:
    """Number, answer, score (and base) of each row."""
    assert explanation.score_N is not None
    each = zip(subject.number_N, subject.choice_N, explanation.score_N, strict=True)
    for row, (number, choice, score) in enumerate(each):
        bases = [float(explanation.base_N[row])] if base and explanation.base_N is not None else [""] if base else []
        yield [int(number), subject.answers[choice], float(score), *bases]
