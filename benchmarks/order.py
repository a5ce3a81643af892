"""What a fixed order costs: the same search with order async and fixed, on workers that keep a clock of their own.

    python -m benchmarks.order [--seeds 10]

Nothing is trained: a trial's epochs take as long as its config says (some networks are four times as slow as others),
and its losses are those of a smooth bowl. Study, sampler, pruner and dispatch are the real ones, so what waits here
waits in a sweep. Printed are the time of the search in units of async's, and the best loss it found.
"""

import argparse
import heapq
import json
import math
import random
import tempfile
import threading
from pathlib import Path
from statistics import mean
from typing import Any

from nnops.params import parse
from nnops.report import Report
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines.dispatch import Dispatch
from nnops.sweep.engines.hand import pack
from nnops.sweep.lease import Lease
from nnops.sweep.names import studies
from nnops.sweep.objective import Objective
from nnops.sweep.space import Config, Space
from nnops.sweep.study import Study
from nnops.sweep.trial import Bench, Outcome

LR, DECAY, DROPOUT = "train.optimizer.options.lr", "train.optimizer.options.weight_decay", "model.options.dropout"
SPACE = {
    LR: {"float": [1e-5, 1e-1], "log": True},
    DECAY: {"float": [1e-6, 1e-1], "log": True},
    DROPOUT: {"float": [0.0, 0.5]},
}
EPOCHS, TRIALS = 20, 64
Told = dict[str, Any]


def main() -> None:
    """Print a row for each number of workers and each order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    seeds = range(parser.parse_args().seeds)
    print("| workers | order | time | best loss |\n|---:|---|---:|---:|")
    for workers in (1, 2, 4, 8):
        free: list[float] = []
        for order, lag in [("async", 8), ("fixed", 4), ("fixed", 8), ("fixed", 16), ("fixed", 32)]:
            found = [search(workers, order, lag, seed) for seed in seeds]
            spans = [span for span, _ in found]
            free = free or spans
            ratio = mean(mine / theirs for mine, theirs in zip(spans, free, strict=True))
            name = order if order == "async" else f"fixed, lag {lag}"
            print(f"| {workers} | {name} | {ratio:.2f} | {mean(best for _, best in found):.4f} |", flush=True)


def search(workers: int, order: str, lag: int, seed: int) -> tuple[float, float]:
    """The time that one search takes, and the best loss of its complete trials."""
    sweep: dict[str, Any] = {"space": SPACE, "order": order, "lag": lag, "budget": {"trials": TRIALS}}
    params = parse({"seed": seed, "train": {"epochs": EPOCHS}, "sweep": sweep})
    with tempfile.TemporaryDirectory(prefix="nnops-order-") as folder:
        root = Path(folder)
        lease = Lease(studies(root) / "s", "s")
        lease.take()
        study = Study.create(root, "s", params, Space.parse(SPACE), (Objective("val_loss", "minimize"),), "hash")
        stop = threading.Event()
        conductor = Conductor(study, lease, trials=TRIALS, seconds=None, stop=stop, tell=lambda event: None)
        span = drive(Dispatch(conductor, Bench({}, "", "", "", "val_loss")), workers)
        best = study.best()
        lease.release()
        return span, best.value if best and best.value is not None else math.inf


def drive(dispatch: Dispatch, workers: int) -> float:
    """Let workers train on a clock until there is nothing to do; the time at the end."""
    events: list[tuple[float, int, str]] = [(0.0, worker, pack(None, [], None)) for worker in range(workers)]
    counts, tasks, epochs = [0] * workers, [dict[str, Any]()] * workers, [0] * workers
    now = 0.0
    while events:
        now, worker, text = heapq.heappop(events)
        counts[worker] += 1
        dispatch.hear(f"{worker}/0", counts[worker], text)
        for address, _, answer in dispatch.answers():
            each, told = int(address.partition("/")[0]), json.loads(answer)
            if "assignment" in told:
                tasks[each], epochs[each] = told["assignment"], 0
                if told["assignment"] is None:
                    continue
            seconds, said, epochs[each] = train(tasks[each], epochs[each], told.get("go_on", True))
            heapq.heappush(events, (now + seconds, each, said))
    return now


def train(task: Told, epoch: int, go_on: bool) -> tuple[float, str, int]:
    """Train until somebody must be asked: how long that takes, what is said, and the epoch reached."""
    number, config = task["number"], task["config"]
    if not go_on:
        return 0.0, pack(number, [], Outcome("told")), epoch
    until = next((each for each in [*task["judged"], EPOCHS] if each > epoch), EPOCHS)
    reports = [Report(each, {"val_loss": loss(config, each)}, 1.0) for each in range(epoch + 1, until + 1)]
    value = loss(config, EPOCHS)
    outcome = Outcome("complete", value, EPOCHS, EPOCHS) if until == EPOCHS else None
    slow = random.Random(number).choice([1.0, 1.0, 2.0, 4.0])
    return slow * (until - epoch), pack(number, reports, outcome), until


def loss(config: Config, epoch: int) -> float:
    """The loss of a config after some epochs: a bowl in its keys, higher before it is trained."""
    distance = (math.log10(config[LR]) + 2.5) ** 2 + 0.1 * (math.log10(config[DECAY]) + 4) ** 2 + config[DROPOUT]
    return 0.1 * distance + math.exp(-epoch * 10 ** min(0.0, math.log10(config[LR]) + 2))


if __name__ == "__main__":
    main()
