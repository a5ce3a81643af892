"""The sections ``sweep`` and ``tracking``: a search, its space, budget and workers, and where runs are written."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from nnops.address import check_no_password
from nnops.params.plain import is_list
from nnops.params.section import Duration, Named, Positive, Section, in_seconds


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
        if not is_list(value):
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
