"""The section ``train``: epochs, batches, optimizer, schedule, and what a training may change on its way."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from nnops.errors import ParamsError
from nnops.params.section import Named, Positive, Section, not_default

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


def _batch_size(value: Any) -> Any:
    if value in ("all", "auto") or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError(f"must be a whole number of at least 1, all or auto, got {value!r}.")


#: Rows in a batch; ``all`` is every row of train, ``auto`` is settled by the stage train.
BatchSize = Annotated[int | Literal["all", "auto"], BeforeValidator(_batch_size)]


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
        if self.method == "reweighing" and (given := not_default(self, "goal", "weight")):
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


def may_change(key: str) -> bool:
    """Whether a training can change this dotted key on its way.

    >>> may_change("train.optimizer.options.lr"), may_change("model.options.hidden")
    (True, False)
    """
    return any(key == one or (one.endswith(".") and key.startswith(one)) for one in CHANGING)
