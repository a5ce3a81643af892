"""What a variant costs: size and latency on one thread of this machine, measured once and kept.

Latencies never repeat to the bit, stage outputs must. So a cost is measured once for each model file on each machine
and kept in ``.nnops/cost``; whoever asks again gets the same numbers (infra/adr/0005-measured-cost.md).
"""

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nnops.files import read_json, write_json
from nnops.fingerprint import hash_json

if TYPE_CHECKING:
    import numpy as np

    Call = Callable[[tuple[np.ndarray, ...]], Any]

BATCH = 256
#: Seconds that one variant is timed for, with one row and with a batch; a slow call is made at least ROUNDS times.
SECONDS = 0.5
ROUNDS = 5
#: Raised when the way of measuring changes, so that no number measured in another way is reused.
METHOD = 1


@dataclass(frozen=True, slots=True)
class Cost:
    """What a variant costs on one thread.

    Attributes:
        size_bytes: Size of the model file.
        latency_p50_ms: Median time of a call with one row.
        latency_p95_ms: 95th percentile of the same.
        batch_latency_p50_ms: Median time of a call with ``BATCH`` rows.
        batch_latency_p95_ms: 95th percentile of the same.
        throughput_rows_per_s: Rows a second in batches of ``BATCH``.
    """

    size_bytes: int
    latency_p50_ms: float
    latency_p95_ms: float
    batch_latency_p50_ms: float
    batch_latency_p95_ms: float
    throughput_rows_per_s: float


@dataclass(frozen=True)
class Subject:
    """A variant to be measured.

    Attributes:
        identity: What decides its cost beside the machine: hash of the file, runtime with its version.
        size_bytes: Size of the model file.
        call: Runs the variant on arrays, one for each input.
    """

    identity: Mapping[str, str]
    size_bytes: int
    call: "Call"


def measure_costs(subjects: Mapping[str, Subject], inputs: "tuple[np.ndarray, ...]", folder: Path) -> dict[str, Cost]:
    """The cost of each subject: read where it is kept, else measured and kept.

    Args:
        subjects: Variants by name.
        inputs: Rows to run on, one array for each input; they are repeated where there are fewer than a batch.
        folder: Where costs are kept.
    """
    paths = {name: folder / f"{hash_json(_whole(subject))}.json" for name, subject in subjects.items()}
    missing = {name: subject for name, subject in subjects.items() if not paths[name].exists()}
    if missing:
        one, batch = take_rows(inputs, 1), take_rows(inputs, BATCH)
        calls = {name: subject.call for name, subject in missing.items()}
        one_ms, batch_ms = _time(calls, one), _time(calls, batch)
        for name, subject in missing.items():
            cost = _cost(subject.size_bytes, one_ms[name], batch_ms[name])
            write_json(paths[name], {"measured": _whole(subject), "cost": asdict(cost)})
    return {name: Cost(**read_json(path)["cost"]) for name, path in paths.items()}


def take_rows(inputs: "tuple[np.ndarray, ...]", count: int) -> "tuple[np.ndarray, ...]":
    """The first ``count`` rows, from the start again where they end."""
    import numpy as np

    # By place, since windows of a series are views that share their steps: as a whole they would not fit into memory.
    return tuple(np.take(array, np.arange(count) % len(array), axis=0) for array in inputs)


def describe_machine() -> dict[str, str]:
    """What decides the speed of one thread here, as far as the system says it."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _whole(subject: Subject) -> dict[str, Any]:
    return {"method": METHOD, "machine": describe_machine(), "subject": dict(subject.identity)}


def _time(calls: "Mapping[str, Call]", inputs: "tuple[np.ndarray, ...]") -> dict[str, list[float]]:
    """Milliseconds of many calls each; the calls take turns, so that a busy moment of the machine meets all of them."""
    for call in calls.values():
        _spend(call, inputs, SECONDS / ROUNDS / 2)
    times_ms: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            times_ms[name] += _spend(call, inputs, SECONDS / ROUNDS)
    return times_ms


def _spend(call: "Call", inputs: "tuple[np.ndarray, ...]", seconds: float) -> list[float]:
    """Call for about ``seconds``, at least once; milliseconds of each call."""
    times_ms: list[float] = []
    end_s = perf_counter() + seconds
    while not times_ms or perf_counter() < end_s:
        start_s = perf_counter()
        call(inputs)
        times_ms.append(1000 * (perf_counter() - start_s))
    return times_ms


def _cost(size_bytes: int, one_ms: list[float], batch_ms: list[float]) -> Cost:
    import numpy as np

    one_p50, one_p95 = np.percentile(one_ms, [50, 95])
    batch_p50, batch_p95 = np.percentile(batch_ms, [50, 95])
    return Cost(
        size_bytes=size_bytes,
        latency_p50_ms=_digits(one_p50),
        latency_p95_ms=_digits(one_p95),
        batch_latency_p50_ms=_digits(batch_p50),
        batch_latency_p95_ms=_digits(batch_p95),
        throughput_rows_per_s=_digits(1000 * BATCH / batch_p50),
    )


def _digits(value: float) -> float:
    """Four digits: more would be noise."""
    return float(f"{value:.4g}")
