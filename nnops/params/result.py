"""The sections ``evaluate``, ``compress`` and ``register``: what is measured, made smaller and let through."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from nnops.params.section import Named, Positive, Section, not_default


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
        if self.by is None and (given := not_default(self, "cost", "goal")):
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
