"""How good are the searches? Regret after equal numbers of epochs, by engine virtual of nnops itself.

    python -m benchmarks search_quality [--set odd,opda] [--searches bohb+asha,mobster+asha] [--workers 1,4,16]

A search is a sampler and a pruner, as params.yaml names them. Only trials of full fidelity count. Regret 0 is the best
of 2,000 random full trainings of a task (for opda of all recorded ones), 1 their median. The interval is of the
mean over the tasks of all sets, from one seed to another (Student's t, 95 %). Every run that is done is kept in a file,
so that a benchmark that was cut off goes on.
"""

import argparse
import json
import math
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks import opda
from benchmarks.curves import Formula, LCBench, Task, regret

HPO = Path(__file__).resolve().parents[2] / "shared" / "hpo"
MARKS = (500, 1000, 3000, 10000)
#: What is measured where nothing is named; auto takes mobster here.
SEARCHES = "random+none,random+asha,tpe+none,tpe+asha,bohb+asha,mobster+asha"
#: The recorded curves of OPDA as they are, and a smooth model of them.
OPDA = {"opda": opda.Table, "opda_surrogate": opda.Surrogate}
#: The tasks of LCBench with an even and with an odd place, OPDA, and a formula that needs no files.
SETS = ("even", "odd", *OPDA, "formula")
Run = dict[str, Any]


def main(arguments: list[str] | None = None) -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hpo", type=Path, default=HPO, help="the folder that holds lcbench and opda")
    parser.add_argument("--set", default="even", type=_sets, dest="sets", help=f"some of {', '.join(SETS)}, by commas")
    parser.add_argument("--searches", default=SEARCHES)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--workers", default="4")
    parser.add_argument("--epochs", type=int, default=3000, help="the last of 500, 1000, 3000, 10000 that is measured")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(".nnops/search_quality.jsonl"), help="where runs are kept")
    chosen = parser.parse_args(arguments)
    tasks = [(which, task) for which in chosen.sets for task in names(chosen.hpo, which)]
    wanted = [
        (chosen.hpo, which, task, search, seed, int(workers), chosen.epochs)
        for seed in range(chosen.seeds)
        for search in chosen.searches.split(",")
        for workers in chosen.workers.split(",")
        for which, task in tasks
    ]
    done = {key(run): run for run in kept(chosen.out) if run["epochs"] >= chosen.epochs}
    todo = [job for job in wanted if job[1:6] not in done]
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with chosen.out.open("a", encoding="utf-8") as stream, ExitStack() as stack:
        runs = map(measure, todo)
        if chosen.processes > 1:
            # Not a fork: onnxruntime has threads.
            pool = stack.enter_context(get_context("spawn").Pool(chosen.processes))
            runs = pool.imap_unordered(measure, todo)
        for run in runs:
            stream.write(json.dumps(run) + "\n")
            stream.flush()
            done[key(run)] = run
    print(table([done[job[1:6]] for job in wanted]))


def _sets(text: str) -> list[str]:
    sets = text.split(",")
    if not set(sets) <= set(SETS) or len(set(sets)) < len(sets):
        raise argparse.ArgumentTypeError(f"must be some of {', '.join(SETS)}, each once, by commas, got {text!r}")
    return sets


def names(hpo: Path, which: str) -> list[str]:
    """The tasks of a set."""
    if which == "formula":
        return ["formula"]
    if which in OPDA:
        return list(opda.NAMES)
    return LCBench.names(hpo / "lcbench")[0 if which == "even" else 1 :: 2]


def build(hpo: Path, which: str, name: str) -> Task:
    """A task of a set."""
    if which == "formula":
        return Formula()
    return OPDA[which](hpo / "opda", name) if which in OPDA else LCBench(hpo / "lcbench", name)


def measure(job: tuple[Path, str, str, str, int, int, int]) -> Run:
    """One search on one task."""
    hpo, which, name, words, seed, workers, epochs = job
    return search(build(hpo, which, name), which, words, seed, workers, epochs)


def search(task: Task, which: str, words: str, seed: int, workers: int, epochs: int) -> Run:
    """Run one search and keep the best full training found by each mark."""
    import optuna

    from nnops.params import parse
    from nnops.sweep.conductor import Conductor
    from nnops.sweep.engines.virtual import HeldLease, Virtual, memory_study
    from nnops.sweep.trial import Bench

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    start_s, cpu_s = time.perf_counter(), time.process_time()
    sampler, pruner = words.split("+")
    params = parse(
        {
            "seed": seed,
            "train": {"epochs": task.epochs},
            "sweep": {
                "objective": {"metric": "val_accuracy", "direction": "maximize"},
                "sampler": {"name": sampler},
                "pruner": {"name": pruner},
                # The budget is in epochs: every trial spends at least one.
                "budget": {"trials": epochs + workers},
                "space": task.space,
            },
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        study = memory_study("search", Path(folder), params)
        conductor = Conductor(
            study, HeldLease(), trials=params.sweep.budget.trials, seconds=None, stop=threading.Event(), tell=_silent
        )
        engine = Virtual(workers, task, epochs)
        engine.run(conductor, Bench(params.record(), folder, None, folder, "val_accuracy"))
    found = {str(mark): _best(engine.moments[:mark]) for mark in MARKS if mark <= epochs}
    return {
        "set": which,
        "task": task.name,
        "search": words,
        "seed": seed,
        "workers": workers,
        "epochs": epochs,
        "regret": {mark: None if best is None else regret(task, best) for mark, best in found.items()},
        "trials": study.count(),
        "complete": sum(moment.complete for moment in engine.moments),
        "seconds": round(time.perf_counter() - start_s, 3),
        "cpu_s": round(time.process_time() - cpu_s, 3),
    }


def _best(moments: Iterable[Any]) -> float | None:
    return max((moment.value for moment in moments if moment.complete), default=None)


def _silent(event: object) -> None:
    del event


def kept(path: Path) -> list[Run]:
    """The runs of a file; a half last line, which a kill left, is cut off."""
    if not path.exists():
        return []
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    path.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
    return [json.loads(line) for line in whole.splitlines()]


def key(run: Run) -> tuple[str, str, str, int, int]:
    """What makes a run."""
    return run["set"], run["task"], run["search"], run["seed"], run["workers"]


def interval(runs: list[Run], mark: str) -> tuple[float, float]:
    """The mean over tasks of one search, and half the width of its 95 % interval over seeds.

    A search without a full training counts as regret 1.
    """
    from scipy.stats import t

    by_seed: dict[int, list[float]] = defaultdict(list)
    for run in runs:
        found = run["regret"][mark]
        by_seed[run["seed"]].append(1.0 if found is None else found)
    means = [sum(each) / len(each) for each in by_seed.values()]
    mean = sum(means) / len(means)
    if len(means) < 2:
        return mean, math.nan
    deviation = math.sqrt(sum((each - mean) ** 2 for each in means) / (len(means) - 1))
    return mean, float(t.ppf(0.975, len(means) - 1)) * deviation / math.sqrt(len(means))


def table(runs: list[Run]) -> str:
    """A table for RESULTS.md."""
    groups: dict[tuple[str, int], list[Run]] = defaultdict(list)
    for run in runs:
        groups[run["search"], run["workers"]].append(run)
    marks = [str(mark) for mark in MARKS if all(str(mark) in run["regret"] for run in runs)]
    head = [
        "search",
        "workers",
        *(f"{int(mark):,} epochs" for mark in marks),
        "trials",
        "full",
        "runs",
        "CPU ms a trial",
    ]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for (words, workers), group in groups.items():
        cells = [f"{mean:.3f} ± {half:.3f}" for mean, half in (interval(group, mark) for mark in marks)]
        trials, full = (sum(run[what] for run in group) / len(group) for what in ("trials", "complete"))
        cost_ms = 1000 * sum(run["cpu_s"] for run in group) / sum(run["trials"] for run in group)
        seeds = len({run["seed"] for run in group})
        counts = [f"{trials:.0f}", f"{full:.1f}", f"{len(group)} ({seeds} seeds)", f"{cost_ms:.1f}"]
        lines.append("| " + " | ".join([words, str(workers), *cells, *counts]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
