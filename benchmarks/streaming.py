"""Training from disk beside training of the same set in memory.

Prints by how much each process grows while it trains (the highest resident memory), and the speed from disk as a share
of that in memory: by the clock and by the processor's time, in rounds that take turns.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnops.data.prepared import Prepared

os.environ["OMP_NUM_THREADS"] = "1"

#: The inputs of train, float32.
ROWS, FEATURES = 1_000_000, 256
ROUNDS = 5


def write_set(folder: Path) -> None:
    """Prepared data as the stage would leave them, a hundredth of it at a time."""
    import numpy as np

    from nnops.batch import Spec
    from nnops.files import write_json

    random = np.random.default_rng(0)
    slope = random.normal(size=FEATURES).astype(np.float32)
    rows = {"train": ROWS, "val": ROWS // 50, "test": ROWS // 50}
    for split, count in rows.items():
        (folder / split).mkdir(parents=True)
        shape = (count, FEATURES)
        inputs = np.lib.format.open_memmap(folder / split / "numeric.npy", "w+", np.float32, shape)
        target = np.empty(count, np.float32)
        for part in np.array_split(np.arange(count), 100):
            values = random.random((len(part), FEATURES), np.float32) - 0.5
            inputs[part[0] : part[-1] + 1] = values
            target[part] = values @ slope
        inputs.flush()
        np.save(folder / split / "target.npy", target)
    spec = Spec("regression", ("numeric",), ((FEATURES,),), (), 1)
    schema = {"kind": "table", "spec": spec.to_json(), "rows": rows, "hash": "made", "classes": []}
    write_json(folder / "schema.json", schema | {"target_mean": 0.0, "target_std": 1.0})


def train_once(folder: Path, stream: bool) -> dict[str, float]:
    """Two epochs in this process: seconds of the second by both clocks, and by how much the process grew."""
    from nnops.data.prepared import Prepared
    from nnops.params import parse
    from nnops.report import Report
    from nnops.training.train import train

    params = parse(
        {
            "model": {"name": "mlp", "options": {"hidden": [128, 64]}},
            "train": {"epochs": 2, "batch_size": 256, "stream": stream},
        }
    )
    data = Prepared.open(folder)
    small = parse(params.record() | {"train": {"epochs": 1, "batch_size": 256, "stream": True}})
    # What every training loads, whatever its data: kernels, optimizers, metrics.
    train(small, _first_rows(data, folder.parent / "small"))
    # The highest mark of resident memory begins anew here (proc(5), clear_refs).
    Path("/proc/self/clear_refs").write_text("5")
    before = resident_bytes()
    seconds: list[float] = []
    busy: list[float] = [process_time()]

    def report(moment: Report) -> bool:
        seconds.append(moment.seconds)
        busy.append(process_time())
        return True

    trained = train(params, data, report=report)
    grown = resident_bytes() - before
    loss = trained.history[-1]["val_loss"]
    return {"seconds": seconds[-1], "busy": busy[-1] - busy[-2], "grown": grown, "val_loss": loss}


def resident_bytes() -> int:
    """The most that this process has had in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


def _first_rows(data: "Prepared", folder: Path) -> "Prepared":
    import numpy as np

    from nnops.data.prepared import Prepared
    from nnops.files import write_json

    for split in ("train", "val"):
        (folder / split).mkdir(parents=True, exist_ok=True)
        for name in ("numeric", "target"):
            np.save(folder / split / f"{name}.npy", np.array(data.arrays(split)[name][:2000]))
    write_json(folder / "schema.json", data.schema | {"rows": {"train": 2000, "val": 2000, "test": 0}})
    return Prepared.open(folder)


def main() -> None:
    """Write the set, train in processes of their own, print."""
    if len(sys.argv) > 1:
        folder, place = sys.argv[1:]
        print(json.dumps(train_once(Path(folder), place == "disk")))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "set"
        write_set(folder)

        def child(*words: str) -> dict[str, float]:
            command = [sys.executable, "-m", "benchmarks.streaming", str(folder), *words]
            return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

        both: list[dict[str, dict[str, float]]] = []
        for number in range(ROUNDS):
            places = ("disk", "memory") if number % 2 else ("memory", "disk")
            both.append({place: child(place) for place in places})
        print(f"train: {ROWS * FEATURES * 4 / 1e6:.0f} MB")
        for place in ("disk", "memory"):
            grown = max(one[place]["grown"] for one in both)
            print(f"from {place}: grew by {grown / 1e6:.0f} MB, val loss {both[0][place]['val_loss']:.4f}")
        for clock, of in (("seconds", "the clock"), ("busy", "the processor's time")):
            shares = [one["memory"][clock] / one["disk"][clock] for one in both]
            every = " ".join(f"{share:.2f}" for share in shares)
            disk, memory = (min(one[place][clock] for one in both) for place in ("disk", "memory"))
            print(
                f"by {of}: speed {median(shares):.2f} of in memory (each round {every}); shortest epochs {disk:.2f} s"
                f" and {memory:.2f} s"
            )


if __name__ == "__main__":
    main()
