"""The experiment table: every result with its model, architecture, hyperparameters, numbers and note."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nnops.metrics import METRICS
from nnops.number import short
from nnops.reproduce.sheet import Sheet
from nnops.tracking.runs import RunView

#: The tag that holds what a person wrote of a run.
NOTE = "nnops.note"
#: Hyperparameters that every row shows, by their short names.
TRAINING = {
    "train.optimizer.name": "",
    "train.optimizer.options.lr": "lr",
    "train.batch_size": "batch",
    "train.epochs": "epochs",
    "train.optimizer.options.weight_decay": "decay",
}
COLUMNS = ("run", "started", "kind", "name", "model", "architecture", "training", "seed")
#: What there need not be room for, what matters most last.
SPARE = ("kind", "seed", "started", "architecture", "training")


def list_runs(runs: Sequence[RunView], parents: Mapping[str, RunView]) -> Sheet:
    """The table of runs.

    Args:
        runs: The newest first.
        parents: Studies by uid, for what their trials do not say themselves.
    """
    metrics = _metrics(runs)
    rows: list[tuple[str, ...]] = []
    for run in runs:
        params = params_of(run, parents)
        rows.append(
            (
                run.run_id[:8],
                datetime.fromtimestamp(run.started_ms / 1000).strftime("%Y-%m-%d %H:%M"),
                run.kind if run.state == "FINISHED" else f"{run.kind} {run.state.lower()}",
                run.name,
                params.get("model.name", ""),
                _architecture(params),
                _training(params),
                params.get("seed", ""),
                *(shown(value_of(run, metric)) for metric in metrics),
                run.tags.get("nnops.reproduced", ""),
                run.tags.get(NOTE, ""),
            )
        )
    first = len(COLUMNS)
    best = frozenset((_best(runs, metric), first + place) for place, metric in enumerate(metrics))
    columns = (*COLUMNS, *metrics, "made again", "note")
    numbers = frozenset(range(first - 1, first + len(metrics)))
    return Sheet("", columns, tuple(rows), best if len(runs) > 1 else frozenset(), numbers, SPARE).without_empty()


def records(runs: Sequence[RunView], parents: Mapping[str, RunView]) -> list[dict[str, Any]]:
    """The same for machines, with every param and metric."""
    return [
        {
            "run_id": run.run_id,
            "uid": run.uid,
            "name": run.name,
            "kind": run.kind,
            "state": run.state,
            "started_ms": run.started_ms,
            "params": params_of(run, parents),
            "metrics": dict(run.metrics),
            "reproduced": run.tags.get("nnops.reproduced"),
            "note": run.tags.get(NOTE),
        }
        for run in runs
    ]


def params_of(run: RunView, parents: Mapping[str, RunView]) -> dict[str, str]:
    """All params of a run; a trial's are laid over those of its study."""
    parent = parents.get(run.tags.get("nnops.parent", ""))
    below = {} if parent is None else {key: text for key, text in parent.params.items() if not key.startswith("sweep.")}
    own = {key: text for key, text in run.params.items() if not key.startswith("log10_")}
    name = own.get("model.name")
    if name is not None and below.get("model.name") not in (None, name):
        # Another family has none of the options that the study began with.
        below = {key: text for key, text in below.items() if not key.startswith("model.options.")}
    return below | own


def value_of(run: RunView, metric: str) -> float | None:
    """A metric at the epoch that the weights belong to, else its last value."""
    if metric.startswith("val_"):
        return run.metrics.get(f"best/{metric}", run.metrics.get(metric))
    return run.metrics.get(metric)


def shown(value: float | None) -> str:
    """A number for people.

    >>> shown(0.97777777), shown(None)
    ('0.9778', '')
    """
    return "" if value is None else short(value)


def lower_is_better(metric: str) -> bool:
    """Whether less of a number is better; one of damaged rows or slices is named after its metric.

    >>> [lower_is_better(name) for name in ("val_loss", "test.equalized_odds_gap.sex", "test.pgd_rmse", "test.f1")]
    [True, True, True, False]
    """
    if any(part.endswith("_gap") for part in metric.split(".")):
        return True
    name = metric.rpartition(".")[2]
    if name == "loss" or name.endswith("_loss"):
        return True
    known = max((one for one in METRICS.names() if name == one or name.endswith(f"_{one}")), key=len, default=None)
    return known is not None and METRICS.load(known).direction == "minimize"


def _metrics(runs: Sequence[RunView]) -> list[str]:
    """Validation metrics first, then the same on the test split, as far as any run has them."""
    found: list[str] = []
    for run in runs:
        for name in run.metrics:
            plain = name.removeprefix("best/")
            if (name.startswith("best/val_") or name == "val_loss") and plain not in found:
                found.append(plain)
    found.sort(key=lambda name: (name == "val_loss", name))
    tests = [f"test.{name.removeprefix('val_')}" for name in found]
    return found + [name for name in tests if any(name in run.metrics for run in runs)]


def _best(runs: Sequence[RunView], metric: str) -> int:
    values = [(value, place) for place, run in enumerate(runs) if (value := value_of(run, metric)) is not None]
    if not values:
        return -1
    return min(values)[1] if lower_is_better(metric) else max(values, key=lambda entry: (entry[0], -entry[1]))[1]


def _architecture(params: Mapping[str, str]) -> str:
    options = {key.removeprefix("model.options."): text for key, text in params.items() if "model.options." in key}
    return ", ".join(f"{key} {_short(text)}" for key, text in options.items())


def _training(params: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {_short(params[key])}".strip() for key, name in TRAINING.items() if key in params)


def _short(text: str) -> str:
    try:
        return text if text.lstrip("-").isdigit() else short(float(text), 3)
    except ValueError:
        return text
