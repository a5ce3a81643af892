"""An evaluation on disk: numbers for machines, tables for DVC's plots, figures for people.

FOLDER/metrics.json      every number by dotted name
FOLDER/scorecard.json    the same in full, with intervals, notes and verdicts
FOLDER/predictions.csv   one row for each row of test: ``row, actual, predicted`` and ``confidence`` or ``residual``;
                         of a forecast ``row, scaled_mse, scaled_mae`` of each window; of a segmentation ``row,
                         pixel_accuracy, mean_iou`` of each image; of a language model
                         ``row, tokens, perplexity, token_accuracy`` of each block; of a sequence
                         ``row, text, actual, predicted``
FOLDER/steps.csv         ``step, model`` and a column a baseline: the scaled squared error there (forecasting)
FOLDER/roc.csv           ``false_positive_rate, true_positive_rate``, the mean over classes (classification)
FOLDER/pr.csv            ``recall, precision``, the mean over classes (classification)
FOLDER/slices.csv        ``slice, rows, METRIC, low, high, loss`` of groups of rows on which the model is worse
FOLDER/robustness.csv    ``kind, name, strength, METRIC, low, high`` where inputs were damaged or attacked, if asked for
FOLDER/groups.csv        ``by, group, rows, share, judged, few`` and the rates of each group, where groups are compared
FOLDER/threshold.json    what is called positive, where params say it
FOLDER/figures/NAME.png  what :mod:`nnops.evaluation.figures` draws
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnops.batch import TOKENS
from nnops.evaluation.curve import curves
from nnops.evaluation.fairness_report import Report
from nnops.evaluation.scorecard import Scorecard
from nnops.files import write_bytes, write_json
from nnops.metrics.dense import MeanIou, PixelAccuracy
from nnops.metrics.predictions import Predictions
from nnops.metrics.weighted import Weighted

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
    if scorecard.task == "forecasting":
        names = ["model", *(one.name for one in scorecard.baselines)]
        table = enumerate(zip(*scorecard.step_errors.values(), strict=True), start=1)
        rows = ([step, *(f"{value:.7g}" for value in values)] for step, values in table)
        _write_csv(folder / "steps.csv", ("step", *names), rows)
    elif scorecard.task not in ("regression", "segmentation", *TOKENS):
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
    if scorecard.slices is not None:
        _write_csv(folder / "slices.csv", *_slices(scorecard))
    if scorecard.fairness is not None:
        _write_csv(folder / "groups.csv", *_groups(scorecard.fairness))
    if scorecard.threshold is not None:
        write_json(folder / "threshold.json", scorecard.threshold.decision.to_json())
    if scorecard.damage:
        _write_csv(folder / "robustness.csv", *_damage(scorecard))
    from nnops.figure import save_png

    for name, figure in draw(scorecard, history).items():
        save_png(figure, folder / "figures" / f"{name}.png")
    return metrics


def draw(scorecard: Scorecard, history: Path | None = None) -> "dict[str, Figure]":
    """All figures of an evaluation by name."""
    from nnops.evaluation.figures.summary import draw_scorecard

    figures = {"scorecard": draw_scorecard(scorecard)}
    if scorecard.task == "forecasting":
        from nnops.evaluation.figures.forecasts import draw_forecasts, draw_step_errors

        figures |= {"forecasts": draw_forecasts(scorecard), "steps": draw_step_errors(scorecard)}
    elif scorecard.task == "regression":
        from nnops.evaluation.figures.values import draw_predicted, draw_residuals

        figures |= {"predicted": draw_predicted(scorecard), "residuals": draw_residuals(scorecard)}
    elif scorecard.task == "segmentation":
        from nnops.evaluation.figures.masks import draw_iou, draw_masks

        figures |= {"iou": draw_iou(scorecard), "masks": draw_masks(scorecard)}
    elif scorecard.task not in TOKENS:
        from nnops.evaluation.figures.classes import draw_calibration, draw_confusion, draw_curves

        if scorecard.task == "multilabel":
            from nnops.evaluation.figures.labels import draw_labels

            figures["labels"] = draw_labels(scorecard)
        else:
            figures["confusion"] = draw_confusion(scorecard)
        figures |= {"curves": draw_curves(scorecard), "calibration": draw_calibration(scorecard)}
    if scorecard.slices:
        from nnops.evaluation.figures.slices import draw_slices

        figures["slices"] = draw_slices(scorecard)
    if scorecard.damage:
        from nnops.evaluation.figures.robustness import draw_robustness

        figures["robustness"] = draw_robustness(scorecard)
    if scorecard.fairness is not None:
        from nnops.evaluation.figures.fairness import draw_fairness

        figures["fairness"] = draw_fairness(scorecard)
    if scorecard.threshold is not None and scorecard.threshold.decision.metric is not None:
        from nnops.evaluation.figures.threshold import draw_threshold

        figures["threshold"] = draw_threshold(scorecard)
    if history is not None:
        from nnops.evaluation.figures.history import draw_history

        with history.open(encoding="utf-8", newline="") as stream:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]
        figures["history"] = draw_history(rows, scorecard.best_epoch)
    return figures


def _slices(scorecard: Scorecard) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    rows = (
        [one.text, one.rows, *(f"{v:.7g}" if v is not None else "" for v in astuple(one.score)), f"{one.loss:.4g}"]
        for one in scorecard.slices or ()
    )
    return ("slice", "rows", scorecard.primary, "low", "high", "loss"), rows


def _damage(scorecard: Scorecard) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    rows = (
        [one.kind, one.name, f"{one.strength:g}", *(f"{v:.7g}" if v is not None else "" for v in astuple(one.score))]
        for one in scorecard.damage
    )
    return ("kind", "name", "strength", scorecard.primary, "low", "high"), rows


def _predictions(scorecard: Scorecard) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    predictions: Predictions = scorecard.predictions
    if scorecard.task == "forecasting":
        errors = zip(predictions.scaled_square_N, predictions.scaled_distance_N, strict=True)
        rows = ([row, f"{square:.7g}", f"{distance:.7g}"] for row, (square, distance) in enumerate(errors))
        return ("row", "scaled_mse", "scaled_mae"), rows
    if scorecard.task == "sequence":
        answered = ([row, one.text, one.truth, one.said] for row, one in enumerate(scorecard.answers))
        return ("row", "text", "actual", "predicted"), answered
    if scorecard.task == "language_model":
        sums = zip(predictions.output_NC.tolist(), predictions.target_N.tolist(), strict=True)
        blocks = (
            [row, int(told), f"{exp(lost / told):.6g}", f"{hits / told:.4g}"]
            for row, ((lost, hits), (told, _)) in enumerate(sums)
        )
        return ("row", "tokens", "perplexity", "token_accuracy"), blocks
    if scorecard.task == "segmentation":
        each = Weighted(predictions, np.eye(len(predictions)))
        scores = zip(PixelAccuracy().values(each), MeanIou().values(each), strict=True)
        rows = ([row, f"{right:.7g}", f"{iou:.7g}"] for row, (right, iou) in enumerate(scores))
        return ("row", "pixel_accuracy", "mean_iou"), rows
    if scorecard.task == "regression":
        columns = (predictions.truth_N, predictions.value_N, predictions.error_N)
        rows = ([row, *(f"{value:.7g}" for value in values)] for row, values in enumerate(zip(*columns, strict=True)))
        return ("row", "actual", "predicted", "residual"), rows
    if scorecard.task == "multilabel":
        # As sure as of the label that it is least sure of.
        sure_N = np.abs(predictions.probability_NC - 0.5).min(1) + 0.5
        true, said = (_named(scorecard, each_NC) for each_NC in (predictions.truth_N, predictions.label_N))
        labelled = zip(true, said, sure_N, strict=True)
        return (
            ("row", "actual", "predicted", "confidence"),
            ([row, true, said, f"{sure:.6f}"] for row, (true, said, sure) in enumerate(labelled)),
        )
    names, sure_N = scorecard.classes, predictions.probability_NC.max(1)
    if scorecard.threshold is not None:
        sure_N = np.take_along_axis(predictions.probability_NC, predictions.label_N[:, None], 1)[:, 0]
    coded = zip(predictions.truth_N, predictions.label_N, sure_N, strict=True)
    return (
        ("row", "actual", "predicted", "confidence"),
        ([row, names[true], names[said], f"{sure:.6f}"] for row, (true, said, sure) in enumerate(coded)),
    )


def _groups(report: Report) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    names = [name for name in next(iter(report.tables.values()))[0] if name != "class"]
    several = any(row["class"] is not None for table in report.tables.values() for row in table)
    columns = ["by", *names[:1], *(["class"] if several else []), *names[1:]]
    rows = (
        [report.columns[key] if name == "by" else _cell(row[name]) for name in columns]
        for key, table in report.tables.items()
        for row in table
    )
    return columns, rows


def _cell(value: Any) -> Any:
    return (
        ""
        if value is None
        else f"{value:.6g}"
        if isinstance(value, float)
        else " ".join(value)
        if isinstance(value, list)
        else value
    )


def _named(scorecard: Scorecard, there_NC: np.ndarray) -> list[str]:
    names = scorecard.classes
    return ["|".join(names[code] for code in np.flatnonzero(there_C)) for there_C in there_NC]


def _write_csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    table.writerows(rows)
    write_bytes(path, text.getvalue().encode())
