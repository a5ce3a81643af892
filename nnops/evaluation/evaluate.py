"""evaluate(): a trained network and its baselines, measured on the same rows of test."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch

from nnops.batch import TOKENS, Spec, Task
from nnops.catalog import unknown
from nnops.data.prepared import Prepared
from nnops.errors import DataError, ParamsError
from nnops.evaluation.answer import read_answers
from nnops.evaluation.baselines import BASELINES, DEFAULT
from nnops.evaluation.baselines.base import Baseline
from nnops.evaluation.baselines.labels import fit_labels
from nnops.evaluation.fairness import Comparison
from nnops.evaluation.fairness_report import build_report
from nnops.evaluation.forecast import block_length, pick_examples, step_errors
from nnops.evaluation.groups import divide
from nnops.evaluation.interval import interval, resample
from nnops.evaluation.predict import network, predict_rows, predict_split, read_rows
from nnops.evaluation.robustness import damage, spread
from nnops.evaluation.scorecard import BaselineScore, Damage, Score, Scorecard, SliceScore, Verdict
from nnops.evaluation.slices import find_slices
from nnops.evaluation.threshold import Tuned, check_threshold, decide, needs_val
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
    seen = predict_split(predict, data, "val") if data.rows("val") or needs_val(params) else None
    decision = decide(params, data, seen)
    if decision is not None:
        mine = decision.apply(mine, data, "test")
    tuned = seen if seen is None or decision is None else decision.apply(seen, data, "val")
    val = {} if tuned is None else measure(tuned, metrics)
    divisions = divide(data, "test")
    compared = Comparison(mine, divisions) if divisions else None
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
        [mine, *(entry for _, _, entry in fitted)],
        metrics,
        samples,
        numpy_stream(params.seed, "bootstrap"),
        block_length(data),
        more=compared.look if compared else None,
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
    damaged = _measure_damage(model, data, params, {primary: metrics[primary]}, mine)
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
        absent=absent_baselines(spec, params),
        predictions=mine,
        step_errors=step_errors(
            {model.record["model"]["name"]: mine} | {name: entry for name, _, entry in fitted}, spec
        ),
        examples=pick_examples(mine, data),
        answers=read_answers(mine, data),
        slices=_measure_slices(mine, data, params, {primary: metrics[primary]}),
        fairness=None
        if compared is None
        else build_report(compared, compared.looked(draws[0]) if samples else {}, level),
        threshold=None if decision is None else Tuned(decision, params, data, seen),
        damage=damaged[1],
        damaged_rows=damaged[0],
    )


def _measure_slices(
    mine: Predictions, data: Prepared, params: Params, primary: dict[str, Metric]
) -> tuple[SliceScore, ...] | None:
    """The primary metric on the slices where the loss is greatest, the worst one first; those where it is defined."""
    if not params.evaluate.slices or data.spec.task in TOKENS or data.spec.series:
        return None
    ((name, metric),) = primary.items()
    scores: list[SliceScore] = []
    for place, one in enumerate(find_slices(mine, data, params.evaluate.slices)):
        rows = mine.rows(one.place_M)
        value = float(metric.values(Weighted.once(rows))[0])
        if np.isfinite(value):
            chance = numpy_stream(params.seed, f"bootstrap/slice/{place}")
            (drawn,) = resample([rows], primary, params.evaluate.intervals.samples, chance)
            score = _score(value, drawn[name], params.evaluate.intervals.level)
            scores.append(SliceScore(one.text, len(rows), score, one.loss))
    sign = 1 if metric.direction == "maximize" else -1
    return tuple(sorted(scores, key=lambda one: sign * one.score.value))


def _measure_damage(
    model: TrainedModel, data: Prepared, params: Params, primary: dict[str, Metric], whole: Predictions
) -> tuple[int, tuple[Damage, ...]]:
    """How many rows were changed, and the primary metric for each way in which they were, labels decided as else."""
    asked = params.evaluate.robustness
    if asked is None:
        return 0, ()
    cut = whole.rows(spread(len(whole), asked.rows)).cut
    found = [replace(one, predictions=replace(one.predictions, cut=cut)) for one in damage(model, data, params)]
    ((name, metric),) = primary.items()
    draws = resample(
        [one.predictions for one in found],
        primary,
        params.evaluate.intervals.samples,
        numpy_stream(params.seed, "bootstrap/damage"),
        block_length(data),
    )
    scores = [
        _score(float(metric.values(Weighted.once(one.predictions))[0]), drawn[name], params.evaluate.intervals.level)
        for one, drawn in zip(found, draws, strict=True)
    ]
    return len(found[0].predictions), tuple(
        Damage(one.kind, one.name, one.strength, one.label, score) for one, score in zip(found, scores, strict=True)
    )


def check_metrics(params: Params, task: Task) -> dict[str, Metric]:
    """The metrics that ``params.evaluate.metrics`` asks for, in that order; all that fit where it is empty.

    Raises:
        ParamsError: A metric does not exist or does not fit the task; the message holds those that do.
        NameUnknownError: A baseline does not exist.
    """
    fitting = fitting_metrics(task)
    check_threshold(params, task)
    for name in params.evaluate.metrics:
        if name not in METRICS.names():
            raise ParamsError(f"params.yaml: evaluate.metrics: {unknown('metric', name, fitting)}")
        if name not in fitting:
            raise ParamsError(
                f"params.yaml: evaluate.metrics: '{name}' does not fit the task {task}; write some of"
                f" {', '.join(fitting)}."
            )
    for name in params.evaluate.baselines or ():
        if not _takes(BASELINES.load(name, "params.yaml: evaluate.baselines"), task):
            raise ParamsError(
                f"params.yaml: evaluate.baselines: '{name}' does not fit the task {task}; write some of"
                f" {', '.join(fitting_baselines(task))}."
            )
    return {name: METRICS.build(name, {}) for name in dict.fromkeys(params.evaluate.metrics or fitting)}


def fitting_metrics(task: Task) -> list[str]:
    """Names of the metrics that fit a task, the one that is shown during training first."""
    names = [name for name in METRICS.names() if task in METRICS.load(name).tasks]
    return sorted(names, key=lambda name: name != SHOWN[task])


def fitting_baselines(task: Task) -> list[str]:
    """Names of the baselines that fit a task."""
    return [name for name in BASELINES.names() if _takes(BASELINES.load(name), task)]


def _takes(baseline: type[Baseline], task: Task) -> bool:
    """Whether a baseline fits a task; of labels it is fitted to one after the other."""
    return ("binary" if task == "multilabel" else task) in baseline.tasks


def measure(predictions: Predictions, metrics: dict[str, Metric]) -> dict[str, float]:
    """Each metric's value; one that is not defined on these rows is left out."""
    weighted = Weighted.once(predictions)
    values = {name: float(metric.values(weighted)[0]) for name, metric in metrics.items()}
    return {name: value for name, value in values.items() if np.isfinite(value)}


def _fit_baselines(data: Prepared, params: Params) -> list[tuple[str, str, Predictions]]:
    """Name, note and test predictions of each baseline."""
    if params.evaluate.baselines == ():
        return []
    train, val, test = (read_rows(data, split) for split in ("train", "val", "test"))
    found: dict[str, tuple[str, str, Predictions]] = {}
    for name in _asked(params, data.spec.task):
        baseline = BASELINES.build(name, {}, "evaluate.baselines")
        title = baseline.title(data.spec.task)
        if title not in found and not baseline.absent(data.spec):
            several = data.spec.task == "multilabel"
            fit = partial(fit_labels, baseline) if several else baseline.fit
            fitted = fit(train, val, data.spec, params.seed)
            found[title] = (title, fitted.note, predict_rows(fitted.predict, test, data, whole=fitted.whole))
    return list(found.values())


def absent_baselines(spec: Spec, params: Params) -> dict[str, str]:
    """Baselines that params ask for and that do not fit the data, and why."""
    found = {name: BASELINES.build(name, {}, "evaluate.baselines").absent(spec) for name in _asked(params, spec.task)}
    return {name: why for name, why in found.items() if why}


def _asked(params: Params, task: Task) -> tuple[str, ...]:
    chosen = params.evaluate.baselines
    return DEFAULT[task] if chosen is None else chosen


def _score(value: float, drawn_S: np.ndarray, level: float) -> Score:
    bounds = interval(drawn_S, level)
    return Score(value, *bounds) if bounds else Score(value)


def _judge(gap: Score, metric: Metric) -> Verdict:
    sign = 1.0 if metric.direction == "maximize" else -1.0
    low, high = sorted(sign * (gap.value if end is None else end) for end in (gap.low, gap.high))
    if low > 0:
        return "ahead"
    return "behind" if high < 0 else "level"
