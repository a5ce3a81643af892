"""A trial: one config laid over the params and trained; the worker's side of a sweep, the same on every engine."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nnops.data.prepared import Prepared, SplitName, Tensors
from nnops.errors import IntegrityError, TrainingError
from nnops.params import Params, overlay, parse
from nnops.report import ReportFn

if TYPE_CHECKING:
    from nnops.training.train import Trained

#: Least seconds between two checkpoints of a trial, so that short ones write none.
CHECKPOINT_EVERY_S = 1.0


@dataclass(frozen=True)
class Assignment:
    """A trial to run."""

    number: int
    config: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How a trial's training ended.

    Attributes:
        ended: ``complete`` or ``early`` (nothing improved), ``told`` (a report was answered with stop), ``infeasible``
            (the config cannot be trained: a loss that is not finite, not enough memory) or ``failed`` (it raised).
        value: The objective at the epoch that the weights belong to.
        best_epoch: That epoch.
        epochs: Epochs trained.
        weights_sha256: The hash of the weights.
        fingerprint: Names the result.
        reason: Why it is infeasible or failed.
    """

    ended: Literal["complete", "early", "told", "infeasible", "failed"]
    value: float | None = None
    best_epoch: int | None = None
    epochs: int | None = None
    weights_sha256: str | None = None
    fingerprint: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Bench:
    """What all trials of a study share, as plain values, so that it can be sent to a worker.

    Attributes:
        params: The study's params; a config is laid over them.
        root: The project's folder.
        data: The folder of prepared data, or None where ``data`` keys are tuned.
        checkpoints: Holds a folder of checkpoints for each trial.
        metric: The objective's metric.
    """

    params: dict[str, Any]
    root: str
    data: str | None
    checkpoints: str
    metric: str


@dataclass(frozen=True)
class Held(Prepared):
    """Prepared data whose tensors are kept, so that trials of one process load them once; nothing writes to them."""

    kept: dict[tuple[SplitName, str], Tensors] = field(default_factory=dict, compare=False, repr=False)

    def tensors(self, split: SplitName, device: str = "cpu") -> Tensors:
        """See :meth:`Prepared.tensors`."""
        if (split, device) not in self.kept:
            self.kept[split, device] = super().tensors(split, device)
        return self.kept[split, device]


class Worker:
    """Runs trials of one study in this process, one after another."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._params = parse(bench.params)
        self._data: Held | None = None

    def run(self, assignment: Assignment, report: ReportFn) -> Outcome:
        """Train one config; whatever it raises becomes an outcome.

        Args:
            assignment: The trial.
            report: Called after every epoch; its answer False ends the training.
        """
        try:
            params = overlay(self._params, assignment.config)
            with as_it_was():
                return self._outcome(self._train(params, assignment.number, report))
        except TrainingError as error:
            return Outcome("infeasible", reason=str(error))
        except MemoryError as error:
            return Outcome("infeasible", reason=f"out of memory: {error}")
        except Exception as error:
            if "not enough memory" in str(error) or "out of memory" in str(error):
                return Outcome("infeasible", reason=f"out of memory: {_first_line(error)}")
            return Outcome("failed", reason=f"{type(error).__name__}: {_first_line(error)}")

    def _train(self, params: Params, number: int, report: ReportFn) -> "Trained":
        from nnops.training.checkpoint import Checkpoints
        from nnops.training.train import train

        folder = Path(self._bench.checkpoints) / str(number)
        data = self._prepared(params)

        def attempt() -> "Trained":
            return train(
                params,
                data,
                report=report,
                checkpoints=folder,
                checkpoint_every_s=CHECKPOINT_EVERY_S,
                monitor=(self._bench.metric,),
            )

        try:
            return attempt()
        except IntegrityError:
            # A damaged checkpoint costs time and nothing else: the same training starts anew.
            Checkpoints(folder).clear()
            return attempt()

    def _prepared(self, params: Params) -> Held:
        from nnops.data.prepare import cached

        if self._bench.data is not None:
            if self._data is None:
                self._data = held(Prepared.open(Path(self._bench.data)))
            return self._data
        root = Path(self._bench.root)
        found = cached(params, root, data_cache(root))
        if self._data is None or self._data.folder != found.folder:
            self._data = held(found)
        return self._data

    def _outcome(self, trained: "Trained") -> Outcome:
        if trained.ended == "told":
            return Outcome("told", epochs=len(trained.history))
        value = trained.best[self._bench.metric]
        if not math.isfinite(value):
            reason = f"{self._bench.metric} is {value} at the best epoch {trained.best_epoch}."
            return Outcome("infeasible", epochs=len(trained.history), reason=reason)
        return Outcome(
            "early" if trained.ended == "early" else "complete",
            value=value,
            best_epoch=trained.best_epoch,
            epochs=len(trained.history),
            weights_sha256=trained.weights_sha256,
            fingerprint=trained.fingerprint,
        )


def held(data: Prepared) -> Held:
    """The same data, with tensors kept."""
    return Held(data.folder, data.schema)


def data_cache(root: Path) -> Path:
    """Where data that trials prepare are kept."""
    return root / ".nnops" / "data"


@contextmanager
def as_it_was() -> Iterator[None]:
    """Leave torch's thread count and generator as the caller had them."""
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0][:500]
