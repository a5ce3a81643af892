"""params.yaml, parsed once into frozen objects that forbid unknown keys; every key has a dotted name.

The file is YAML 1.2 (``1e-3`` is a float), read with ruamel; writing keeps comments and order.
A component's ``options`` are judged by the component (see :mod:`nnops.catalog`), not here.
"""

import copy
import datetime
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from nnops.address import check_no_password
from nnops.catalog import explain, unknown
from nnops.errors import ParamsError
from nnops.files import write_bytes
from nnops.own import PATTERN

FILE = Path("params.yaml")
#: Sections whose keys are free text, dots included: what follows is one key.
FREE = ("sweep.space.", "data.kinds.", "data.skewed.", "compress.max_drop.")
#: Keys, or what they begin with, that a training may change on its way: the network and its memory stay as they are.
CHANGING = (
    "loss.options.",
    "model.options.dropout",
    "train.accumulate",
    "train.augment.",
    "train.batch_size",
    "train.clip_norm",
    "train.l1",
    "train.l2",
    "train.optimizer.options.",
    "train.sampler",
    "train.schedule.options.",
    "train.transfer.rate",
    "train.transfer.unfrozen",
)

#: Keys that records leave out while nothing is set: what was recorded before they came has none of them.
LATER = (
    ("data", "coordinates"),
    ("data", "edges"),
    ("data", "groups"),
    ("evaluate", "robustness"),
    ("evaluate", "threshold"),
    ("train", "adversarial"),
    ("train", "fairness"),
    ("train", "folds"),
)

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[int, Field(ge=1)]
Warp = Literal["none", "log", "quantile", "yeo_johnson"]
DURATION = r"^\d+(\.\d+)?(s|m|h|d)$"


def _duration(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(DURATION, value) or not in_seconds(value):
        raise ValueError(f"must be a time above zero such as 90s, 30m, 2h or 1d, got {value!r}.")
    return value


def _batch_size(value: Any) -> Any:
    if value in ("all", "auto") or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError(f"must be a whole number of at least 1, all or auto, got {value!r}.")


#: Rows in a batch; ``all`` is every row of train, ``auto`` is settled by the stage train.
BatchSize = Annotated[int | Literal["all", "auto"], BeforeValidator(_batch_size)]
Duration = Annotated[str, Field(pattern=DURATION), BeforeValidator(_duration)]


class Section(BaseModel):
    """Base of every section of params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


def _not_default(section: Section, *names: str) -> str | None:
    """The first of some fields that has another value than its default."""
    return next((name for name in names if getattr(section, name) != type(section).model_fields[name].default), None)


class Named(Section):
    """A component by name, with the options that it judges itself."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict[str, Any])


class Split(Section):
    """How rows are dealt out to train, val and test."""

    val: Fraction = 0.15
    test: Fraction = 0.15
    by: Literal["auto", "stratified", "random", "grouped", "time", "given"] = "auto"
    column: str | None = Field(default=None, description="The group, the time, or the split's name (train, val, test)")
    folds: Annotated[int, Field(ge=2)] | None = Field(
        default=None, description="Cross-validation: test is one of so many folds, val is dealt from the others"
    )
    fold: Annotated[int, Field(ge=0)] = Field(default=0, description="Which one, from 0")

    @model_validator(mode="after")
    def _judge(self) -> "Split":
        if self.val + self.test >= 1:
            raise ValueError(f"val + test must be below 1, got {self.val} + {self.test}.")
        if self.by in ("grouped", "time", "given") and not self.column:
            raise ValueError(f"by: {self.by} needs column: NAME, the column that says it.")
        if self.folds is not None and self.by in ("time", "given"):
            raise ValueError(f"folds need by: stratified, random or grouped, got {self.by}.")
        if self.fold >= (self.folds or 1):
            raise ValueError(f"fold must be below folds: {self.folds or 'not set'}, got {self.fold}.")
        return self


class Cleaning(Section):
    """What is done to values before they are scaled; statistics come from the train split alone."""

    numeric_missing: Literal["median", "mean", "mode", "zero", "drop"] | float = Field(
        default="median", description="A number stands for every missing value itself"
    )
    categorical_missing: Literal["token", "mode", "drop"] = "token"
    indicator: bool = Field(default=False, description="Add a 0/1 column for each numeric column with missing values")
    outliers: Literal["none", "iqr", "zscore"] = "none"
    outlier_rows: Literal["clip", "drop"] = Field(
        default="clip", description="drop: rows of train go; rows of val and test never do"
    )
    outlier_factor: Annotated[float, Field(gt=0)] = Field(
        default=3.0, description="In interquartile ranges or deviations"
    )
    duplicates: Literal["keep", "drop"] = "keep"
    wrong_types: Literal["error", "missing"] = Field(
        default="error", description="What text in a column of numbers or dates is; missing also holds for raw rows"
    )
    missing_markers: tuple[str, ...] = ("", "?", "NA", "N/A", "NaN", "nan", "null", "None")
    strip_target: str = Field(default="", description="Characters taken off the end of class labels, such as '.'")


class Series(Section):
    """A table as one or several series over time; the task is then ``forecasting``."""

    time: str = Field(description="The column of times: dates, or numbers that rise")
    group: str | None = Field(default=None, description="The column that names the series a row belongs to")
    targets: tuple[str, ...] = Field(default=(), description="The variables that are forecast; empty: all of them")
    window: Positive = Field(default=96, description="Steps of the past that a model sees")
    horizon: Positive = Field(default=24, description="Steps ahead that it answers")
    stride: Positive = Field(default=1, description="Steps from one window to the next")
    borders: tuple[int | str, ...] = Field(
        default=(),
        description="Where val and test begin, and perhaps where test ends, as rows or dates; empty: split's shares",
    )
    gaps: Literal["error", "fill"] = Field(
        default="error", description="Missing steps and values are refused, or take the last known value"
    )

    @field_validator("borders")
    @classmethod
    def _two_or_three(cls, borders: tuple[int | str, ...]) -> tuple[int | str, ...]:
        if borders and len(borders) not in (2, 3):
            raise ValueError(
                "must hold where val and test begin, and perhaps where test ends, such as [8640, 11520, 14400], got"
                f" {len(borders)} of them."
            )
        return borders


class Rewrite(Section):
    """Rows added to train: its texts in other words, as the user's own function gives them (back-translation)."""

    path: str = Field(pattern=PATTERN, description="MODULE:NAME; called with the texts and a seed, it gives as many")
    arguments: dict[str, Any] = Field(default_factory=dict[str, Any], description="Given to it by name")
    copies: Positive = Field(default=1, description="How often it is called, each time with another seed")


class Text(Section):
    """How a column of the kind ``text`` becomes tokens; the tokenizer is trained on the train split alone."""

    pretrained: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="A folder whose tokenizer.json is taken as it is; then nothing is trained on the data"
    )
    tokenizer: Literal["bpe", "word"] = Field(default="word", description="Whole words, or byte pairs: pieces of words")
    vocabulary: Annotated[int, Field(ge=3)] = Field(default=20000, description="Most tokens, the most frequent ones")
    min_frequency: Positive = Field(default=2, description="Rarer words (or pairs of pieces) are unknown")
    length: Positive | None = Field(
        default=None,
        description="Tokens of a text, the rest is cut, or of a language model's blocks; nothing set: the longest of"
        " train, at most 256, or blocks of 128",
    )
    answer: Positive | None = Field(
        default=None, description="Sequence only: tokens of an answer; nothing set: the longest of train, at most 256"
    )
    lower: bool = Field(default=True, description="Capital letters as small ones")
    empty: Literal["drop", "refuse", "unknown"] = Field(
        default="refuse",
        description="A text without a word: its row is left out, is an error, or counts as one unknown word",
    )
    rewrite: Rewrite | None = None


def _targets(names: Any) -> Any:
    if isinstance(names, str):
        return names
    if not _is_list(names):
        raise ValueError(f"must be the name of a column, or a list of names, got {names!r}.")
    named = tuple(str(name) for name in names)
    if len(set(named)) < max(len(named), 2):
        raise ValueError(f"a list must name at least two columns, each once, got {list(named)}.")
    return named


class Audio(Section):
    """How sounds become log-mel spectrograms, which networks of images take."""

    rate: Annotated[int, Field(ge=1000, le=768_000)] = Field(default=16_000, description="Hz; others are resampled")
    seconds: Annotated[float, Field(gt=0, le=3600)] | None = Field(
        default=None,
        description="Longer sounds are cut, shorter ones padded; nothing set: the longest of train, at most 10",
    )
    mels: Annotated[int, Field(ge=4, le=512)] = Field(default=64, description="Bands of the spectrogram, its height")
    window_ms: Annotated[float, Field(ge=1, le=1000)] = Field(default=25.0, description="What one column is made of")
    hop_ms: Annotated[float, Field(ge=0.5, le=1000)] = Field(default=10.0, description="From one column to the next")
    range_db: Annotated[float, Field(ge=10, le=200)] = Field(default=80.0, description="What lies deeper is level 0")
    reference: Literal["peak", "full_scale"] = Field(
        default="peak", description="Loudness against the loudest of the sound itself, or against full scale"
    )
    silent: Literal["refuse", "keep"] = Field(
        default="refuse", description="What a silent sound is: an error, or a row"
    )

    @model_validator(mode="after")
    def _judge(self) -> "Audio":
        if self.seconds is not None and 1000 * self.seconds < self.window_ms:
            raise ValueError(
                f"seconds must hold a window of {self.window_ms:g} ms, got {self.seconds:g}; write at least"
                f" {self.window_ms / 1000:g}."
            )
        return self


class Edges(Section):
    """How the rows of a table are linked: each row is then a node of one graph, and ``gcn`` sees its neighbours."""

    source: Named = Field(description="Of a table with an edge a row, such as {name: csv, options: {path: edges.csv}}")
    id: Annotated[str, Field(min_length=1)] = Field(description="The column of data.source that names a node")
    ends: tuple[str, str] | None = Field(
        default=None, description="The columns that name the two nodes of an edge; nothing set: the first two"
    )
    weight: str | None = Field(
        default=None, description="The column of weights above 0; nothing set: each edge counts 1"
    )


class Data(Section):
    """Where rows come from and what is made of them."""

    source: Named = Named(name="sklearn", options={"set": "digits"})
    test: Named | None = Field(default=None, description="A separate test source; then split.test is not used")
    target: Annotated[str | tuple[str, ...], BeforeValidator(_targets)] = Field(
        default="target", description="A column; or several of 0 and 1, each a label that a row may have"
    )
    task: Literal[
        "auto",
        "binary",
        "forecasting",
        "language_model",
        "multiclass",
        "multilabel",
        "regression",
        "segmentation",
        "sequence",
    ] = "auto"
    series: Series | None = Field(default=None, description="Set for a series over time")
    edges: Edges | None = Field(default=None, description="Set where rows are the nodes of a graph")
    positive: str | None = Field(
        default=None,
        description="Binary only: the class that precision, recall, F1 and ROC are of; else the second one",
    )
    kinds: dict[str, Literal["numeric", "categorical", "date", "text", "ignore"]] = Field(
        default_factory=dict[str, Any]
    )
    text: Text = Text()
    audio: Audio = Audio()
    separator: Annotated[str, Field(min_length=1)] = Field(
        default="|", description="Multilabel only: stands between the labels of a row, as in 'sport|news'"
    )
    split: Split = Split()
    groups: tuple[str, ...] = Field(
        default=(), description="Columns of a table whose groups are compared, whether they are learned from or not"
    )
    coordinates: tuple[str, ...] = Field(
        default=(), description="Numeric columns that say together where a row is, such as [longitude, latitude]"
    )
    cleaning: Cleaning = Cleaning()
    categories: Literal["one_hot", "embedding"] = "one_hot"
    scaling: Literal["standard", "minmax", "robust", "none"] = "standard"
    skewed: Warp | Annotated[dict[str, Warp], Field(min_length=1)] = Field(
        default="none",
        description="Bends numeric columns of skewness beyond 1 before they are scaled, or {COLUMN: way}",
    )
    target_scaling: Literal["standard", "none"] = Field(
        default="standard", description="Regression only; undone in answers"
    )
    leakage: Literal["warn", "error"] = Field(
        default="warn", description="What a leak does: a note in the report, or the end of the prepare stage"
    )
    by_column: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Whether a table in CSV, JSON lines or Parquet is read one column at a time, for one larger than"
        " memory; auto: where reading it whole would take half of the free memory",
    )

    @field_validator("groups", mode="before")
    @classmethod
    def _list_of_columns(cls, names: Any) -> Any:
        if not _is_list(names):
            raise ValueError(f"must be a list of columns such as [sex, race], got {names!r}.")
        keys = [in_key(str(name)) for name in names]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise ValueError(f"names '{twice}' twice; leave one out.")
        return tuple(str(name) for name in names)

    @field_validator("coordinates", mode="before")
    @classmethod
    def _some_numbers(cls, names: Any) -> Any:
        if not _is_list(names) or len(names) == 1 or len(set(map(str, names))) < len(names):
            raise ValueError(f"must be several columns such as [longitude, latitude], got {names!r}.")
        return tuple(str(name) for name in names)

    @property
    def answer(self) -> str:
        """The target by one name."""
        return self.target if isinstance(self.target, str) else " + ".join(self.target)

    @model_validator(mode="after")
    def _judge_targets(self) -> "Data":
        if isinstance(self.target, str):
            return self
        if self.task not in ("auto", "multilabel"):
            raise ValueError(f"several target columns are labels: task must be auto or multilabel, got {self.task}.")
        if odd := next((name for name in self.target if self.separator in name), None):
            raise ValueError(f"separator must not be part of a label, got '{self.separator}' in '{odd}'; set another.")
        return self

    @model_validator(mode="after")
    def _judge_series(self) -> "Data":
        if self.series is None:
            if self.task == "forecasting":
                raise ValueError("task: forecasting needs series: {time: COLUMN}, the column that says when.")
            return self
        if self.task not in ("auto", "forecasting"):
            raise ValueError(f"a series is forecast: task must be auto or forecasting, got {self.task}.")
        if self.test is not None:
            raise ValueError("a series is split by time, so data.test must be left out; set data.series.borders.")
        if self.edges is not None:
            raise ValueError("edges join the rows of a table that has no order of time; leave edges or series out.")
        if self.target != "target":
            raise ValueError(
                f"target: a series names what it forecasts in series.targets: write [{self.answer}] there."
            )
        if self.split.by not in ("auto", "time"):
            raise ValueError(f"a series is split by time: split.by must be auto or time, got {self.split.by}.")
        return self


class EarlyStopping(Section):
    """Stop when a metric has not improved for some epochs; the best weights are restored."""

    metric: str = "val_loss"
    patience: Positive = 5
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class Change(Section):
    """Other values from some epoch on."""

    after: Positive = Field(description="Epochs trained before it")
    set: dict[str, Any] = Field(description="Dotted keys to values, such as {train.optimizer.options.lr: 1e-4}")

    @model_validator(mode="after")
    def _judge(self) -> "Change":
        for key in self.set:
            if not may_change(key):
                raise ValueError(
                    f"set: a training cannot change '{key}' on its way; it can change {', '.join(CHANGING)}."
                )
            if key == "train.batch_size" and self.set[key] == "auto":
                raise ValueError("set: train.batch_size: auto is settled before a training begins; write a number.")
        return self


class Transfer(Section):
    """Weights of another training that this one begins with."""

    weights: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="A .safetensors, .pt or .pth file, or a folder with model.safetensors, such as a bundle; nothing"
        " set: those of a pretrained model",
    )
    new: tuple[str, ...] = Field(
        default=(),
        description="What names of weights begin with that are not taken over; empty: the last layer, if it differs",
    )
    unfrozen: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Layers taken over that go on learning, counted from the output; nothing set: all"
    )
    rate: Annotated[float, Field(gt=0)] = Field(default=1.0, description="Their part of the learning rate")


class Fairness(Section):
    """What a training does for the groups of a column of ``data.groups`` to be treated alike."""

    method: Literal["penalty", "reweighing"] = Field(
        description="reweighing: rows weigh so that group and class are independent; penalty: a term of the loss"
    )
    column: str | None = Field(default=None, description="Nothing set: the only one of data.groups")
    goal: Literal["demographic_parity", "equal_opportunity", "equalized_odds"] = Field(
        default="equalized_odds", description="Penalty only: what is to be the same in all groups"
    )
    weight: Annotated[float, Field(gt=0)] = Field(default=1.0, description="Penalty only: how much it counts")

    @model_validator(mode="after")
    def _judge(self) -> "Fairness":
        if self.method == "reweighing" and (given := _not_default(self, "goal", "weight")):
            raise ValueError(f"{given} is of method: penalty; leave it out, or write that method.")
        return self


class Adversarial(Named):
    """An attack that the network learns to withstand."""

    share: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0, description="Rows of a batch that are attacked")


class Train(Section):
    """How weights are found."""

    epochs: Positive = 20
    batch_size: BatchSize = Field(
        default=64, description="Rows in a batch; all: with sgd, gradient descent; auto: what fits"
    )
    batch_limit: Positive = Field(default=4096, description="Most rows that batch_size: auto takes")
    accumulate: Positive = Field(default=1, description="Batches whose gradients are added up before a step")
    sampler: Literal["shuffled", "weighted"] = Field(
        default="shuffled", description="weighted: drawn with replacement so that classes come equally often"
    )
    optimizer: Named = Named(name="adamw", options={"lr": 1e-3, "weight_decay": 1e-4})
    schedule: Named = Named(name="constant")
    early_stopping: EarlyStopping | None = None
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    l1: Annotated[float, Field(ge=0)] = Field(default=0.0, description="l1 * sum |w|, added to what is minimised")
    l2: Annotated[float, Field(ge=0)] = Field(default=0.0, description="l2 * sum w^2, added to what is minimised")
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32", description="Of the passes through the network; weights stay fp32"
    )
    augment: tuple[Named, ...] = Field(default=(), description="What is done to each batch of train, in this order")
    adversarial: Adversarial | None = Field(default=None, description="An attack on each batch of train")
    changes: tuple[Change, ...] = Field(default=(), description="Values that change on the way, in order of epochs")
    transfer: Transfer | None = None
    ensemble: tuple[dict[str, Any], ...] = Field(
        default=(),
        description="Networks that answer as one, each {dotted.key: value} laid over seed, model, loss, train",
    )
    folds: Annotated[int, Field(ge=2)] | None = Field(
        default=None,
        description="So many networks that answer as one, each trained without one fold of train and validated on it",
    )
    fairness: Fairness | None = None
    restore_best: bool = Field(
        default=True, description="End with the weights of the best epoch instead of the last one"
    )
    stream: bool = Field(
        default=False,
        description="Leave the rows on disk and read them in shuffled blocks, for data larger than memory",
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Positive = 1
    workers: Positive = Field(
        default=1, description="Processes that share the rows of each batch, on a core or a GPU each"
    )

    @model_validator(mode="after")
    def _judge(self) -> "Train":
        if self.folds is not None and self.ensemble:
            raise ValueError("folds and ensemble are two ways to make several networks; write one of them.")
        return self

    @property
    def several(self) -> bool:
        """Whether several networks answer as one."""
        return bool(self.ensemble) or self.folds is not None

    @field_validator("changes")
    @classmethod
    def _in_order(cls, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        epochs = [change.after for change in changes]
        if sorted(set(epochs)) != epochs:
            raise ValueError(f"after must rise from one change to the next, got {epochs}.")
        return changes

    def batch(self, rows: int) -> int:
        """Rows in a batch where train has ``rows`` of them."""
        if self.batch_size == "auto":
            raise ParamsError(
                "params.yaml: train.batch_size: auto is settled by the stage train, which writes the number that it"
                " finds; run 'dvc repro train' first, or write a number."
            )
        return rows if self.batch_size == "all" else self.batch_size


class Intervals(Section):
    """Bootstrap intervals of the test metrics."""

    samples: Annotated[int, Field(ge=0)] = 1000
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95


class Threshold(Section):
    """How the threshold of a binary decision is found on val, or one for each group of a column."""

    metric: Literal["accuracy", "balanced_accuracy", "f1"] = Field(
        default="balanced_accuracy", description="What the threshold makes best"
    )
    by: str | None = Field(default=None, description="A column of data.groups, which rows to predict must have then")
    goal: Literal["demographic_parity", "equal_opportunity", "equalized_odds"] = Field(
        default="equalized_odds", description="With by: what is to be the same in all groups"
    )
    cost: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.01, description="With by: how much of the metric may be given up for the groups to come together"
    )

    @model_validator(mode="after")
    def _judge(self) -> "Threshold":
        if self.by is None and (given := _not_default(self, "cost", "goal")):
            raise ValueError(f"{given} is of thresholds by group; name their column, such as by: sex.")
        if self.by is not None and self.metric == "f1":
            raise ValueError("metric: f1 is not a sum over groups; write accuracy or balanced_accuracy with by.")
        return self


def _threshold(value: Any) -> Any:
    if value is None or isinstance(value, Mapping | Threshold):
        return cast(Any, value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError(
            "must be a probability between 0 and 1, or what to find it by such as {metric: balanced_accuracy}, got"
            f" {value!r}."
        )
    return float(value)


class Robustness(Section):
    """How a model answers when its inputs are damaged or attacked."""

    corruptions: tuple[str, ...] | None = Field(
        default=None, description="Kinds of damage, each in five severities; nothing set: all that fit the data"
    )
    attacks: tuple[Named, ...] = Field(default=(), description="Such as {name: pgd, options: {epsilon: 0.1}}")
    rows: Positive = Field(default=2000, description="At most so many rows of test, evenly spread")

    @field_validator("attacks")
    @classmethod
    def _once(cls, attacks: tuple[Named, ...]) -> tuple[Named, ...]:
        names = [attack.name for attack in attacks]
        if len(set(names)) < len(names):
            raise ValueError(f"each attack once: its numbers have its name, got {', '.join(names)}.")
        return attacks


class Evaluate(Section):
    """What is measured on the test split."""

    metrics: tuple[str, ...] = Field(default=(), description="Empty: all that fit the task")
    baselines: tuple[str, ...] | None = Field(default=None, description="Nothing set: those that fit the task")
    intervals: Intervals = Intervals()
    slices: Annotated[int, Field(ge=0, le=100)] = Field(
        default=5, description="Most groups of rows that are told on which the model is worse; 0: not looked for"
    )
    threshold: Annotated[
        Annotated[
            Annotated[float, Tag("tagged-number")] | Annotated[Threshold, Tag("tagged-search")],
            Discriminator(lambda given: "tagged-number" if isinstance(given, float) else "tagged-search"),
        ]
        | None,
        BeforeValidator(_threshold),
    ] = Field(
        default=None, description="Binary only: the probability above which a row is of the positive class; unset: 0.5"
    )
    robustness: Robustness | None = Field(default=None, description="Nothing set: not measured")


class Compress(Section):
    """What is tried to make the model smaller and faster."""

    methods: tuple[Named, ...] = (Named(name="quantize"),)
    max_drop: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict[str, Any],
        description="Most that a metric may get worse on val; empty: accuracy or r2 by 0.005",
    )


class Stated(Section):
    """What only people know of a model; it stands on its card."""

    purpose: str | None = Field(default=None, description="What the model is for, and for whom")
    not_for: str | None = Field(default=None, description="What it must not be used for")
    limits: str | None = Field(default=None, description="Where it is known to fail")
    contact: str | None = Field(default=None, description="Who answers for it")


class Register(Section):
    """Under what name and on what conditions a model is put in the registry."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)] = "model"
    gate: tuple[str, ...] = Field(default=(), description="Conditions such as 'accuracy >= 0.95'")
    card: Stated = Stated()


class Tracking(Section):
    """Where runs are shown; nothing set means mlflow.db in this folder."""

    experiment: Annotated[str, Field(min_length=1)] = "nnops"
    uri: str | None = Field(
        default=None, description="An MLflow server; the variable MLFLOW_TRACKING_URI goes before it"
    )

    @field_validator("uri")
    @classmethod
    def _no_password(cls, value: str | None) -> str | None:
        hint = "; a server's name and password are read from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        return check_no_password(value, hint)


class SweepObjective(Section):
    """A metric that a study optimises."""

    metric: str = "val_loss"
    direction: Literal["minimize", "maximize"] = "minimize"


class Repeats(Section):
    """The best trials trained again under further seeds once the search is over; the best mean wins."""

    top: Positive = Field(default=3, description="How many of the best trials")
    seeds: Annotated[int, Field(ge=2)] = Field(default=5, description="Further seeds for each of them")


class Budget(Section):
    """When a study is done: whichever comes first."""

    trials: Positive = 64
    time: Duration | None = Field(default=None, description="Such as 90s, 2h")
    epochs: Positive | None = Field(default=None, description="Of all trials together, repeats left out")
    gpu_hours: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Hours that workers hold GPUs, whether they train or wait"
    )
    patience: Positive | None = Field(default=None, description="Trials in a row without a better best")

    @property
    def seconds(self) -> float | None:
        """The time budget in seconds."""
        return None if self.time is None else in_seconds(self.time)


class WarmStart(Section):
    """What a search begins with, beside what it finds itself."""

    current: bool = Field(default=False, description="Whether the values that params hold are tried first")
    configs: tuple[dict[str, Any], ...] = Field(
        default=(), description="Tried first, each {dotted.key: value}; a key left out has its value in params"
    )
    studies: tuple[str, ...] = Field(default=(), description="Earlier ones, whose trials the sampler learns from")


class Limit(Section):
    """What one trial may take; beyond it, it ends and is infeasible."""

    time: Duration | None = Field(default=None, description="Such as 90s, 2h; ends a trial that hangs, too")
    memory_mib: Positive | None = Field(default=None, description="Beside what its process has before it")

    @property
    def seconds(self) -> float | None:
        """The time in seconds."""
        return None if self.time is None else in_seconds(self.time)


class Resources(Section):
    """What one trial occupies on a worker."""

    cpus: Annotated[float, Field(gt=0)] = 1
    gpus: Annotated[float, Field(ge=0)] | Literal["auto"] = Field(
        default=0.0, description="A part of one is allowed; auto: the part that the largest network is measured to need"
    )

    @property
    def share(self) -> float:
        """GPUs that a trial occupies; a whole one until it is measured."""
        return 1.0 if self.gpus == "auto" else self.gpus


class Sweep(Section):
    """One search: what is tried, how it is judged, when it ends."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)] | None = None
    objective: Annotated[
        Annotated[SweepObjective, Tag("tagged-one")] | Annotated[tuple[SweepObjective, ...], Tag("tagged-several")],
        Discriminator(lambda given: "tagged-several" if isinstance(given, list | tuple) else "tagged-one"),
    ] = Field(default=SweepObjective(), description="One, or a list of them; pruners judge by the first")
    constraints: tuple[str, ...] = Field(
        default=(), description="Such as 'parameters <= 20000'; a trial that breaks one cannot win"
    )
    repeats: Repeats | None = None
    sampler: Named = Named(name="auto")
    pruner: Named = Named(name="asha")
    budget: Budget = Budget()
    warm_start: WarmStart = WarmStart()
    engine: Literal["auto", "ray", "inline"] = "auto"
    workers: Positive | None = Field(default=None, description="Trials at once; nothing set means one a core")
    order: Literal["async", "fixed"] = Field(
        default="async", description="fixed: a seed gives the same trials for any number of workers; async is faster"
    )
    lag: Positive = Field(default=16, description="With order fixed, trial n is proposed from trials 0 to n - lag")
    resources: Resources = Resources()
    limit: Limit = Limit()
    keep: Annotated[int, Field(ge=0)] = Field(
        default=3,
        description="Of so many of the best trials the last state is kept, so that 'sweep grow' goes on with it",
    )
    storage: str | None = Field(
        default=None, description="Optuna storage; nothing set means a journal file in .nnops/studies"
    )
    shared: str | None = Field(
        default=None, description="A folder or s3:// address that every machine reaches, for data and checkpoints"
    )
    space: dict[str, dict[str, Any]] = Field(default_factory=dict[str, Any])

    @field_validator("storage", "shared")
    @classmethod
    def _no_password(cls, value: str | None) -> str | None:
        return check_no_password(value, "; without one, PostgreSQL reads PGPASSWORD and S3 its AWS_... variables")

    @field_validator("constraints", mode="before")
    @classmethod
    def _list_of_constraints(cls, value: Any) -> Any:
        if not _is_list(value):
            raise ValueError(f"must be a list such as ['parameters <= 20000'], got {value!r}.")
        return tuple(cast("Sequence[Any]", value))

    @model_validator(mode="after")
    def _judge(self) -> "Sweep":
        metrics = [objective.metric for objective in self.objectives]
        if not metrics:
            raise ValueError("objective must be {metric: ..., direction: ...} or a list of them, got an empty list.")
        twice = next((metric for metric in metrics if metrics.count(metric) > 1), None)
        if twice:
            raise ValueError(f"objective names {twice} twice; leave one out.")
        return self

    @property
    def objectives(self) -> tuple[SweepObjective, ...]:
        """One objective or several."""
        given: Any = self.objective
        return cast("tuple[SweepObjective, ...]", given if isinstance(given, tuple) else (given,))


class Params(Section):
    """The contents of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 7
    data: Data = Data()
    model: Named = Named(name="mlp")
    loss: Named | None = Field(default=None, description="Nothing set: the loss that fits the task")
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    compress: Compress = Compress()
    register_: Register = Field(default_factory=Register, alias="register")
    tracking: Tracking = Tracking()
    sweep: Sweep = Sweep()

    @field_validator("seed", mode="before")
    @classmethod
    def _whole_seed(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("must be a whole number, got a boolean.")
        return value

    def record(self, *sections: str) -> dict[str, Any]:
        """The params as plain JSON values, all or the named sections of them, without what is unset of LATER."""
        whole = self.whole()
        for section, key in LATER:
            if not whole[section][key]:
                del whole[section][key]
        return {key: whole[key] for key in sections} if sections else whole

    def whole(self) -> dict[str, Any]:
        """Every key with its value, as plain JSON values."""
        return self.model_dump(mode="json", by_alias=True)


def may_change(key: str) -> bool:
    """Whether a training can change this dotted key on its way.

    >>> may_change("train.optimizer.options.lr"), may_change("model.options.hidden")
    (True, False)
    """
    return any(key == one or (one.endswith(".") and key.startswith(one)) for one in CHANGING)


def in_key(name: str) -> str:
    """A column's name as a part of a dotted name that a gate can hold.

    >>> in_key("marital status (%)")
    'marital_status_'
    """
    return re.sub(r"[^\w-]+", "_", name)


def in_seconds(text: str) -> float:
    """A duration in seconds.

    >>> in_seconds("90s"), in_seconds("1.5h")
    (90.0, 5400.0)
    """
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]


def parse(record: Mapping[str, Any]) -> Params:
    """Judge a mapping as the contents of params.yaml.

    Raises:
        ParamsError: The first fault, with its dotted key and what to write instead.
    """
    try:
        return Params.model_validate(dict(record))
    except ValidationError as error:
        raise ParamsError(explain(error, "", Params)) from error


def load(path: Path = FILE, sets: Iterable[str] = ()) -> Params:
    """Read params.yaml and lay ``--set dotted.key=value`` over it.

    Raises:
        ParamsError: No such file, not YAML, an unknown key, a wrong value.
    """
    return overlay(parse(_plain(_read(path), "")), dict(parse_set(text) for text in sets))


def parse_set(text: str) -> tuple[str, Any]:
    """Parse ``dotted.key=value``, the value being YAML.

    >>> parse_set("train.optimizer.options.lr=1e-3")
    ('train.optimizer.options.lr', 0.001)
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ParamsError(f"--set wants dotted.key=value, got '{text}'.")
    return key.strip(), _plain(_yaml_value(value, text), key)


def overlay(params: Params, config: Mapping[str, Any]) -> Params:
    """Lay a config (dotted keys to values) over params.

    A change of a component's ``name`` drops the options of the component before it, unless the config sets them.

    Raises:
        ParamsError: A key that does not exist, a value that does not fit.
    """
    if not config:
        return params
    record = params.whole()
    for key in sorted(config, key=_names_first):
        set_dotted(record, key, config[key])
    return parse(record)


def set_dotted(record: Any, key: str, value: Any, defaults: Any = None) -> None:
    """Set one dotted key in nested params, in place; whether the last key exists is judged by :func:`parse`.

    Args:
        record: Plain params, or a YAML document that may leave keys out.
        key: The dotted key; a number stands for a place in a list.
        value: What to set.
        defaults: The whole params where ``record`` may leave keys out: a default component is written whole.

    Raises:
        ParamsError: A key on the way does not exist or holds a plain value.
    """
    node, default = record, defaults
    *way, last = _parts(key)
    for depth, part in enumerate(way):
        default = _child(default, part)
        if _is_list(node):
            node = _item(node, part, key)
            continue
        where = ".".join(way[:depth])
        if part not in node and defaults is None:
            raise ParamsError(f"{key}: {unknown('key', part, node)}" + (f" (in {where})" if where else ""))
        if node.get(part) is None:
            # A default component is written whole: its other options would else no longer be those of the default.
            node[part] = {} if _child(default, "name") is None else copy.deepcopy(default)
        node = node[part]
        if not _has_keys(node):
            raise ParamsError(f"{key}: {'.'.join(way[: depth + 1])} holds a value and has no keys below it.")
    if _is_list(node):
        _item(node, last, key)
        node[int(last)] = value
        return
    if last == "name" and "options" in node and node.get("name") != value:
        node["options"] = {}
    node[last] = value


def write(path: Path, config: Mapping[str, Any]) -> Params:
    """Write a config into params.yaml, comments and order kept, atomically; the result is judged before it is written.

    Returns:
        The params as they now stand in the file.
    """
    document = _read(path)
    defaults = parse(_plain(document, "")).record()
    for key in sorted(config, key=_names_first):
        set_dotted(document, key, config[key], defaults)
    params = parse(_plain(document, ""))
    write_bytes(path, dump(document).encode())
    return params


def dump(record: Mapping[str, Any]) -> str:
    """Params as YAML, short mappings on one line; each key on its own where a line break would cut one in two."""
    from ruamel.yaml.error import YAMLError

    text = _dumped(record, 120, None)
    try:
        same = _plain(_yaml().load(text), "") == _plain(record, "")
    except YAMLError:
        same = False
    return text if same else _dumped(record, 2**20, False)


def _dumped(record: Mapping[str, Any], width: int, flow: bool | None) -> str:
    text, yaml = io.StringIO(), _yaml()
    yaml.width = width
    yaml.default_flow_style = flow
    yaml.dump(record, text)
    return text.getvalue()


def schema() -> dict[str, Any]:
    """The JSON schema of params.yaml, for editors."""
    return Params.model_json_schema(by_alias=True)


def flatten(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested params as dotted keys to values; lists stay values.

    >>> flatten({"train": {"epochs": 3}, "seed": 1})
    {'train.epochs': 3, 'seed': 1}
    """
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if _is_dict(value) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _is_dict(node: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(node, dict)


def _is_list(node: Any) -> TypeGuard[list[Any]]:
    return isinstance(node, list | tuple)


def _has_keys(node: Any) -> bool:
    return isinstance(node, dict | list)


def _parts(key: str) -> list[str]:
    for section in FREE:
        if key.startswith(section):
            return [*section.rstrip(".").split("."), key.removeprefix(section)]
    return key.split(".")


def _names_first(key: str) -> tuple[bool, str]:
    """A component's name goes before its options, since a new name drops the old options."""
    return not key.endswith(".name"), key


def _child(node: Any, part: str) -> Any:
    return node.get(part) if _is_dict(node) else None


def _item(node: list[Any], part: str, key: str) -> Any:
    if not part.isdigit() or int(part) >= len(node):
        raise ParamsError(f"{key}: '{part}' must be a number below {len(node)}, the place in a list.")
    return node[int(part)]


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _read(path: Path) -> Any:
    from ruamel.yaml.error import YAMLError

    try:
        document = _yaml().load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ParamsError(
            f"{path} does not exist in {path.absolute().parent}; run 'nnops init --data FILE --target COLUMN' first."
        ) from error
    except (YAMLError, UnicodeDecodeError) as error:
        first = str(error).strip().splitlines()
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or first[0]
        if r"'\t'" in problem:
            problem = "a tab, where YAML takes only spaces"
        raise ParamsError(f"{path}:{line} not valid YAML: {problem}.") from error
    if document is None:
        document = {}
    if not _is_dict(document):
        raise ParamsError(
            f"{path}: must hold keys and values such as 'seed: 7', got a"
            f" {'list' if _is_list(document) else 'single value'}."
        )
    return document


def _yaml_value(value: str, text: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml: Any = YAML(typ="safe", pure=True)
    try:
        return yaml.load(value)
    except YAMLError as error:
        raise ParamsError(f"--set {text}: the value is not valid YAML.") from error


def _plain(node: Any, where: str) -> Any:
    """Ruamel's round-trip nodes as plain Python; dates are refused, since DVC cannot store them."""
    if _is_dict(node):
        return {str(key): _plain(value, f"{where}.{key}".lstrip(".")) for key, value in node.items()}
    if _is_list(node):
        return [_plain(value, f"{where}.{index}") for index, value in enumerate(node)]
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, datetime.date | datetime.datetime):
        raise ParamsError(f"params.yaml: {where}: dates must be quoted, write '{node}'.")
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node
