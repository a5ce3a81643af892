"""Results on known sets: ``python -m benchmarks results NAME --data FOLDER`` makes a row of docs/results.md.

Prepares, trains on one thread, evaluates beside the baselines, and writes the row; a killed training goes on. The
params of a result lie in benchmarks/results/NAME.yaml, their paths counted from FOLDER.
"""

import argparse
import os
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

from nnops.data.prepare import prepare
from nnops.evaluation.evaluate import evaluate
from nnops.evaluation.scorecard import Score, Scorecard, shown
from nnops.params import load
from nnops.report import Report
from nnops.training.artifact import read_model, write_model
from nnops.training.ensemble import train_model
from nnops.training.train import name_result

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "results.md"
WORK = HERE.parent / ".nnops" / "results"
MARK = "| set | settings |"


def make(name: str, data_folder: Path) -> Scorecard:
    """Make one result and print it on the way."""
    params = load(HERE / "results" / f"{name}.yaml")
    work = WORK / name
    data = prepare(params, work / "data", data_folder)
    uid = name_result(params, data)[:16]
    if not (work / uid / "model.json").exists():
        start_s, cpu_s = time.perf_counter(), time.process_time()

        def report(moment: Report) -> bool:
            row = " ".join(f"{key} {value:.4f}" for key, value in moment.metrics.items())
            spent = f"{time.perf_counter() - start_s:.0f} s, cpu {time.process_time() - cpu_s:.0f} s"
            print(f"{name}: epoch {moment.epoch}: {row} ({spent})", flush=True)
            return True

        trained = train_model(params, data, report=report, checkpoints=work / "checkpoints" / uid)
        write_model(work / uid, trained, params, data)
    return evaluate(read_model(work / uid), data, params)


def describe(name: str, card: Scorecard) -> str:
    """A row of the table."""
    settings = f"{card.model}, epoch {card.best_epoch}, `benchmarks/results/{name}.yaml`"
    baselines = [
        f"{one.name} {_say(card.primary, one.test[card.primary])}: {one.verdict}"
        for one in card.baselines
        if card.primary in one.test
    ]
    return f"| {name} | {settings} | {_say(card.primary, card.test[card.primary])} | {'; '.join(baselines)} |"


def _say(metric: str, score: Score) -> str:
    if score.low is None or score.high is None:
        return f"{metric} {shown(score.value)}"
    return f"{metric} {shown(score.value)} ({shown(score.low)} to {shown(score.high)})"


def main() -> int:
    """Make the results that are named and put their rows in place of older ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=sorted(path.stem for path in (HERE / "results").glob("*.yaml")))
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    for name in arguments.names:
        row = describe(name, make(name, arguments.data))
        print(row, flush=True)
        lines = [line for line in PAGE.read_text().splitlines() if not line.startswith(f"| {name} |")]
        start = next(place for place, line in enumerate(lines) if line.startswith(MARK))
        end = next(place for place in range(start, len(lines) + 1) if not lines[place : place + 1] or not lines[place])
        PAGE.write_text("\n".join([*lines[:end], row, *lines[end:]]) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
