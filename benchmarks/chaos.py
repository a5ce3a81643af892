"""Sweeps whose processes are killed at random moments, again and again, and what is left of them.

    python -m benchmarks chaos [--only NAME ...] [--sweeps 3] [--kills 8] [--seed 1]

Each sweep (TPE, ASHA, order fixed) is killed so often, or until it is done, then left to end. A kill is *survived* if
afterwards every trial asked has one final state, no number is missing or doubled, no report differs from the one
before the kill, and the table of trials equals, to the bit, that of a sweep in one process that nobody touched; where
runs are tracked, MLflow must show each trial once under one parent, with each report once. A sweep *stood still* while
nothing was written of its trials, the starts of new drivers and of Ray included; the longest such time is shown.
Needs ``mount`` for ``disk`` and PostgreSQL's programs on the path for ``postgres`` and ``storage``.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.chaos_world import Disk, Nodes, Postgres, Pulse, Server, World
from nnops.params import parse
from nnops.sweep.keep import best_of
from nnops.sweep.run import run_sweep
from nnops.sweep.study import Study
from nnops.tracking.null import NullTracker

TRIALS = 50
RECORD: dict[str, Any] = {
    "seed": 3,
    "data": {"source": {"name": "sklearn", "options": {"set": "iris"}}},
    "model": {"name": "mlp", "options": {"hidden": [8]}},
    "train": {"epochs": 81, "batch_size": 8},
    "sweep": {
        "objective": {"metric": "val_loss", "direction": "minimize"},
        "sampler": {"name": "tpe"},
        "pruner": {"name": "asha"},
        "order": "fixed",
        "budget": {"trials": TRIALS},
        "space": {
            "train.optimizer.options.lr": {"float": [1e-4, 1e-1], "log": True},
            "model.options.dropout": {"float": [0.0, 0.5]},
        },
    },
}
INLINE: dict[str, Any] = {"engine": "inline"}
RAY: dict[str, Any] = {"engine": "ray", "workers": 2}
Row = tuple[Any, ...]


def plain(world: World) -> Callable[[], bool]:
    """The driver and all that it started are killed."""
    return world.kill_driver


def worker(world: World) -> Callable[[], bool]:
    """A Ray worker is killed."""
    return world.kill_worker


def desk(world: World) -> Callable[[], bool]:
    """The actor at which driver and workers meet is killed."""
    return lambda: world.kill_worker(("ray::Desk", "ray::Desk.ask", "ray::Desk.exchange"))


def node(world: World) -> Callable[[], bool]:
    """A node of a cluster of three is killed."""
    return Nodes(world).kill


def server(world: World) -> Callable[[], bool]:
    """The tracking server is killed, or the driver, by turns of luck."""
    tracking = Server(world, f"sqlite:///{world.folder}/server.db")
    return lambda: world.luck.choice([tracking.kill_and_start, world.kill_driver])()


def postgres(world: World) -> Callable[[], bool]:
    """The PostgreSQL behind the tracking server is killed, or the driver."""
    database = Postgres(world)
    Server(world, database.url)
    return lambda: world.luck.choice([database.kill_and_start, world.kill_driver])()


def storage(world: World) -> Callable[[], bool]:
    """The PostgreSQL that holds the study itself is killed, or the driver."""
    database = Postgres(world)
    world.record = {**world.record, "sweep": {**world.record["sweep"], "storage": database.url}}
    world.count = database.count_words
    return lambda: world.luck.choice([database.kill_and_start, world.kill_driver])()


def disk(world: World) -> Callable[[], bool]:
    """The disk with the project fills."""
    return Disk(world).fill


#: What is killed, the engine, and words of the record between two kills.
SCENARIOS: dict[str, tuple[Callable[[World], Callable[[], bool]], dict[str, Any], int]] = {
    "driver, inline": (plain, INLINE, 40),
    "driver, ray": (plain, RAY, 200),
    "worker, ray": (worker, RAY, 200),
    "desk, ray": (desk, RAY, 200),
    "node of three, ray": (node, {"engine": "ray", "workers": 3}, 200),
    "tracking server, inline": (server, INLINE, 40),
    "tracking server, ray": (server, RAY, 200),
    "PostgreSQL of the tracking server, inline": (postgres, INLINE, 40),
    "PostgreSQL of the tracking server, ray": (postgres, RAY, 200),
    "PostgreSQL of the study, inline": (storage, INLINE, 40),
    "PostgreSQL of the study, ray": (storage, RAY, 200),
    "disk full, inline": (disk, INLINE, 40),
    "disk full, ray": (disk, RAY, 200),
}


def main(arguments: list[str] | None = None) -> None:
    """Run the scenarios and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(SCENARIOS), choices=list(SCENARIOS), metavar="NAME")
    parser.add_argument("--sweeps", type=int, default=3)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nnops-chaos-", ignore_cleanup_errors=True) as folder:
        truth = unbroken(Path(folder) / "unbroken")
        print("| what dies | sweeps | kills tried | survived | stood still, s | seconds |", flush=True)
        print("|---|---:|---:|---:|---:|---:|", flush=True)
        for name in chosen.only:
            start_s, tried, survived = time.monotonic(), 0, 0
            still_s: list[float] = []
            for number in range(chosen.sweeps):
                seed = f"{chosen.seed}/{name}/{number}"
                place = Path(folder) / f"{name.replace(' ', '-').replace(',', '')}-{number}"
                hits, faults, longest_s = attack(name, place, chosen.kills, seed, truth)
                still_s.append(longest_s)
                tried += hits
                survived += hits if not faults else 0
                for fault in faults:
                    print(f"<!-- {name}, seed {seed}: {fault} -->", flush=True)
            seconds = time.monotonic() - start_s
            still = f"{min(still_s):.0f} to {max(still_s):.0f}"
            print(f"| {name} | {chosen.sweeps} | {tried} | {survived} | {still} | {seconds:.0f} |", flush=True)


def unbroken(folder: Path) -> list[Row]:
    """The table of the sweep in one process that nobody touches."""
    folder.mkdir(parents=True)
    record = {**RECORD, "sweep": {**RECORD["sweep"], **INLINE}}
    run_sweep(parse(record), folder, "s", tracker=NullTracker())
    return table(folder)


def attack(name: str, folder: Path, kills: int, seed: str, truth: list[Row]) -> tuple[int, list[str], float]:
    """Drive one sweep to its end against so many kills.

    Returns:
        How many hit, what is wrong afterwards, and for how many seconds at most nothing was written to the record.
    """
    build, engine, words = SCENARIOS[name]
    folder.mkdir(parents=True)
    world = World(folder, {**RECORD, "sweep": {**RECORD["sweep"], **engine}}, random.Random(seed))
    hits = 0
    try:
        strike = build(world)
        world.build()
        with Pulse(world) as pulse:
            over = False
            while hits < kills and not over:
                world.wait(words)
                over = world.done()
                hits += int(not over and strike())
            deadline = time.monotonic() + 400
            while not over and time.monotonic() < deadline:
                world.drive()
                time.sleep(0.1)
                over = world.done()
        if not over:
            return hits, [f"the sweep does not end: {(folder / 'output').read_text()[-2000:]}"], pulse.longest_s
        return hits, check(world, truth), pulse.longest_s
    finally:
        world.close()


def check(world: World, truth: list[Row]) -> list[str]:
    """What is wrong with a study that has ended."""
    found = table(world.root)
    faults: list[str] = []
    if [row[0] for row in found] != list(range(TRIALS)):
        faults.append(f"numbers {[row[0] for row in found]}")
    faults += [f"trial {row[0]} is {row[1]}" for row in found if row[1] not in ("complete", "pruned")]
    pairs = zip(found, truth, strict=False)
    faults += [f"trial {mine[0]} differs: {mine} not {yours}" for mine, yours in pairs if mine != yours]
    notes = (world.folder / "notes").read_text().splitlines()
    faults += [note for note in notes if "made again gives" in note]
    study = Study.open(world.root, "s")
    kept = {str(trial.number) for trial in best_of(study, study.trials(), study.params.sweep.keep)}
    left = {path.name for path in (world.root / ".nnops" / "studies" / "s" / "checkpoints").glob("*")} - kept
    faults += [f"checkpoints are left: {left}"] if left else []
    if world.environment["NNOPS_TRACKING"] == "on":
        faults += check_tracked(world)
    return faults


def check_tracked(world: World) -> list[str]:
    """What is wrong with the runs of a study, when they have arrived."""
    import os

    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    from nnops.tracking.spool import wake_leftovers

    os.environ["MLFLOW_TRACKING_URI"] = uri = world.environment["MLFLOW_TRACKING_URI"]
    study = Study.open(world.root, "s")
    records = study.trials()
    deadline = time.monotonic() + 240
    faults = ["MLflow does not answer"]
    while faults and time.monotonic() < deadline:
        wake_leftovers(world.root)
        time.sleep(2.0)
        try:
            client = MlflowClient(uri)
            runs = client.search_runs([each.experiment_id for each in client.search_experiments()], max_results=1000)
            parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
            children = sorted(int(run.data.tags["nnops.trial"]) for run in runs if run not in parents)
            faults = [] if len(parents) == 1 else [f"{len(parents)} parents"]
            faults += [] if children == list(range(len(records))) else [f"children {children}"]
            faults += [f"run {run.info.run_name} is {run.info.status}" for run in runs if run.info.status != "FINISHED"]
            for run in runs if not faults else []:
                if run not in parents:
                    reports = records[int(run.data.tags["nnops.trial"])].reports
                    history = client.get_metric_history(run.info.run_id, study.objective.metric)
                    if sorted((point.step, point.value) for point in history) != sorted(reports.items()):
                        faults.append(f"run {run.info.run_name} has other reports")
        except MlflowException as error:
            faults = [f"MLflow: {error}"]
    return faults


def table(root: Path) -> list[Row]:
    """All that a study knows of its trials but their times."""
    trials = Study.open(root, "s").trials()
    return [(t.number, t.state, t.config, t.reports, t.value, t.weights_sha256) for t in trials]


if __name__ == "__main__":
    main()
