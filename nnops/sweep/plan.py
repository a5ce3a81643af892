"""The plan of a sweep: what it would cost, reckoned from a short probe, and what is wrong with it; starts nothing."""

import shutil
from dataclasses import asdict, dataclass, fields
from math import ceil, floor, inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.errors import InputError
from nnops.params import Params
from nnops.sweep.bucket import SCHEME
from nnops.sweep.budget import Limits
from nnops.sweep.effect import without_effect
from nnops.sweep.engines import build_engine
from nnops.sweep.engines.base import Engine
from nnops.sweep.engines.reach import find_cluster
from nnops.sweep.footprint import Footprint, check_fit, footprints, free_memory
from nnops.sweep.packing import packed
from nnops.sweep.probe import Probe, probe
from nnops.sweep.ready import Ready, get_ready
from nnops.sweep.samplers.pbt import Pbt
from nnops.sweep.share import check_shared
from nnops.sweep.storage import check_storage
from nnops.sweep.warm import warm_up
from nnops.sweep.words import duration, size

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Seconds until engine ray trains: import, start, and the workers' own imports.
RAY_START_S = 12.0
#: Seconds a trial costs beside its epochs.
OVERHEAD_S = {"inline": 0.012, "ray": 0.015}
#: A ray sweep must be so much sooner, since how long it takes to start is known less well.
CLEARLY = 0.8
#: Asynchronous halving lets more trials go on than the synchronous reckoning says.
ASYNCHRONOUS = 1.4
#: Bytes of a driver and of a worker with torch loaded, and of Ray's own processes.
PROCESS_BYTES, RAY_BYTES = 350_000_000, 700_000_000
BASE_BYTES = PROCESS_BYTES + RAY_BYTES
#: What a checkpoint holds: weights, the two moments of Adam, and the best weights; two of them lie there.
CHECKPOINT_COPIES = 2 * 4
#: Bytes of a trial's record in the journal, and of one report.
TRIAL_BYTES, REPORT_BYTES = 1_500, 150
#: Bytes of a trial and of one report in mlflow.db, where runs are tracked there.
TRACKED_TRIAL_BYTES, TRACKED_REPORT_BYTES = 20_000, 1_500


@dataclass(frozen=True)
class Plan:
    """What a sweep would cost.

    Attributes:
        trials: Trials in all, if nothing else ends the search before.
        epochs: Of a trial that is not stopped early.
        epochs_expected: Of all trials together.
        epoch_s: Seconds of one epoch.
        engine: Where trials would run.
        workers: Trials at once.
        seconds: Wall time, at most the time budget.
        budget_s: The time budget.
        memory_bytes: Of all processes.
        disk_bytes: Of the study and its checkpoints.
        gpus: In use at once.
        gpu_hours: In all.
        repeats: Trainings of the best trials under further seeds, on top of the budget.
        trials_expected: Trials until the search ends.
        ends_by: What would end it: ``trials``, ``grid``, ``time``, ``epochs`` or ``gpu_hours``.
        patience: Trials without a better best that would end it sooner, or None.
        weights_bytes: Of the largest network's weights.
        training_bytes: Of the training that needs most.
        data_bytes: Of the train and val tensors.
        kept: Of so many of the best trials the last state stays.
        warnings: What seems wrong, in sentences.
    """

    trials: int
    epochs: int
    epochs_expected: float
    epoch_s: float
    engine: str
    workers: int
    seconds: float
    budget_s: float | None
    memory_bytes: int
    disk_bytes: int
    gpus: float
    gpu_hours: float
    repeats: int = 0
    trials_expected: int = 0
    ends_by: str = "trials"
    patience: int | None = None
    weights_bytes: int = 0
    training_bytes: int = 0
    data_bytes: int = 0
    kept: int = 0
    warnings: tuple[str, ...] = ()

    @classmethod
    def read(cls, record: dict[str, Any]) -> "Plan":
        """The inverse of :meth:`to_json`; what another version wrote beside is left out."""
        names = {each.name for each in fields(cls)}
        known: dict[str, Any] = {key: value for key, value in record.items() if key in names}
        known["warnings"] = tuple(record["warnings"])
        return cls(**known)

    @property
    def seen(self) -> Probe:
        """What the probe showed."""
        return Probe(self.epoch_s, self.weights_bytes, self.data_bytes, self.training_bytes)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self) | {"warnings": list(self.warnings)}

    def table(self) -> "RenderableType":
        """For the terminal."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="dim")
        table.add_column()
        spent = f"about {self.epochs_expected:,.0f} in all, {duration(self.epoch_s)} each"
        limit = f", the search at most {duration(self.budget_s)}" if self.budget_s is not None else ""
        few = f"about {self.trials_expected:,} of " if self.trials_expected < self.trials else ""
        table.add_row("trials", f"{few}{self.trials:,}, up to {self.epochs} epochs each")
        if self.repeats:
            table.add_row("repeats", f"{self.repeats:,} of the best trials, {self.epochs} epochs each")
        table.add_row("epochs", spent)
        table.add_row("ended by", f"{ENDS[self.ends_by]}{self._sooner()}")
        table.add_row("engine", f"{self.engine}, {self.workers} at a time")
        table.add_row("time", f"about {duration(self.seconds)}{limit}")
        table.add_row("memory", size(self.memory_bytes))
        kept = CHECKPOINT_COPIES * self.weights_bytes * self.kept
        states = f", {size(kept)} of it for the last states of the best {self.kept}" if kept else ""
        table.add_row("disk", f"{size(self.disk_bytes)}{states}")
        table.add_row("GPUs", f"{self.gpus:g} at once, {self.gpu_hours:.2g} GPU hours" if self.gpus else "none")
        return Group(table, *(Text(f"! {warning}", style="yellow") for warning in self.warnings))

    def _sooner(self) -> str:
        if self.patience is None or self.patience >= self.trials_expected:
            return ""
        return f", or sooner where {self.patience:,} trials in a row bring no better best"


#: What ends a search, for people.
ENDS = {
    "trials": "its budget of trials",
    "grid": "the last combination",
    "generations": "the last generation",
    "time": "its budget of time",
    "epochs": "its budget of epochs",
    "gpu_hours": "its budget of GPU hours",
}


def make_plan(
    params: Params, root: Path, *, engine: str | None = None, workers: int | None = None, address: str | None = None
) -> Plan:
    """Judge params and reckon what the sweep would cost.

    Args:
        params: The whole of params.yaml.
        root: The project's folder.
        engine: ``inline``, ``ray`` or ``auto``; None takes ``sweep.engine``.
        workers: Trials at once; None takes ``sweep.workers``.
        address: A Ray cluster that is asked what it has.

    Raises:
        InputError: Params are wrong, or the machines have not what they ask for.
    """
    name = engine or params.sweep.engine
    if address is not None:
        address, name = find_cluster(address), "ray" if name == "auto" else name
    check_storage(params.sweep.storage)
    check_shared(params.sweep.shared)
    params, said = packed(params, root)
    resources = params.sweep.resources

    def build(name: str) -> Any:
        return build_engine(name, workers or params.sweep.workers, resources.cpus, resources.share, address)

    runner = None
    try:
        if name != "auto":
            runner = build(name)
            runner.check()
        ready = get_ready(params, root)
        warm = warm_up(ready)
        warnings, found = look(ready, away=address is not None)
        warnings += said + warm.note()
        seen = probe(ready, found)
        if runner is None:
            name = sooner(ready, seen, workers)
            runner = build(name)
            runner.check()
        scarce = pack(runner, seen)
        warnings += [scarce] if scarce else []
        return finish(reckon(ready, seen, name, runner.workers), warnings, ready)
    finally:
        if runner is not None:
            runner.close()


def pack(runner: Engine, seen: Probe) -> str | None:
    """Hold an engine's workers against the memory that a probe saw; what was lowered, in a sentence, or None."""
    return runner.pack(PROCESS_BYTES + seen.training_bytes + seen.data_bytes, BASE_BYTES)


def look(ready: Ready, away: bool = False) -> tuple[list[str], list[Footprint]]:
    """What is wrong with a sweep though it can start, in sentences, and what its networks need.

    Args:
        ready: The sweep.
        away: Whether trials run on other machines, whose memory is not known.

    Raises:
        InputError: A network of the space cannot be built, or does not fit into memory.
    """
    ready.build_all()
    found = footprints(ready)
    return without_effect(ready) + ([] if away else check_fit(ready, found)), found


def finish(plan: Plan, warnings: list[str], ready: Ready) -> Plan:
    """Hold a plan against this machine.

    Raises:
        InputError: The disk has less room than it needs.
    """
    for folder, needed in _rooms(plan, ready).items():
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise InputError(
                f"the plan needs {size(needed)} of disk in {folder.absolute()}, which has {size(free)} left;"
                " free some, or write a smaller sweep.budget."
            )
    free = free_memory()
    if plan.engine == "inline" and plan.memory_bytes - PROCESS_BYTES > free:
        warnings = [*warnings, _scarce(plan, free)]
    return Plan(**{**plan.__dict__, "warnings": tuple(warnings)})


def _rooms(plan: Plan, ready: Ready) -> dict[Path, int]:
    """Bytes of disk that a plan needs, by the folder: checkpoints may lie elsewhere than the record."""
    shared = ready.params.sweep.shared
    states = CHECKPOINT_COPIES * plan.weights_bytes * (plan.workers + plan.kept)
    if shared is None:
        return {ready.root: plan.disk_bytes}
    if shared.startswith(SCHEME):
        return {ready.root: plan.disk_bytes - states}
    if Path(shared).stat().st_dev == ready.root.stat().st_dev:
        return {ready.root: plan.disk_bytes}
    return {ready.root: plan.disk_bytes - states, Path(shared): states}


def _scarce(plan: Plan, free: int) -> str:
    return f"the plan needs {size(plan.memory_bytes)} of memory, and this machine has {size(free)} free."


def reckon(
    ready: Ready, seen: Probe, engine: str, workers: int, limits: Limits | None = None, inherited: int = 0
) -> Plan:
    """What the sweep would cost on one engine.

    Args:
        ready: The sweep.
        seen: What a probe showed.
        engine: Where trials run.
        workers: Trials at once.
        limits: Another budget than that of params.
        inherited: Epochs that trials of a study that grew need not train.
    """
    sweep = ready.params.sweep
    limits = limits or Limits.of(sweep.budget)
    epochs = ready.epochs
    most = ready.sampler.limit(ready.space)
    trials = min(each for each in (limits.trials, most, inf) if each is not None)
    each = min(ready.pruner.expected_epochs(epochs) * (ASYNCHRONOUS if epochs > 1 else 1), epochs)
    if isinstance(ready.sampler, Pbt):
        # A trial is one generation of one member.
        each = epochs / ready.sampler.generations
    start_s = RAY_START_S if engine == "ray" else 0.0
    trial_s = each * seen.epoch_s + OVERHEAD_S[engine]
    gpus = sweep.resources.share * workers
    ends = {ready.sampler.spent if trials == most else "trials": float(trials)}
    limit_s: dict[str, float] = {}
    if limits.seconds is not None:
        limit_s["time"] = limits.seconds
    if limits.gpu_hours is not None and gpus:
        limit_s["gpu_hours"] = limits.gpu_hours * 3600 / gpus
    ends |= {why: max((most_s - start_s) * workers / trial_s, 1.0) for why, most_s in limit_s.items()}
    if limits.epochs is not None:
        ends["epochs"] = max(limits.epochs / each, 1.0)
    ends_by = min(ends, key=lambda why: ends[why])
    count = max(1, ceil(ends[ends_by]) if ends_by == "epochs" else floor(ends[ends_by]))
    seconds = limit_s.get(ends_by, count * trial_s / min(workers, count) + start_s)
    seconds = max(seconds - inherited * seen.epoch_s / min(workers, count), start_s)
    searched = max(min(count * each - inherited, limits.epochs or inf), 0)
    # The best trials come once more under each further seed, to the full fidelity and on top of the budget.
    repeats = min(sweep.repeats.top, count) * sweep.repeats.seeds if sweep.repeats else 0
    if repeats:
        seconds += repeats * (epochs * seen.epoch_s + OVERHEAD_S[engine]) / min(workers, repeats)
    training = seen.training_bytes + seen.data_bytes
    memory = PROCESS_BYTES + training
    if engine == "ray":
        memory = BASE_BYTES + workers * (PROCESS_BYTES + training)
    reports = searched + repeats * epochs
    tracked = ready.params.tracking.uri is None
    kept = 0 if ready.sampler.reach else min(sweep.keep, count)
    return Plan(
        trials=int(trials),
        epochs=epochs,
        epochs_expected=reports,
        epoch_s=seen.epoch_s,
        engine=engine,
        workers=workers,
        seconds=seconds,
        budget_s=limits.seconds,
        memory_bytes=memory,
        disk_bytes=round(
            (count + repeats) * (TRIAL_BYTES + tracked * TRACKED_TRIAL_BYTES)
            + reports * (REPORT_BYTES + tracked * TRACKED_REPORT_BYTES)
            + CHECKPOINT_COPIES * seen.weights_bytes * (workers + kept)
        ),
        gpus=gpus,
        gpu_hours=gpus * seconds / 3600,
        repeats=repeats,
        trials_expected=count,
        ends_by=ends_by,
        patience=limits.patience,
        weights_bytes=seen.weights_bytes,
        training_bytes=seen.training_bytes,
        data_bytes=seen.data_bytes,
        kept=kept,
    )


def sooner(ready: Ready, seen: Probe, workers: int | None, limits: Limits | None = None) -> str:
    """The engine that would be done first; ray starts slowly, inline runs one trial at a time.

    Args:
        ready: The sweep.
        seen: What a probe showed.
        workers: Trials at once that are asked for, or None.
        limits: Another budget than that of params.
    """
    resources = ready.params.sweep.resources
    runner = build_engine("ray", workers or ready.params.sweep.workers, resources.cpus, resources.share, None)
    runner.check()
    pack(runner, seen)
    inline, ray = (
        reckon(ready, seen, name, count, limits).seconds for name, count in (("inline", 1), ("ray", runner.workers))
    )
    return "ray" if ray < CLEARLY * inline else "inline"
