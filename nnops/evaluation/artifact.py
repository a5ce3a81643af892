"""An evaluation on disk: numbers for machines, tables for DVC's plots, figures for people.

FOLDER/metrics.json      every number by dotted name
FOLDER/scorecard.json    the same in full, with intervals, notes and verdicts
FOLDER/predictions.csv   one row for each row of test: ``row, actual, predicted`` and ``confidence`` or ``residual``
FOLDER/roc.csv           ``false_positive_rate, true_positive_rate``, the mean over classes (classification)
FOLDER/pr.csv            ``recall, precision``, the mean over classes (classification)
FOLDER/figures/NAME.png  what :mod:`nnops.evaluation.figures` draws
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnops.evaluation.curve import curves
from nnops.evaluation.scorecard import Scorecard
from nnops.files import write_bytes, write_json
from nnops.metrics.predictions import Predictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_scorecard(folder: Path, scorecard: Scorecard, history: Path | None = None) -> dict[str, float]:
    """Write an evaluation; the same scorecard gives the same bytes.

    Args:
        folder: Where to; files of the same names are replaced.
        scorecard: What :func:`nnops.evaluation.evaluate.evaluate` gave.
        history: The training's history.csv, for the figure of its curves.

    Returns:
        The numbers in metrics.json.
    """
    metrics = scorecard.metrics()
    write_json(folder / "metrics.json", metrics)
    write_json(folder / "scorecard.json", scorecard.to_json())
    _write_csv(folder / "predictions.csv", *_predictions(scorecard))
    if scorecard.task != "regression":
        found = [curve.on_grid() for curve in curves(scorecard.predictions)]
        for place, name, columns in (
            (0, "roc", ("false_positive_rate", "true_positive_rate")),
            (1, "pr", ("recall", "precision")),
        ):
            heights = np.mean([both[place] for both in found], 0) if found else np.empty(0)
            grid = np.linspace(0, 1, len(heights))
            _write_csv(
                folder / f"{name}.csv", columns, ([f"{x:.4g}", f"{y:.6g}"] for x, y in zip(grid, heights, strict=True))
            )
    from nnops.figure import save_png

    for name, figure in draw(scorecard, history).items():
        save_png(figure, folder / "figures" / f"{name}.png")
    return metrics


def draw(scorecard: Scorecard, history: Path | None = None) -> "dict[str, Figure]":
    """All figures of an evaluation by name."""
    from nnops.evaluation.figures.summary import draw_scorecard

    figures = {"scorecard": draw_scorecard(scorecard)}
    if scorecard.task == "regression":
        from nnops.evaluation.figures.values import draw_predicted, draw_residuals

        figures |= {"predicted": draw_predicted(scorecard), "residuals": draw_residuals(scorecard)}
    else:
        from nnops.evaluation.figures.classes import draw_calibration, draw_confusion, draw_curves

        figures |= {
            "confusion": draw_confusion(scorecard),
            "curves": draw_curves(scorecard),
            "calibration": draw_calibration(scorecard),
        }
    if history is not None:
        from nnops.evaluation.figures.history import draw_history

        with history.open(encoding="utf-8", newline="") as stream:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]
        figures["history"] = draw_history(rows, scorecard.best_epoch)
    return figures


def _predictions(scorecard: Scorecard) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    predictions: Predictions = scorecard.predictions
    if scorecard.task == "regression":
        columns = (predictions.truth_N, predictions.value_N, predictions.error_N)
        rows = ([row, *(f"{value:.7g}" for value in values)] for row, values in enumerate(zip(*columns, strict=True)))
        return ("row", "actual", "predicted", "residual"), rows
    names, sure_N = scorecard.classes, predictions.probability_NC.max(1)
    coded = zip(predictions.truth_N, predictions.label_N, sure_N, strict=True)
    return (
        ("row", "actual", "predicted", "confidence"),
        ([row, names[true], names[said], f"{sure:.6f}"] for row, (true, said, sure) in enumerate(coded)),
    )


def _write_csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    table.writerows(rows)
    write_bytes(path, text.getvalue().encode())
