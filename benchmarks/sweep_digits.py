"""A sweep beside what its users would write: 64 trials of up to 20 epochs on scikit-learn's digits.

    python benchmarks/sweep_digits.py PEERS [--rounds 3] [--trials 64] [--epochs 20] [--workers 2]

PEERS is a folder with ``stock_sweep.py`` (Ray Tune's function API, OptunaSearch, ASHA and the MLflow callback) and
``optuna_sweep.py`` (Optuna alone in one process). Runs are interleaved, each a process of its own, and timed from
outside: imports, start, data, search, tracking and figures are all in. Data are prepared anew in every run of nnops.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SPACE = {
    "train.optimizer.options.lr": {"float": [1e-5, 1e-1], "log": True},
    "train.optimizer.options.weight_decay": {"float": [1e-6, 1e-1], "log": True},
    "model.options.dropout": {"float": [0.0, 0.5]},
}


def main() -> None:
    """Run the rounds and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", type=Path, help="the folder of stock_sweep.py and optuna_sweep.py")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=("ray", "inline"))
    chosen = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {}
    for number in range(chosen.rounds):
        for engine in ("ray", "inline"):
            if chosen.only not in (None, engine):
                continue
            ours = run_nnops(engine, chosen.trials, chosen.epochs, chosen.workers, seed=number)
            runs.setdefault(engine, []).append(ours)
            print(f"round {number + 1}: nnops {engine} {ours['seconds']:.1f} s", file=sys.stderr, flush=True)
            name, words = ("stock", [chosen.workers]) if engine == "ray" else ("optuna", [])
            peer = run_peer(chosen.peers / f"{name}_sweep.py", chosen.trials, chosen.epochs, *words)
            runs.setdefault(name, []).append(peer)
            print(f"round {number + 1}: {name} {peer['seconds']:.1f} s", file=sys.stderr, flush=True)
    print(json.dumps(summarize(runs), indent=2))


def run_nnops(engine: str, trials: int, epochs: int, workers: int, seed: int) -> dict[str, Any]:
    """One sweep from the command line in a fresh project, tracking on."""
    with tempfile.TemporaryDirectory(prefix="nnops-bench-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        (root / "params.yaml").write_text(
            json.dumps(
                {
                    "seed": seed,
                    # As many rows to train on as the peers have.
                    "data": {"split": {"val": 0.1, "test": 0.1}},
                    "model": {"name": "mlp", "options": {"hidden": [128, 64]}},
                    "train": {"epochs": epochs, "batch_size": 64},
                    "sweep": {
                        "objective": {"metric": "val_accuracy", "direction": "maximize"},
                        "budget": {"trials": trials},
                        "space": SPACE,
                    },
                }
            )
        )
        command = [sys.executable, "-m", "nnops", "sweep", "start", "bench", "--engine", engine, "--json"]
        if engine == "ray":
            command += ["--workers", str(workers)]
        seconds, output = timed(command, root)
        record = json.loads(output)
        return {
            "seconds": seconds,
            "best": record["best"]["value"],
            "epochs": sum(trial["epochs"] for trial in record["trials"]),
        }


def run_peer(script: Path, *words: int) -> dict[str, Any]:
    """One sweep of a peer; its own clock says less, since it starts after the interpreter."""
    seconds, output = timed([sys.executable, str(script), *map(str, words)], Path.cwd())
    record = json.loads(output.strip().splitlines()[-1])
    return {
        "seconds": seconds,
        "fit": record.get("fit_s", seconds),
        "best": record["best"],
        "epochs": record.get("epochs_spent"),
    }


def timed(command: list[str], folder: Path) -> tuple[float, str]:
    """Run a process; its wall time and its standard output."""
    start_s = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start_s
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    return seconds, done.stdout


def summarize(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians, and the ratio of nnops to its peer within each round."""
    found: dict[str, Any] = {
        name: {
            "median_s": round(statistics.median(each["seconds"] for each in some), 2),
            "seconds": [round(each["seconds"], 2) for each in some],
            "best": [round(each["best"], 4) for each in some],
            "epochs": [each["epochs"] for each in some],
        }
        for name, some in runs.items()
    }
    for engine, peer in (("ray", "stock"), ("inline", "optuna")):
        if engine in runs:
            for name, key in ((f"{engine}/{peer}", "seconds"), (f"{engine}/fit of {peer}", "fit")):
                ratios = [a["seconds"] / b[key] for a, b in zip(runs[engine], runs[peer], strict=True)]
                found[name] = {"median": round(statistics.median(ratios), 3), "ratios": [round(r, 3) for r in ratios]}
    return found


if __name__ == "__main__":
    main()
