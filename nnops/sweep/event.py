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
        metric: The objective's.
        direction: The objective's.
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
    """

    kind: ClassVar[str] = "opened"
    name: str
    engine: str
    workers: int
    metric: str
    direction: str
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A trial starts, or starts again after its driver died."""

    kind: ClassVar[str] = "asked"
    number: int
    config: Mapping[str, Any]
    again: bool


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
    """A trial has its final state; ``best`` where it is the best one so far."""

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


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person should know; ``number`` where it is of one trial."""

    kind: ClassVar[str] = "note"
    text: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The driver leaves: the study is ``complete``, or ``stopped`` and can be resumed."""

    kind: ClassVar[str] = "closed"
    name: str
    state: str
    why: str
    trials: Mapping[str, int] = field(default_factory=dict)
    best: int | None = None
    value: float | None = None
    seconds: float = 0.0


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
