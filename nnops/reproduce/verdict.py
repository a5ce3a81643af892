"""The verdict: whether a result that was made again is the one on record, and where it first is not."""

import math
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from nnops.errors import InputError
from nnops.reproduce.make import Made
from nnops.reproduce.recorded import Recorded

#: How far a number may be from the one on record, of its size where that is above 1.
TOLERANCE = 0.01

Word = Literal["bits", "metrics", "differs"]


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was.

    Attributes:
        what: Such as ``torch``, ``processor``, ``threads``, ``data``, ``code``.
        then: On record.
        now: Here.
    """

    what: str
    then: str
    now: str


@dataclass(frozen=True)
class Verdict:
    """What the comparison found.

    Attributes:
        word: ``bits`` (all is the same), ``metrics`` (every number is within the tolerance) or ``differs``.
        first: Where the first difference is, such as ``epoch 3, train_loss``; None of ``bits``.
        same: What is the same to the bit, in words.
        farthest: The number that is farthest off, its value on record and now; None of ``bits``.
        tolerance: See :data:`TOLERANCE`.
        differences: What else is not as it was, and may be why.
        notes: What was taken from elsewhere than the record says.
    """

    word: Word
    first: str | None
    same: tuple[str, ...]
    farthest: tuple[str, float, float] | None
    tolerance: float
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """One sentence without the full stop."""
        if self.word == "bits":
            return f"same to the bit: {', '.join(self.same)}"
        why = ", ".join(f"{one.what} was {one.then}, is {one.now}" for one in self.differences) or "nothing known"
        far = ""
        if self.farthest is not None:
            name, then, now = self.farthest
            far = f" (farthest: {name} {then:.6g}, now {now:.6g})"
        if self.word == "metrics":
            return f"same metrics within {self.tolerance:g}{far}, first other bits at {self.first}; different: {why}"
        return f"differs, first at {self.first}{far}; different: {why}"

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self) | {"sentence": self.sentence}


def compare(
    recorded: Recorded,
    made: Made,
    now: Mapping[str, Any],
    tolerance: float = TOLERANCE,
    notes: tuple[str, ...] = (),
) -> Verdict:
    """Hold what was made against what is on record, in the order in which it came to be.

    Args:
        recorded: On record.
        made: The second time.
        now: What :func:`nnops.tracking.record.collect` finds here.
        tolerance: How far numbers may be off.
        notes: Kept with the verdict.

    Raises:
        InputError: Nothing that is on record can be compared.
    """
    first: str | None = None
    same: list[str] = []
    if recorded.data_hash and made.data_hash != recorded.data_hash:
        first = "the prepared data"
    elif recorded.data_hash:
        same.append("data")
    off = list(_off(recorded, made))
    if off:
        first = first or off[0][0]
    elif epochs := _compared(recorded, made):
        same.append(f"{epochs} epoch{'s' if epochs > 1 else ''}")
    if recorded.weights_sha256 is not None:
        if made.weights_sha256 == recorded.weights_sha256:
            same.append(f"weights {made.weights_sha256[:12]}")
        else:
            first = first or "the weights"
    numbers = [(name, value, made.metrics.get(name, math.nan)) for name, value in sorted(recorded.metrics.items())]
    apart = [entry for entry in numbers if not _equal(entry[1], entry[2])]
    if apart:
        first = first or apart[0][0]
    elif numbers:
        same.append(f"{len(numbers)} metrics")
    if first is None and not set(same) - {"data"}:
        raise InputError(
            f"{recorded.name}: nothing on record can be compared: it has no weights, the pipeline does not measure"
            f" {' or '.join(recorded.losses)}, and its tracked run is gone; name a trial that was complete."
        )
    if first is None:
        return Verdict("bits", None, tuple(same), None, tolerance, tuple(differences(recorded, made, now)), notes)
    last = [(name, then, here) for name, then, here in _last(recorded, made)] + numbers
    farthest = max(last, key=lambda entry: _distance(entry[1], entry[2]), default=None)
    within = bool(last) and all(_distance(then, here) <= tolerance for _, then, here in last)
    word: Word = "metrics" if within else "differs"
    return Verdict(word, first, tuple(same), farthest, tolerance, tuple(differences(recorded, made, now)), notes)


def differences(recorded: Recorded, made: Made, now: Mapping[str, Any]) -> Iterator[Difference]:
    """What is not as it was when the result was recorded, of all that bits may depend on."""
    then = recorded.environment
    if recorded.data_hash and made.data_hash != recorded.data_hash:
        yield Difference("data", recorded.data_hash[:12], made.data_hash[:12])
    for part, value in sorted((then.get("code") or {}).items()):
        here = (now.get("code") or {}).get(part)
        if here != value:
            yield Difference(f"code of nnops ({part})", value[:12], str(here)[:12])
    if then.get("python", platform.python_version()) != now["python"]:
        yield Difference("python", then["python"], now["python"])
    packages = now["packages"]
    for name, version in sorted((then.get("packages") or {}).items()):
        if packages.get(name) != version:
            yield Difference(name, version, packages.get(name, "not installed"))
    hardware = then.get("hardware") or {}
    if hardware.get("cpu", now["hardware"]["cpu"]) != now["hardware"]["cpu"]:
        yield Difference("processor", hardware["cpu"], now["hardware"]["cpu"])
    gpus = hardware.get("gpus", now["hardware"]["gpus"])
    if gpus != now["hardware"]["gpus"]:
        yield Difference("GPUs", ", ".join(gpus) or "none", ", ".join(now["hardware"]["gpus"]) or "none")


def _off(recorded: Recorded, made: Made) -> Iterator[tuple[str, float, float]]:
    """Values of epochs that are not the same, in the order of their epochs."""
    for epoch in range(1, recorded.epochs + 1):
        for name, row in recorded.losses.items():
            if epoch not in row or name not in made.losses:
                # A sweep measures its objective also where the pipeline does not.
                continue
            here = made.losses[name].get(epoch, math.nan)
            if not _equal(row[epoch], here):
                yield f"epoch {epoch}, {name}", row[epoch], here


def _compared(recorded: Recorded, made: Made) -> int:
    """How many epochs have a measure that both know."""
    return max((max(row, default=0) for name, row in recorded.losses.items() if name in made.losses), default=0)


def _last(recorded: Recorded, made: Made) -> Iterator[tuple[str, float, float]]:
    """Of each measure the last value on record, which is what numbers are held against where nothing was evaluated."""
    for name, row in recorded.losses.items():
        if row and name.startswith("val_") and name in made.losses:
            epoch = max(row)
            yield f"{name} of epoch {epoch}", row[epoch], made.losses[name].get(epoch, math.nan)


def _equal(then: float, now: float) -> bool:
    return then == now or (math.isnan(then) and math.isnan(now))


def _distance(then: float, now: float) -> float:
    if _equal(then, now):
        return 0.0
    distance = abs(then - now) / max(1.0, abs(then))
    return math.inf if math.isnan(distance) else distance
