"""Cross-validation: the network trained anew for each fold, and the mean and spread of what it reaches."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from nnops.data.prepare import cached
from nnops.evaluation.evaluate import evaluate
from nnops.params import Params, overlay
from nnops.training.artifact import read_model, write_model
from nnops.training.checkpoint import Checkpoints
from nnops.training.ensemble import train_model
from nnops.training.train import name_result


@dataclass(frozen=True)
class Folds:
    """What the folds gave.

    Attributes:
        split: What was measured: ``test``, or ``val`` where a source of its own holds the test rows.
        primary: The metric that counts first.
        values: Values by metric, one for each fold; a metric that is not defined on a fold is left out.
        rows: Rows that were measured in each fold.
    """

    split: str
    primary: str
    values: dict[str, list[float]]
    rows: list[int]

    @property
    def spread(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation (of a sample) of each metric."""
        return {name: (fmean(values), stdev(values)) for name, values in self.values.items()}

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        metrics = {
            name: {"mean": mean, "std": std, "values": self.values[name]} for name, (mean, std) in self.spread.items()
        }
        return {
            "folds": len(self.rows),
            "split": self.split,
            "primary": self.primary,
            "rows": self.rows,
            "metrics": metrics,
        }


def cross_validate(params: Params, folds: int, root: Path, tell: Callable[[int, float], None]) -> Folds:
    """Train and measure each fold.

    Args:
        params: Their split says how rows are dealt; ``data.split.fold`` is set here.
        folds: How many.
        root: The project's folder.
        tell: Called after each fold with its number and its primary metric.

    Raises:
        InputError: The data do not allow so many folds, or params are wrong.
        TrainingError: A loss is not finite.
    """
    split = "test" if params.data.test is None else "val"
    found: list[dict[str, float]] = []
    rows: list[int] = []
    primary = ""
    for fold in range(folds):
        config = {"data.split.folds": folds, "data.split.fold": fold}
        one = overlay(params, config | {"evaluate.baselines": [], "evaluate.intervals.samples": 0})
        data = cached(one, root, root / ".nnops" / "data")
        checkpoints = root / ".nnops" / "checkpoints" / name_result(one, data)[:16]
        trained = train_model(one, data, checkpoints=checkpoints)
        with tempfile.TemporaryDirectory() as folder:
            write_model(Path(folder), trained, one, data)
            card = evaluate(read_model(Path(folder)), data, one)
        Checkpoints(checkpoints).clear()
        scores = card.test if split == "test" else card.val
        primary = card.primary
        found.append({name: score.value for name, score in scores.items()})
        rows.append(data.rows("test" if split == "test" else "val"))
        tell(fold, found[-1].get(primary, float("nan")))
    names = [name for name in found[0] if all(name in one for one in found)]
    return Folds(split, primary, {name: [one[name] for one in found] for name in names}, rows)
