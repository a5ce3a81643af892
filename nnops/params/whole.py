"""The whole of params.yaml as one frozen object, and as plain values."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from nnops.catalog import explain
from nnops.errors import ParamsError
from nnops.params.data import Data
from nnops.params.plain import is_dict
from nnops.params.result import Compress, Evaluate, Register
from nnops.params.section import Named, Section
from nnops.params.sweep import Sweep, Tracking
from nnops.params.train import Train

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


def parse(record: Mapping[str, Any]) -> Params:
    """Judge a mapping as the contents of params.yaml.

    Raises:
        ParamsError: The first fault, with its dotted key and what to write instead.
    """
    try:
        return Params.model_validate(dict(record))
    except ValidationError as error:
        raise ParamsError(explain(error, "", Params)) from error


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
        if is_dict(value) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
