"""evaluate(): a trained network and its baselines, measured on the same rows of test."""

import numpy as np
import torch

from nnops.batch import Task
from nnops.catalog import unknown
from nnops.data.prepared import Prepared
from nnops.errors import DataError, ParamsError
from nnops.evaluation.baselines import BASELINES
from nnops.evaluation.interval import interval, resample
from nnops.evaluation.predict import network, predict_rows, predict_split, read_rows
from nnops.evaluation.scorecard import BaselineScore, Score, Scorecard, Verdict
from nnops.metrics import METRICS, SHOWN
from nnops.metrics.base import Metric
from nnops.metrics.predictions import Predictions
from nnops.metrics.weighted import Weighted
from nnops.params import Params
from nnops.seeding import numpy_stream
from nnops.training.artifact import TrainedModel
from nnops.training.train import choose_device


def evaluate(model: TrainedModel, data: Prepared, params: Params) -> Scorecard:
    """Measure a model on test and val, and its baselines on test.

    Args:
        model: The trained network.
        data: The prepared data that it was trained on.
        params: The sections ``evaluate``, ``seed`` and ``train`` (device and threads) are read.

    Raises:
        ParamsError: A metric does not exist or does not fit the task.
        NameUnknownError: A baseline does not exist.
        DataError: The model is of other data, a split is empty, or the primary metric is not defined on test.
    """
    spec = data.spec
    if model.spec != spec:
        raise DataError("the trained model's inputs are not those of the prepared data; run 'dvc repro train' first.")
    metrics = check_metrics(params, spec.task)
    torch.set_num_threads(params.train.threads)
    predict = network(model, choose_device(params))
    mine = predict_split(predict, data, "test")
    val = measure(predict_split(predict, data, "val"), metrics) if data.rows("val") else {}
    fitted = _fit_baselines(data, params)

    points = [measure(entry, metrics) for entry in (mine, *(entry for _, _, entry in fitted))]
    undefined = {name: metrics[name].needs for name in metrics if name not in points[0]}
    primary = next(iter(metrics))
    if primary in undefined:
        raise DataError(
            f"the metric {primary} is not defined on the {len(mine)} rows of test: it needs {undefined[primary]};"
            " name another one first in evaluate.metrics or give test more rows."
        )
    level, samples = params.evaluate.intervals.level, params.evaluate.intervals.samples
    draws = resample(
        [mine, *(entry for _, _, entry in fitted)], metrics, samples, numpy_stream(params.seed, "bootstrap")
    )
    scores = [
        {name: _score(value, drawn[name], level) for name, value in point.items()}
        for point, drawn in zip(points, draws, strict=True)
    ]
    baselines: list[BaselineScore] = []
    for place, (name, note, _) in enumerate(fitted, start=1):
        gap = _score(points[0][primary] - points[place][primary], draws[0][primary] - draws[place][primary], level)
        verdict = _judge(gap, metrics[primary])
        baselines.append(BaselineScore(name, note, scores[place], gap, verdict))
    return Scorecard(
        model=model.record["model"]["name"],
        best_epoch=model.record["best_epoch"],
        task=spec.task,
        target=data.schema["target"],
        classes=tuple(data.classes),
        rows={split: data.rows(split) for split in ("train", "val", "test")},
        primary=primary,
        directions={name: metric.direction for name, metric in metrics.items()},
        level=level,
        samples=samples,
        test=scores[0],
        val={name: Score(value) for name, value in val.items()},
        baselines=tuple(baselines),
        undefined=undefined,
        predictions=mine,
    )


def check_metrics(params: Params, task: Task) -> dict[str, Metric]:
    """The metrics that ``params.evaluate.metrics`` asks for, in that order; all that fit where it is empty.

    Raises:
        ParamsError: A metric does not exist or does not fit the task; the message holds those that do.
        NameUnknownError: A baseline does not exist.
    """
    fitting = fitting_metrics(task)
    for name in params.evaluate.metrics:
        if name not in METRICS.names():
            raise ParamsError(f"params.yaml: evaluate.metrics: {unknown('metric', name, fitting)}")
        if name not in fitting:
            raise ParamsError(
                f"params.yaml: evaluate.metrics: '{name}' does not fit the task {task}; write some of"
                f" {', '.join(fitting)}."
            )
    for name in params.evaluate.baselines:
        BASELINES.load(name, "params.yaml: evaluate.baselines")
    return {name: METRICS.build(name, {}) for name in dict.fromkeys(params.evaluate.metrics or fitting)}


def fitting_metrics(task: Task) -> list[str]:
    """Names of the metrics that fit a task, the one that is shown during training first."""
    names = [name for name in METRICS.names() if task in METRICS.load(name).tasks]
    return sorted(names, key=lambda name: name != SHOWN[task])


def measure(predictions: Predictions, metrics: dict[str, Metric]) -> dict[str, float]:
    """Each metric's value; one that is not defined on these rows is left out."""
    weighted = Weighted.once(predictions)
    values = {name: float(metric.values(weighted)[0]) for name, metric in metrics.items()}
    return {name: value for name, value in values.items() if np.isfinite(value)}


def _fit_baselines(data: Prepared, params: Params) -> list[tuple[str, str, Predictions]]:
    """Name, note and test predictions of each baseline."""
    if not params.evaluate.baselines:
        return []
    train, val, test = (read_rows(data, split) for split in ("train", "val", "test"))
    found: dict[str, tuple[str, str, Predictions]] = {}
    for name in params.evaluate.baselines:
        baseline = BASELINES.build(name, {}, "evaluate.baselines")
        title = baseline.title(data.spec.task)
        if title not in found:
            fitted = baseline.fit(train, val, data.spec, params.seed)
            found[title] = (title, fitted.note, predict_rows(fitted.predict, test, data))
    return list(found.values())


def _score(value: float, drawn_S: np.ndarray, level: float) -> Score:
    bounds = interval(drawn_S, level)
    return Score(value, *bounds) if bounds else Score(value)


def _judge(gap: Score, metric: Metric) -> Verdict:
    sign = 1.0 if metric.direction == "maximize" else -1.0
    low, high = sorted(sign * (gap.value if end is None else end) for end in (gap.low, gap.high))
    if low > 0:
        return "ahead"
    return "behind" if high < 0 else "level"
