"""params.yaml, parsed once into frozen objects that forbid unknown keys; every key has a dotted name.

The file is YAML 1.2 (``1e-3`` is a float), read with ruamel; writing keeps comments and order.
A component's ``options`` are judged by the component (see :mod:`nnops.catalog`), not here.
"""

import copy
import datetime
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nnops.catalog import explain, unknown
from nnops.errors import ParamsError
from nnops.files import write_bytes

FILE = Path("params.yaml")
#: Sections whose keys are free text, dots included: what follows is one key.
FREE = ("sweep.space.", "data.kinds.", "compress.max_drop.")

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """Base of every section of params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


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

    @model_validator(mode="after")
    def _judge(self) -> "Split":
        if self.val + self.test >= 1:
            raise ValueError(f"val + test must be below 1, got {self.val} + {self.test}.")
        if self.by in ("grouped", "time", "given") and not self.column:
            raise ValueError(f"by: {self.by} needs column: NAME, the column that says it.")
        return self


class Cleaning(Section):
    """What is done to values before they are scaled; statistics come from the train split alone."""

    numeric_missing: Literal["median", "mean", "mode", "zero", "drop"] = "median"
    categorical_missing: Literal["token", "mode", "drop"] = "token"
    indicator: bool = Field(default=False, description="Add a 0/1 column for each numeric column with missing values")
    outliers: Literal["none", "iqr", "zscore"] = "none"
    outlier_factor: Annotated[float, Field(gt=0)] = Field(
        default=3.0, description="In interquartile ranges or deviations"
    )
    duplicates: Literal["keep", "drop"] = "keep"
    missing_markers: tuple[str, ...] = ("", "?", "NA", "N/A", "NaN", "nan", "null", "None")
    strip_target: str = Field(default="", description="Characters taken off the end of class labels, such as '.'")


class Data(Section):
    """Where rows come from and what is made of them."""

    source: Named = Named(name="sklearn", options={"set": "digits"})
    test: Named | None = Field(default=None, description="A separate test source; then split.test is not used")
    target: str = "target"
    task: Literal["auto", "binary", "multiclass", "regression"] = "auto"
    kinds: dict[str, Literal["numeric", "categorical", "date", "ignore"]] = Field(default_factory=dict[str, Any])
    split: Split = Split()
    cleaning: Cleaning = Cleaning()
    categories: Literal["one_hot", "embedding"] = "one_hot"
    scaling: Literal["standard", "minmax", "robust", "none"] = "standard"
    target_scaling: Literal["standard", "none"] = Field(
        default="standard", description="Regression only; undone in answers"
    )


class EarlyStopping(Section):
    """Stop when a metric has not improved for some epochs; the best weights are restored."""

    metric: str = "val_loss"
    patience: Positive = 5
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class Train(Section):
    """How weights are found."""

    epochs: Positive = 20
    batch_size: Positive = 64
    optimizer: Named = Named(name="adamw", options={"lr": 1e-3, "weight_decay": 1e-4})
    schedule: Named = Named(name="constant")
    early_stopping: EarlyStopping | None = None
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    restore_best: bool = Field(
        default=True, description="End with the weights of the best epoch instead of the last one"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Positive = 1


class Intervals(Section):
    """Bootstrap intervals of the test metrics."""

    samples: Annotated[int, Field(ge=0)] = 1000
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95


class Evaluate(Section):
    """What is measured on the test split."""

    metrics: tuple[str, ...] = Field(default=(), description="Empty: all that fit the task")
    baselines: tuple[str, ...] = ("majority", "linear", "boosted_trees")
    intervals: Intervals = Intervals()


class Compress(Section):
    """What is tried to make the model smaller and faster."""

    methods: tuple[Named, ...] = (Named(name="quantize"),)
    max_drop: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict[str, Any],
        description="Most that a metric may get worse on val; empty: accuracy or r2 by 0.005",
    )


class Register(Section):
    """Under what name and on what conditions a model is put in the registry."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)] = "model"
    gate: tuple[str, ...] = Field(default=(), description="Conditions such as 'accuracy >= 0.95'")


class Tracking(Section):
    """Where runs are shown; nothing set means mlflow.db in this folder."""

    experiment: Annotated[str, Field(min_length=1)] = "nnops"
    uri: str | None = Field(
        default=None, description="An MLflow server; the variable MLFLOW_TRACKING_URI goes before it"
    )


class SweepObjective(Section):
    """The metric that a study optimises."""

    metric: str = "val_loss"
    direction: Literal["minimize", "maximize"] = "minimize"


class Budget(Section):
    """When a study is done: whichever comes first."""

    trials: Positive = 64
    time: Annotated[str, Field(pattern=r"^\d+(\.\d+)?(s|m|h|d)$")] | None = Field(
        default=None, description="Such as 90s, 2h"
    )

    @property
    def seconds(self) -> float | None:
        """The time budget in seconds."""
        if self.time is None:
            return None
        return float(self.time[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[self.time[-1]]


class Resources(Section):
    """What one trial occupies on a worker."""

    cpus: Annotated[float, Field(gt=0)] = 1
    gpus: Annotated[float, Field(ge=0)] = 0


class Sweep(Section):
    """One search: what is tried, how it is judged, when it ends."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)] | None = None
    objective: SweepObjective = SweepObjective()
    sampler: Named = Named(name="tpe")
    pruner: Named = Named(name="asha")
    budget: Budget = Budget()
    engine: Literal["auto", "ray", "inline"] = "auto"
    workers: Positive | None = Field(default=None, description="Trials at once; nothing set means one a core")
    resources: Resources = Resources()
    storage: str | None = Field(
        default=None, description="Optuna storage; nothing set means a journal file in .nnops/studies"
    )
    space: dict[str, dict[str, Any]] = Field(default_factory=dict[str, Any])


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
        """The params as plain JSON values, all of them or the named top-level sections."""
        whole = self.model_dump(mode="json", by_alias=True)
        return {key: whole[key] for key in sections} if sections else whole


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
    record = params.record()
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
    text = io.StringIO()
    _yaml().dump(document, text)
    write_bytes(path, text.getvalue().encode())
    return params


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
    yaml.width = 120
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
        raise ParamsError(f"{path}:{line} not valid YAML: {getattr(error, 'problem', None) or first[0]}.") from error
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
