"""A table ten times as large as the memory it may take: prepared, trained from disk and judged under a hard limit.

A process first prepares, trains and judges a few rows, so that all that any run loads is loaded; then the system gives
it no more memory than a tenth of the table's file on top (RLIMIT_DATA: what is its own, not what is mapped from files).
Told is by how much it grew at its highest (VmHWM), that the same table read at once ends under the same limit, and what
both ways take for a tenth of the rows.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

ROWS, COLUMNS, WORDS = 260_000, 290, 10
#: The file is so many times as large as the memory.
TIMES = 10


def write_table(path: Path, rows: int) -> None:
    """Numbers of nine digits, words and a class that depends on them, some thousand rows at a time."""
    import numpy as np

    random = np.random.default_rng(0)
    slope = random.normal(size=COLUMNS) / COLUMNS**0.5
    with path.open("w", encoding="utf-8") as stream:
        names = [f"x{place}" for place in range(COLUMNS)] + [f"w{place}" for place in range(WORDS)]
        stream.write(",".join([*names, "y"]) + "\n")
        for start in range(0, rows, 5000):
            count = min(5000, rows - start)
            number = random.normal(size=(count, COLUMNS)).round(7)
            word = random.integers(0, 40, (count, WORDS))
            answer = np.where(number @ slope + word[:, 0] / 20 - 1 + random.normal(size=count) > 0, "yes", "no")
            for x, w, y in zip(number, word, answer, strict=True):
                cells = [f"{value:.7f}" for value in x] + [f"word{value}" for value in w]
                stream.write(",".join([*cells, str(y)]) + "\n")


def run(folder: Path, name: str, way: str, limit: int) -> dict[str, Any]:
    """Prepare, train and judge a table in this process; ``limit`` bytes beside what it has already, 0 for none."""
    from nnops.data.prepare import prepare
    from nnops.evaluation.evaluate import evaluate
    from nnops.params import parse
    from nnops.training.artifact import read_model, write_model
    from nnops.training.train import train

    def settings(file: str, by_column: str) -> Any:
        return parse(
            {
                "data": {
                    "source": {"name": file.rpartition(".")[2], "options": {"path": file}},
                    "target": "y",
                    "categories": "embedding",
                    "by_column": by_column,
                },
                "model": {"name": "mlp", "options": {"hidden": [128, 64]}},
                "train": {"epochs": 2, "batch_size": 256, "stream": True},
                # Slices hold a number for each row of test and group of rows, baselines a sample of train.
                "evaluate": {"baselines": [], "slices": 0},
            }
        )

    small = f"small.{name.rpartition('.')[2]}"
    for by_column in ("always", "never"):
        params = settings(small, by_column)
        data = prepare(params, folder / f"small {way}", folder)
        write_model(folder / f"model {way}", train(params, data), params, data)
        evaluate(read_model(folder / f"model {way}"), data, params)
    before = {key: _status(key) for key in ("VmHWM", "VmRSS", "VmData")}
    # The highest mark of resident memory begins anew here (proc(5), clear_refs).
    Path("/proc/self/clear_refs").write_text("5")
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (before["VmData"] + limit, resource.RLIM_INFINITY))
    params, start_s = settings(name, way), perf_counter()
    data = prepare(params, folder / f"made {way}", folder)
    prepared_s, prepared = perf_counter() - start_s, _status("VmHWM") - before["VmRSS"]
    Path("/proc/self/clear_refs").write_text("5")
    trained = train(params, data)
    trained_s, grown = perf_counter() - start_s - prepared_s, _status("VmHWM") - before["VmRSS"]
    write_model(folder / f"model {way}", trained, params, data)
    model, held = read_model(folder / f"model {way}"), _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    evaluate(model, data, params)
    return {
        "prepare_s": prepared_s,
        "prepare_grown": prepared,
        "train_s": trained_s,
        "train_grown": grown,
        "evaluate_grown": _status("VmHWM") - held,
        "hash": data.hash,
        "loss": trained.history[-1]["val_loss"],
    }


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * 1024


def main() -> None:
    """Write the tables, run each way in a process of its own, print."""
    if len(sys.argv) > 1:
        folder, name, way, limit = sys.argv[1:]
        print(json.dumps(run(Path(folder), name, way, int(limit))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, rows in (("rows", ROWS), ("tenth", ROWS // TIMES), ("small", 2000)):
            write_table(folder / f"{name}.csv", rows)
        size = (folder / "rows.csv").stat().st_size
        limit = size // TIMES
        print(f"{size / 1e6:.0f} MB, {ROWS} rows, {COLUMNS + WORDS} columns; allowed: {limit / 1e6:.0f} MB on top")
        for name, way, most in (
            ("rows", "always", limit),
            ("rows", "never", limit),
            ("tenth", "always", 0),
            ("tenth", "never", 0),
        ):
            words = [str(folder), f"{name}.csv", way, str(most)]
            command = [sys.executable, "-m", "benchmarks.larger_than_memory", *words]
            # What allocates address space ahead would meet the limit before it is used.
            own = os.environ | {"OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
            done = subprocess.run(command, check=False, capture_output=True, text=True, env=own)
            told = f"{name}, data.by_column {way}, {'under the limit' if most else 'no limit'}"
            if done.returncode:
                print(f"{told}: ended with {done.returncode}: {done.stderr.strip().splitlines()[-1]}", flush=True)
                continue
            one = json.loads(done.stdout.splitlines()[-1])
            print(
                f"{told}: prepare grew by {one['prepare_grown'] / 1e6:.0f} MB in {one['prepare_s']:.0f} s, train by"
                f" {one['train_grown'] / 1e6:.0f} MB in {one['train_s']:.0f} s, evaluate by"
                f" {one['evaluate_grown'] / 1e6:.0f} MB more, val loss {one['loss']:.4f}, data {one['hash'][:12]}",
                flush=True,
            )


if __name__ == "__main__":
    main()
