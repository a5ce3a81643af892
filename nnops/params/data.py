"""The section ``data``: where rows come from, how they are cleaned, split, scaled and read as words or sounds."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from nnops.own import PATTERN
from nnops.params.plain import is_list
from nnops.params.section import Fraction, Named, Positive, Section, in_key

Warp = Literal["none", "log", "quantile", "yeo_johnson"]


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
    if not is_list(names):
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
        if not is_list(names):
            raise ValueError(f"must be a list of columns such as [sex, race], got {names!r}.")
        keys = [in_key(str(name)) for name in names]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise ValueError(f"names '{twice}' twice; leave one out.")
        return tuple(str(name) for name in names)

    @field_validator("coordinates", mode="before")
    @classmethod
    def _some_numbers(cls, names: Any) -> Any:
        if not is_list(names) or len(names) == 1 or len(set(map(str, names))) < len(names):
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
