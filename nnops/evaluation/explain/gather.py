"""gather(): a trained network, its preprocessing and rows, from files or from the test split, made a subject."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from nnops.batch import QUANTITIES
from nnops.data.columns import Numeric
from nnops.data.prepared import Prepared
from nnops.data.preprocess import Preprocess
from nnops.data.steps import target_scale
from nnops.data.values import column
from nnops.errors import DataError, InputError
from nnops.evaluation.baselines.base import Rows
from nnops.evaluation.evaluate import fitting_metrics
from nnops.evaluation.explain.explain import kind_of
from nnops.evaluation.explain.feature import find_features
from nnops.evaluation.explain.subject import Subject
from nnops.evaluation.predict import read_rows
from nnops.files import read_json
from nnops.metrics import METRICS, SHOWN
from nnops.seeding import numpy_stream
from nnops.training.artifact import TrainedModel

if TYPE_CHECKING:
    import pandas as pd

#: Rows of train that are kept to compare with, and those that are judged.
BACKGROUND, JUDGED = 1000, 5000


def gather(
    model: TrainedModel,
    fitted: Preprocess,
    *,
    seed: int,
    data: Prepared | None = None,
    raw: "pd.DataFrame | np.ndarray | None" = None,
    rows: int = 100,
    answer: str | None = None,
    metric: str | None = None,
) -> Subject:
    """Put together what is explained.

    Args:
        model: The trained network.
        fitted: Its preprocessing.
        seed: Draws come from streams of it.
        data: The prepared data that it was trained on; without them the raw rows are their own background.
        raw: Raw rows, as for a prediction, the first of which are explained; without them rows from all over test.
        rows: At most so many are explained.
        answer: The class, label or target that is explained; without one each row's likeliest, of two
            classes the positive one.
        metric: What the model is judged by; without one what its training showed.

    Raises:
        InputError: There are neither rows nor data, the answer is unknown, or the task cannot be explained.
        DataError: Raw rows are wrong.
    """
    spec = model.spec
    kind = kind_of(spec)
    if rows < 1:
        raise InputError(f"--rows must be at least 1, got {rows}.")
    if data is not None and data.hash != model.record["data_hash"]:
        data = None
    if raw is None and data is None:
        raise InputError(
            "the data that this model was trained on are not in artifacts/prepare; name a FILE of rows to explain, or"
            " run 'dvc repro prepare' with its params.yaml."
        )
    judged: Rows | None = None
    if raw is not None:
        inputs, judged = _read_raw(raw, fitted, kind)
        if data is None and kind == "table" and len(inputs[0]) < 2:
            raise InputError(
                "FILE must hold at least 2 rows, got 1: rows are compared with one another, since the data of the"
                " training are not in artifacts/prepare."
            )
    else:
        assert data is not None
        inputs = read_rows(data, "test").inputs
    if data is not None:
        judged = (read_rows(data, "test") if data.rows("test") else judged) if raw is None else judged
        train = read_rows(data, "train")
        drawn = numpy_stream(seed, "background").permutation(len(train))[:BACKGROUND]
        background = train.take(drawn).inputs
    else:
        drawn = numpy_stream(seed, "background").permutation(len(inputs[0]))[:BACKGROUND]
        background = tuple(each[drawn] for each in inputs)
    if judged is not None and len(judged) > JUDGED:
        judged = judged.take(np.sort(numpy_stream(seed, "judged").choice(len(judged), JUDGED, replace=False)))
    # Rows of a file are the first ones; of test they come from all over it, since neighbours are often alike.
    every = len(inputs[0])
    number_N = np.arange(every)[:rows] if raw is not None else np.unique(np.linspace(0, every - 1, rows).astype(int))
    inputs = tuple(np.ascontiguousarray(each[number_N]) for each in inputs)
    name = metric or SHOWN[spec.task]
    if name not in fitting_metrics(spec.task):
        raise InputError(f"the metric {name} does not fit the task {spec.task}.")
    mean, std = data.target_scale if data is not None else _target_scale(fitted, spec.horizon)
    subject = Subject(
        module=model.module,
        spec=spec,
        kind=kind,
        inputs=inputs,
        background=background,
        answers=_answers(fitted),
        choice_N=np.zeros(len(inputs[0]), np.int64),
        number_N=number_N,
        seed=seed,
        judged=judged,
        metric=(name, METRICS.build(name, {})),
        mean=mean,
        std=std,
        features=find_features(fitted) if kind == "table" else (),
        tokens=_tokens(fitted, inputs) if kind == "text" else (),
        variables=tuple(column.name for column in fitted.columns) if kind == "series" else (),
        pixel_mean=fitted.pixels.mean if fitted.pixels else (),
        pixel_std=fitted.pixels.std if fitted.pixels else (),
    )
    return _choose(subject, answer)


def read_fitted(folder: Path) -> Preprocess:
    """The preprocessing in a folder of prepared data or a bundle.

    Raises:
        DataError: There is none.
    """
    path = folder / "preprocess.json"
    if not path.is_file():
        raise DataError(f"{folder}: no prepared data here; run 'dvc repro prepare' first.")
    return Preprocess.from_json(read_json(path))


def _read_raw(
    raw: "pd.DataFrame | np.ndarray", fitted: Preprocess, kind: str
) -> tuple[tuple[np.ndarray, ...], Rows | None]:
    """Raw rows as inputs, and with their truth where they have the target."""
    if isinstance(raw, np.ndarray):
        return tuple(fitted.transform_images(raw).values()), None
    if fitted.steps is not None:
        fitted.check(raw)
        frame = raw.set_axis([str(name) for name in raw.columns], axis=1)
        variables = {column.name: column for column in fitted.columns if isinstance(column, Numeric)}
        return (fitted.steps.last_windows(frame, variables, fitted.markers)[0],), None
    inputs = tuple(fitted.transform(raw).values())
    if kind != "table" or fitted.target.name not in raw.columns:
        return inputs, None
    return inputs, Rows(inputs, fitted.target.encode(column(raw, fitted.target.name), "FILE"))


def _target_scale(fitted: Preprocess, horizon: int) -> tuple[float | np.ndarray, float | np.ndarray]:
    if fitted.steps is None:
        return fitted.target.mean, fitted.target.std
    variables = {column.name: column for column in fitted.columns if isinstance(column, Numeric)}
    shift, spread = target_scale(fitted.steps.targets, variables)
    return np.tile(shift, horizon), np.tile(spread, horizon)


def _answers(fitted: Preprocess) -> tuple[str, ...]:
    if fitted.steps is not None:
        return fitted.steps.targets
    return fitted.target.classes or (fitted.target.name,)


def _tokens(fitted: Preprocess, inputs: tuple[np.ndarray, ...]) -> tuple[tuple[str, ...], ...]:
    assert fitted.text is not None
    names = fitted.text.names
    return tuple(tuple(names[token] for token in row if token) for row in inputs[0])


def _choose(subject: Subject, answer: str | None) -> Subject:
    """The same, its answers chosen."""
    from dataclasses import replace

    from nnops.catalog import unknown

    task = subject.spec.task
    if answer is not None:
        if answer not in subject.answers:
            raise InputError(f"--answer: {unknown('answer', answer, subject.answers)}")
        choice = subject.answers.index(answer)
    elif task in QUANTITIES:
        choice = 0
    elif task == "binary":
        choice = 1
    else:
        with torch.no_grad():
            parts = [
                subject.scores([torch.from_numpy(each[start : start + 256]) for each in subject.inputs])
                for start in range(0, len(subject), 256)
            ]
        return replace(subject, choice_N=torch.cat(parts).argmax(1).numpy())
    return replace(subject, choice_N=np.full(len(subject), choice))
