"""What one trial costs beside its training, and whether that grows with the study; so the memory of the driver.

    python -m benchmarks trial_cost [--trials 1000] [--window 500] [--engines inline ray] [--samplers random bohb]

Trials that do next to nothing (one epoch, one batch, the smallest network) are run by ``nnops sweep start`` as a person
would: its live table drawn on a terminal, tracking on, the study in its journal. Times are those of the record itself,
so nothing is measured inside. A trial's cost is the wall time from the end of one to the end of the next, two workers
included; its own training, which is in it, is shown beside. Memory is what the driver's process holds (RSS).
"""

import argparse
import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from nnops.sweep.study import Study, TrialRecord

SPACE = {
    "train.optimizer.options.lr": {"float": [1e-5, 1e-1], "log": True},
    "model.options.dropout": {"float": [0.0, 0.5]},
}


@dataclass(frozen=True)
class Run:
    """One sweep.

    Attributes:
        seconds: Of the whole command, its start and its figures included.
        trials: By the time at which they ended.
        sizes: Moments, the bytes that the driver then had, and the seconds of a processor that it had spent.
    """

    seconds: float
    trials: list[TrialRecord]
    sizes: list[tuple[float, int, float]]

    def cost_ms(self, first: int, last: int) -> float:
        """Milliseconds from the end of one trial to the end of the next, between these two."""
        ends = [trial.ended or 0.0 for trial in self.trials]
        return (ends[last] - ends[first]) / (last - first) * 1000

    def training_ms(self) -> float:
        """Milliseconds that a trial trains."""
        return sum(trial.seconds or 0.0 for trial in self.trials) / len(self.trials) * 1000

    def cpu_ms(self, first: int, last: int) -> float:
        """Milliseconds of a processor that the driver's process, no worker's, spends on a trial."""
        return (self._at(last)[2] - self._at(first)[2]) / (last - first) * 1000

    def size_mib(self, number: int) -> float:
        """MiB of the driver when so many trials had ended."""
        return self._at(number)[1] / 2**20

    def _at(self, number: int) -> tuple[float, int, float]:
        place = bisect(self.sizes, self.trials[number].ended or 0.0, key=lambda each: each[0])
        return self.sizes[min(place, len(self.sizes) - 1)]


def main() -> None:
    """Run each engine with each sampler, and print a row of a table for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--window", type=int, default=500, help="trials at both ends that are compared")
    parser.add_argument("--engines", nargs="+", default=["inline", "ray"], choices=["inline", "ray"])
    parser.add_argument("--samplers", nargs="+", default=["random"])
    parser.add_argument("--pruner", default="none")
    parser.add_argument("--epochs", type=int, default=1)
    chosen = parser.parse_args()
    window = min(chosen.window, chosen.trials // 2)
    print(f"first and last: {window} of {chosen.trials} trials; load of the machine before and after")
    print(
        "| engine | sampler | ms a trial | training | first | last | driver's CPU, first | last | MiB | KiB a trial ",
        end="",
    )
    print("| whole, s | load |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|", flush=True)
    for engine in chosen.engines:
        for sampler in chosen.samplers:
            before = os.getloadavg()[0]
            run = sweep(engine, sampler, chosen.pruner, chosen.trials, chosen.epochs)
            last = chosen.trials - 1
            training = run.training_ms() / (2 if engine == "ray" else 1)
            begin, end = run.size_mib(window), run.size_mib(last)
            cells = [f"{run.cost_ms(0, last):.1f}", f"{training:.1f}", f"{run.cost_ms(0, window):.1f}"]
            cells += [f"{run.cost_ms(last - window, last):.1f}", f"{run.cpu_ms(0, window):.1f}"]
            cells += [f"{run.cpu_ms(last - window, last):.1f}", f"{begin:.0f} to {end:.0f}"]
            cells += [f"{(end - begin) * 1024 / (last - window):.1f}", f"{run.seconds:.0f}"]
            cells += [f"{before:.1f} to {os.getloadavg()[0]:.1f}"]
            print(f"| {engine} | {sampler} | {' | '.join(cells)} |", flush=True)


def sweep(engine: str, sampler: str, pruner: str, trials: int, epochs: int) -> Run:
    """One sweep in a project of its own."""
    with tempfile.TemporaryDirectory(prefix="nnops-cost-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        (root / "params.yaml").write_text(json.dumps(record(sampler, pruner, trials, epochs)))
        command = [sys.executable, "-m", "nnops", "sweep", "start", "bench", "--engine", engine]
        command += ["--workers", "2"] if engine == "ray" else []
        seconds, sizes = on_a_terminal(command, root)
        ended = Study.open(root, "bench").trials()
    if len(ended) != trials or any(trial.state not in ("complete", "pruned") for trial in ended):
        raise SystemExit(f"{len(ended)} of {trials} trials, the last one {ended[-1]}")
    return Run(seconds, sorted(ended, key=lambda trial: trial.ended or 0.0), sizes)


def record(sampler: str, pruner: str, trials: int, epochs: int) -> dict[str, Any]:
    """What params.yaml holds."""
    return {
        "seed": 1,
        "data": {"source": {"name": "sklearn", "options": {"set": "iris"}}},
        "model": {"name": "mlp", "options": {"hidden": [2]}},
        "train": {"epochs": epochs, "batch_size": 128},
        "sweep": {
            "objective": {"metric": "val_loss", "direction": "minimize"},
            "sampler": {"name": sampler},
            "pruner": {"name": pruner},
            "budget": {"trials": trials},
            "space": SPACE,
        },
    }


def on_a_terminal(command: list[str], folder: Path) -> tuple[float, list[tuple[float, int, float]]]:
    """Run a command on a terminal of its own; how long it took, and its memory over time."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40", "NNOPS_TRACKING": "on"}
    seen = bytearray()
    start_s = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    reader = threading.Thread(target=read, args=(ours, seen), daemon=True)
    reader.start()
    driver = psutil.Process(process.pid)
    sizes: list[tuple[float, int, float]] = []
    while process.poll() is None:
        try:
            spent = driver.cpu_times()
            sizes.append((time.time(), driver.memory_info().rss, spent.user + spent.system))
        except psutil.Error:
            break
        time.sleep(0.2)
    if process.wait() != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{seen[-4000:].decode(errors='replace')}")
    return time.monotonic() - start_s, sizes


def read(terminal: int, seen: bytearray) -> None:
    """Take what appears on a terminal, until nobody can write there any more; the last of it is kept."""
    while True:
        try:
            found = os.read(terminal, 65536)
        except OSError:
            break
        seen += found
        del seen[:-20000]
    os.close(terminal)


if __name__ == "__main__":
    main()
