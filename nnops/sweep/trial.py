"""A trial: one config laid over the params and trained; the worker's side of a sweep, the same on every engine."""

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nnops.data.prepared import Prepared, SplitName, Tensors
from nnops.errors import IntegrityError, TrainingError
from nnops.params import Params, overlay, parse
from nnops.report import ReportFn
from nnops.sweep.constraint import broken, parse_constraints
from nnops.sweep.limit import Watch
from nnops.sweep.objective import Objective
from nnops.sweep.share import fetch
from nnops.sweep.shelf import open_shelf

if TYPE_CHECKING:
    from nnops.training.state import State
    from nnops.training.train import Trained

#: Least seconds between two checkpoints of a trial, so that short ones write none.
CHECKPOINT_EVERY_S = 1.0
#: How libraries say it that raise no MemoryError.
OUT_OF_MEMORY = ("not enough memory", "out of memory", "allocate memory", "bad_alloc")


@dataclass(frozen=True)
class Assignment:
    """A trial to run.

    Attributes:
        number: Its number.
        config: Laid over the study's params.
        until: It pauses after this epoch, its last; None where it spends its full fidelity.
        parent: The trial whose training, the same so far, it goes on with, where its checkpoint can be read.
        bar: The state in which it ends is kept where its objective, turned so that more is worse, is not above this.
    """

    number: int
    config: dict[str, Any]
    until: int | None = None
    parent: int | None = None
    bar: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a trial's training ended.

    Attributes:
        ended: ``complete`` or ``early`` (nothing improved), ``told`` (a report was answered with stop), ``infeasible``
            (the config cannot be trained: a loss that is not finite, not enough memory), ``failed`` (it raised) or
            ``paused`` (the assignment ends here; others may go on with its checkpoint).
        value: The objective at the epoch that the weights belong to.
        best_epoch: That epoch.
        epochs: Epochs trained.
        weights_sha256: The hash of the weights.
        fingerprint: Names the result.
        reason: Why it is infeasible or failed.
        measures: What further objectives and constraints need, by name.
        kept: Whether the state in which it ended is kept.
    """

    ended: Literal["complete", "early", "told", "infeasible", "failed", "paused"]
    value: float | None = None
    best_epoch: int | None = None
    epochs: int | None = None
    weights_sha256: str | None = None
    fingerprint: str | None = None
    reason: str | None = None
    measures: dict[str, float] = field(default_factory=dict[str, float])
    kept: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Bench:
    """What all trials of a study share, as plain values, so that it can be sent to a worker.

    Attributes:
        params: The study's params; a config is laid over them.
        root: The project's folder.
        data: The folder or S3 address of prepared data, or None where ``data`` keys are tuned.
        checkpoints: The folder or S3 address that holds a folder of checkpoints for each trial.
        metric: The first objective's metric.
        direction: Which way it is better.
        measures: What to measure of a trial beside its reports.
        constraints: As params name them.
        sees: Files and folders that a worker must see, wherever it runs.
    """

    params: dict[str, Any]
    root: str
    data: str | None
    checkpoints: str
    metric: str
    direction: Literal["minimize", "maximize"] = "minimize"
    measures: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()


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
    """Runs trials of one study in this process, one after another.

    Args:
        bench: What they share.
        alone: Whether the process is the worker's own, and may be ended with a trial that hangs.
    """

    def __init__(self, bench: Bench, alone: bool = False) -> None:
        self._bench = bench
        self._alone = alone
        self._params = parse(bench.params)
        self._data: Held | None = None
        self._shelf = open_shelf(bench.checkpoints)
        if bench.root not in sys.path:
            # Where the user's own network is.
            sys.path.append(bench.root)
        if alone and Path(bench.root).is_dir():
            # Where paths in params begin; a worker of a cluster starts elsewhere.
            os.chdir(bench.root)

    def run(self, assignment: Assignment, report: ReportFn) -> Outcome:
        """Train one config; whatever it raises becomes an outcome.

        Args:
            assignment: The trial.
            report: Called after every epoch; its answer False ends the training.
        """
        outcome = self._try(assignment, report)
        over = outcome.ended in ("complete", "early", "infeasible", "failed")
        self._shelf.leave(assignment.number, keep=outcome.kept or not over)
        return outcome

    def _try(self, assignment: Assignment, report: ReportFn) -> Outcome:
        try:
            params = overlay(self._params, assignment.config)
            data = self._prepared(params)
            watch = Watch(self._params.sweep.limit, self._alone)
            with as_it_was(), watch.over(report) as watched:
                early = self._measure_early(params, data)
                reasons = broken(parse_constraints(self._bench.constraints), early)
                if reasons:
                    return Outcome("infeasible", reason=f"{'; '.join(reasons)}.", measures=early)
                trained, kept = self._train(params, data, assignment, watched)
                return replace(self._outcome(trained, params, data), kept=kept)
        except TrainingError as error:
            return Outcome("infeasible", reason=str(error))
        except MemoryError as error:
            return Outcome("infeasible", reason=f"out of memory: {error}")
        except Exception as error:
            if any(words in str(error).lower() for words in OUT_OF_MEMORY):
                return Outcome("infeasible", reason=f"out of memory: {_first_line(error)}")
            return Outcome("failed", reason=f"{type(error).__name__}: {_first_line(error)}")

    def _train(
        self, params: Params, data: Prepared, assignment: Assignment, report: ReportFn
    ) -> "tuple[Trained, bool]":
        """The training, and whether its last state is kept."""
        from nnops.training.checkpoint import Checkpoints
        from nnops.training.train import train

        folder = self._shelf.take(assignment.number)
        start, kept = self._inherit(assignment), False
        objective = Objective(self._bench.metric, self._bench.direction)

        def keep(best: dict[str, float]) -> bool:
            nonlocal kept
            kept = assignment.bar is not None and objective.loss(objective.value(best)) <= assignment.bar
            return kept

        def attempt() -> "Trained":
            return train(
                params,
                data,
                report=report,
                checkpoints=folder,
                checkpoint_every_s=CHECKPOINT_EVERY_S,
                until=assignment.until,
                start=start,
                keep=keep,
                monitor=(self._bench.metric, *(name for name in self._bench.measures if name.startswith("val_"))),
            )

        try:
            trained = attempt()
        except IntegrityError:
            # A damaged checkpoint costs time and nothing else: the same training starts anew.
            Checkpoints(folder).clear()
            trained = attempt()
        return trained, kept

    def _inherit(self, assignment: Assignment) -> "State | None":
        """Where the parent's training ended; without it the same training begins at the beginning."""
        from nnops.training.checkpoint import read

        if assignment.parent is None:
            return None
        try:
            return read(self._shelf.look(assignment.parent))
        except IntegrityError:
            return None

    def _prepared(self, params: Params) -> Held:
        from nnops.data.prepare import cached

        if self._bench.data is not None:
            if self._data is None:
                self._data = held(Prepared.open(fetch(self._bench.data)))
            return self._data
        root = Path(self._bench.root)
        if "seed" not in self._params.sweep.space:
            # A repeat trains under another seed on the very rows of the trial that it repeats.
            params = params.model_copy(update={"seed": self._params.seed})
        found = cached(params, root, data_cache(root))
        if self._data is None or self._data.folder != found.folder:
            self._data = held(found)
        return self._data

    def _measure_early(self, params: Params, data: Prepared) -> dict[str, float]:
        """What is known before a training, so that a config that breaks a constraint costs none."""
        from nnops.sweep.measure import PARAMETERS, count_parameters

        if PARAMETERS not in self._bench.measures:
            return {}
        return {PARAMETERS: float(count_parameters(params, data.spec))}

    def _outcome(self, trained: "Trained", params: Params, data: Prepared) -> Outcome:
        from nnops.sweep.measure import measure_trained

        if trained.ended in ("told", "paused"):
            return Outcome(trained.ended, epochs=len(trained.history))
        value = trained.best[self._bench.metric]
        if not math.isfinite(value):
            reason = f"{self._bench.metric} is {value} at the best epoch {trained.best_epoch}."
            return Outcome("infeasible", epochs=len(trained.history), reason=reason)
        measures = measure_trained(self._bench.measures, trained, params, data, Path(self._bench.root))
        return Outcome(
            "early" if trained.ended == "early" else "complete",
            value=value,
            best_epoch=trained.best_epoch,
            epochs=len(trained.history),
            weights_sha256=trained.weights_sha256,
            fingerprint=trained.fingerprint,
            measures=measures,
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
