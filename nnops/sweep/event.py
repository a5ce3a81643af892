"""What happens in a sweep, told to whoever listens: the live table, plain lines, JSON, the tracked runs."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

TrialState = str
"""``running``, ``complete``, ``pruned``, ``failed`` or ``infeasible``."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A study begins or goes on.

    Attributes:
        name: The study.
        engine: Where trials run.
        workers: Trials at once.
        metric: The first objective's.
        direction: The objective's.
        others: Metrics of further objectives.
        sampler: By name.
        pruner: By name.
        keys: What is tuned.
        epochs: The full fidelity.
        trials: Trials asked before.
        counts: Their number by state.
        best: The best of them.
        budget: Trials in all.
        budget_s: Seconds in all.
        spent_s: Seconds that were spent before.
        resumed: Whether the study goes on.
        limits: The whole budget, by what it limits; None is no limit.
        spent: Epochs and GPU hours that were spent before.
        reached: How many trials ended before, by their epochs.
    """

    kind: ClassVar[str] = "opened"
    name: str
    engine: str
    workers: int
    metric: str
    direction: str
    others: tuple[str, ...]
    sampler: str
    pruner: str
    keys: tuple[str, ...]
    epochs: int
    trials: int
    counts: Mapping[str, int]
    best: "Ended | None"
    budget: int | None
    budget_s: float | None
    spent_s: float
    resumed: bool
    limits: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    spent: Mapping[str, float] = field(default_factory=dict[str, float])
    reached: Mapping[int, int] = field(default_factory=dict[int, int])


@dataclass(frozen=True, slots=True)
class Asked:
    """A trial starts, or starts again after its driver died.

    Attributes:
        number: The trial.
        config: What it tries.
        again: Whether it was begun before.
        repeat: The trial that it repeats, or None.
        parent: The trial whose training it goes on with, or None.
    """

    kind: ClassVar[str] = "asked"
    number: int
    config: Mapping[str, Any]
    again: bool
    repeat: int | None = None
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """A trial finished an epoch; ``replayed`` where the study had this report from before."""

    kind: ClassVar[str] = "reported"
    number: int
    epoch: int
    value: float
    metrics: Mapping[str, float]
    seconds: float
    replayed: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial has its final state.

    Attributes:
        best: Whether it is the best one so far; of several objectives, whether it is of the front.
        measures: Of further objectives and constraints.
        front: Trials of the front; 1 where there is one objective.
        repeat: The trial that it repeats under another seed, or None.
    """

    kind: ClassVar[str] = "ended"
    number: int
    state: TrialState
    value: float | None
    epochs: int
    seconds: float
    config: Mapping[str, Any]
    reason: str | None = None
    weights_sha256: str | None = None
    fingerprint: str | None = None
    best: bool = False
    measures: Mapping[str, float] = field(default_factory=dict[str, float])
    front: int = 0
    repeat: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person should know; ``number`` where it is of one trial."""

    kind: ClassVar[str] = "note"
    text: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The driver leaves: the study is ``complete``, or ``stopped`` and can be resumed; ``reason`` says why in words."""

    kind: ClassVar[str] = "closed"
    name: str
    state: str
    why: str
    trials: Mapping[str, int] = field(default_factory=dict)
    best: int | None = None
    value: float | None = None
    seconds: float = 0.0
    reason: str = ""


Event = Opened | Asked | Reported | Ended | Note | Closed
Listener = Callable[[Event], None]


def record(event: Event) -> dict[str, Any]:
    """An event as plain JSON values; a number that is not finite becomes null."""
    return {"event": event.kind} | {key: _plain(value) for key, value in asdict(event).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value - value != 0:
        return None
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value
