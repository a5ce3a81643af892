"""SHAP values of a table's rows beside the package shap: how long they take, and how near to one another.

    python -m benchmarks explain_shap [--data FOLDER] [--rows 100] [--background 100] [--turns 3]

A network of Adult (FOLDER holds adult.data) or, without a folder, of scikit-learn's breast_cancer is trained for a few
epochs. The package's KernelExplainer is given the same probability, the same rows and the same background, with its
columns as they are prepared; where one column became several inputs, it is given the columns' codes and a function
that looks them up, so that both explain the same columns. Wall times of one process and one thread.

The package is no part of nnops: ``pip install shap`` before.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch

from nnops.data.prepare import prepare
from nnops.evaluation.explain.gather import gather, read_fitted
from nnops.evaluation.explain.shap import Shap
from nnops.evaluation.explain.subject import Subject
from nnops.params import parse
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train

ADULT = {"source": {"name": "csv", "options": {"path": "adult.data"}}, "target": "ltgt50k", "categories": "embedding"}
CANCER = {"source": {"name": "sklearn", "options": {"set": "breast_cancer"}}}


def build(folder: Path | None, rows: int) -> Subject:
    """A network and rows of its test split."""
    torch.set_num_threads(1)
    params = parse(
        {
            "data": ADULT if folder else CANCER,
            "model": {"name": "mlp", "options": {"hidden": [128, 64]}},
            "train": {"epochs": 4, "batch_size": 256, "optimizer": {"name": "adamw", "options": {"lr": 2e-3}}},
        }
    )
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        data = prepare(params, work / "prepare", folder or Path())
        write_model(work / "train", train(params, data), params, data)
        return gather(read_model(work / "train"), read_fitted(work / "prepare"), seed=7, data=data, rows=rows)


class Table:
    """A subject's rows as the package takes them: one number a column.

    A column that is one number is that number; any other is the place of its inputs among all rows that are known.
    """

    def __init__(self, subject: Subject, background: int) -> None:
        self.subject = subject
        both = [
            np.concatenate([mine, theirs[:background]])
            for mine, theirs in zip(subject.inputs, subject.background, strict=True)
        ]
        columns: list[np.ndarray] = []
        self.parts: list[tuple[int, np.ndarray, np.ndarray]] = []
        for place in range(len(subject.features)):
            for number, (owner, array) in enumerate(zip(subject.owners, both, strict=True)):
                mine = np.flatnonzero(owner.numpy() == place)
                if len(mine):
                    values, codes = np.unique(array[:, mine], axis=0, return_inverse=True)
                    columns.append(codes.ravel())
                    self.parts.append((number, mine, values))
        table = np.stack(columns, 1).astype(np.float64)
        self.rows, self.background = table[: len(subject)], table[len(subject) :]

    def __call__(self, table: np.ndarray) -> np.ndarray:
        """The network's answer to rows of codes."""
        inputs = [np.empty((len(table), each.shape[1]), each.dtype) for each in self.subject.inputs]
        for codes, (number, mine, values) in zip(table.T, self.parts, strict=True):
            inputs[number][:, mine] = values[codes.astype(np.int64)]
        return self.subject.ask(inputs, np.full(len(table), self.subject.choice_N[0]))


def main(words: list[str]) -> int:
    """Measure and print."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--data", type=Path, help="the folder of adult.data")
    reader.add_argument("--rows", type=int, default=100)
    reader.add_argument("--background", type=int, default=100)
    reader.add_argument("--turns", type=int, default=3, help="turns of nnops; the package takes one")
    asked = reader.parse_args(words)
    try:
        import shap
    except ImportError:
        print("the package shap is not installed; 'pip install shap' puts it beside nnops for this measurement.")
        return 2
    subject = build(asked.data, asked.rows)
    method = Shap(background=asked.background)
    mine_s: list[float] = []
    for _ in range(asked.turns):
        start = time.perf_counter()
        found = method.explain(subject)
        mine_s.append(time.perf_counter() - start)
    table = Table(subject, asked.background)
    sampled: dict[str, Any] = {}
    for name, options in {"as it comes": {}, "l1_reg=False": {"l1_reg": False}}.items():
        np.random.seed(0)
        start = time.perf_counter()
        theirs = shap.KernelExplainer(table, table.background).shap_values(table.rows, silent=True, **options)
        sampled[name] = (time.perf_counter() - start, np.asarray(theirs).reshape(found.value.shape))
    median = float(np.median(mine_s))
    print(f"{len(subject)} rows, {len(subject.features)} columns, a background of {asked.background}; {subject.unit}")
    print(f"nnops {median:.2f} s (median of {asked.turns}), values add up within {found.checks['sum_error']:.1e}")
    for name, (seconds, theirs) in sampled.items():
        alike = np.corrcoef(theirs.ravel(), found.value.ravel())[0, 1]
        print(f"KernelExplainer {name}: {seconds:.2f} s, ratio {median / seconds:.4f}, correlation {alike:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
