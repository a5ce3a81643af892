"""What the evaluate stage takes on Adult, beside plain predictions with scikit-learn's metrics, in one run.

    python -m benchmarks.evaluate_adult FOLDER [--rounds 3]

FOLDER holds adult.data and adult.test. Figures are counted nowhere, and all sides take turns on one thread.

plain           a script: the network's outputs on test and val, and scikit-learn's metrics of them
metrics         evaluate() without intervals and baselines: the same numbers, and those of groups
intervals       the same with 1,000 bootstrap draws of every metric and every gap
stage           the same with the baselines fitted, majority, linear and boosted trees, each with intervals
whole           pipelines/evaluate.py itself, figures and files written too, which the other sides leave out

Each side is timed as work, libraries loaded and data prepared, and as a process of its own, as DVC runs a stage, by
the clock and by the processor.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

SIDES = ("plain", "metrics", "intervals", "stage", "whole")
HERE = Path(__file__).resolve().parents[1]


def side(name: str, root: Path) -> Callable[[], object]:
    """The work of a side; what it needs is loaded here."""
    import torch

    from nnops.data.prepared import Prepared
    from nnops.params import overlay, parse
    from nnops.training.artifact import read_model

    torch.set_num_threads(1)
    made = root / "project" / "artifacts"
    data, model = Prepared.open(made / "prepare"), read_model(made / "train")
    params = parse(json.loads((root / "params.json").read_text()))
    if name == "plain":
        import numpy as np
        from sklearn import metrics as sk

        def plain() -> list[list[float]]:
            found: list[list[float]] = []
            for split in ("test", "val"):
                tensors = data.tensors(split)
                with torch.no_grad():
                    logit_N = model.module(*tensors.inputs)[:, 0].numpy().astype(np.float64)
                truth_N, score_N, label_N = tensors.target.numpy().astype(int), 1 / (1 + np.exp(-logit_N)), logit_N > 0
                labels = (
                    sk.accuracy_score,
                    sk.balanced_accuracy_score,
                    sk.f1_score,
                    sk.precision_score,
                    sk.recall_score,
                )
                scores = (sk.log_loss, sk.average_precision_score, sk.roc_auc_score, sk.brier_score_loss)
                found.append([float(each(truth_N, label_N)) for each in labels])
                found[-1] += [float(each(truth_N, score_N)) for each in scores]
            return found

        return plain
    from nnops.evaluation.evaluate import evaluate

    change = {
        "metrics": {"evaluate.intervals.samples": 0, "evaluate.baselines": []},
        "intervals": {"evaluate.baselines": []},
        "stage": {},
    }[name]
    return lambda: evaluate(model, data, overlay(params, change)).metrics()


def once(name: str, root: Path) -> tuple[float, float, float]:
    """Seconds of the work, and of a process that does it and nothing else: by the clock, and of a processor."""
    words = ["pipelines.evaluate"] if name == "whole" else ["benchmarks.evaluate_adult", str(root), "--side", name]
    variables = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE), "NNOPS_TRACKING": "off"}
    begun, used = perf_counter(), os.times()
    said = subprocess.run(
        [sys.executable, "-m", *words], check=True, capture_output=True, text=True, env=variables, cwd=root / "project"
    )
    now = os.times()
    cpu_s = now.children_user + now.children_system - used.children_user - used.children_system
    return math.nan if name == "whole" else float(said.stdout.split()[-1]), perf_counter() - begun, cpu_s


def work(name: str, root: Path) -> None:
    """Print the seconds of the work."""
    call = side(name, root)
    begun = perf_counter()
    call()
    print(perf_counter() - begun)


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--side", choices=SIDES)
    given = words.parse_args()
    if given.side:
        work(given.side, given.folder)
        return
    from benchmarks.fairness_adult import settings
    from nnops.data.prepare import prepare
    from nnops.params import dump, overlay
    from nnops.training.artifact import write_model
    from nnops.training.train import train

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        params = overlay(settings(given.folder.resolve(), 2, 0.1), {"evaluate.metrics": [], "evaluate.baselines": None})
        made = root / "project" / "artifacts"
        data = prepare(params, made / "prepare", pictures=False)
        write_model(made / "train", train(params, data), params, data)
        (root / "params.json").write_text(json.dumps(params.record()))
        (root / "project" / "params.yaml").write_text(dump(params.record()))
        taken = [{name: once(name, root) for name in SIDES} for _ in range(given.rounds)]
    print("| side | work, s | of plain | process, s | of plain | its processor, s | of plain |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in SIDES:
        cells = []
        for place in (0, 1, 2):
            seconds = statistics.median(each[name][place] for each in taken)
            ratio = statistics.median(each[name][place] / each["plain"][place] for each in taken)
            cells.append("| " if math.isnan(seconds) else f"{seconds:.2f} | {ratio:.2f}")
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
