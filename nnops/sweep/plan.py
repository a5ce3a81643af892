"""The plan of a sweep: what it would cost, reckoned from a short probe; starts nothing."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.params import Params
from nnops.sweep.engines import build_engine
from nnops.sweep.probe import Probe, probe
from nnops.sweep.ready import Ready, get_ready
from nnops.sweep.words import duration, size

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Seconds until engine ray trains: import, start, and the workers' own imports.
RAY_START_S = 12.0
#: Seconds a trial costs beside its epochs.
OVERHEAD_S = {"inline": 0.012, "ray": 0.025}
#: Asynchronous halving lets more trials go on than the synchronous reckoning says.
ASYNCHRONOUS = 1.4
#: Bytes of a driver and of a worker with torch loaded, and of Ray's own processes.
PROCESS_BYTES, RAY_BYTES = 300_000_000, 700_000_000
#: Weights, gradients and the two moments of Adam, and the best weights kept.
TRAINING_COPIES = 5
#: Bytes of a trial's record in the journal, and of one report.
TRIAL_BYTES, REPORT_BYTES = 1_500, 150


@dataclass(frozen=True)
class Plan:
    """What a sweep would cost.

    Attributes:
        trials: Trials in all.
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

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    def table(self) -> "RenderableType":
        """For the terminal."""
        from rich.table import Table

        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="dim")
        table.add_column()
        spent = f"about {self.epochs_expected:,.0f} in all, {duration(self.epoch_s)} each"
        limit = f", at most {duration(self.budget_s)}" if self.budget_s is not None else ""
        table.add_row("trials", f"{self.trials:,}, up to {self.epochs} epochs each")
        table.add_row("epochs", spent)
        table.add_row("engine", f"{self.engine}, {self.workers} at a time")
        table.add_row("time", f"about {duration(self.seconds)}{limit}")
        table.add_row("memory", size(self.memory_bytes))
        table.add_row("disk", size(self.disk_bytes))
        table.add_row("GPUs", f"{self.gpus:g} at once, {self.gpu_hours:.2g} GPU hours" if self.gpus else "none")
        return table


def make_plan(params: Params, root: Path, *, engine: str | None = None, workers: int | None = None) -> Plan:
    """Judge params and reckon what the sweep would cost.

    Raises:
        InputError: Params are wrong, or the machine has not what they ask for.
    """
    ready = get_ready(params, root)
    seen = probe(ready)
    name = engine or params.sweep.engine
    if name == "auto":
        name = sooner(ready, seen, workers)
    resources = params.sweep.resources
    runner = build_engine(name, workers or params.sweep.workers, resources.cpus, resources.gpus, None)
    runner.check()
    return reckon(ready, seen, name, runner.workers)


def reckon(ready: Ready, seen: Probe, engine: str, workers: int) -> Plan:
    """What the sweep would cost on one engine."""
    sweep = ready.params.sweep
    trials, epochs = ready.budget, ready.epochs
    each = min(ready.pruner.expected_epochs(epochs) * (ASYNCHRONOUS if epochs > 1 else 1), epochs)
    work_s = trials * (each * seen.epoch_s + OVERHEAD_S[engine])
    seconds = work_s / min(workers, trials) + (RAY_START_S if engine == "ray" else 0.0)
    limit = sweep.budget.seconds
    if limit is not None:
        seconds = min(seconds, limit)
    training = TRAINING_COPIES * seen.weights_bytes + seen.data_bytes
    memory = PROCESS_BYTES + training if engine == "inline" else PROCESS_BYTES + RAY_BYTES
    if engine == "ray":
        memory += workers * (PROCESS_BYTES + training)
    gpus = sweep.resources.gpus * workers
    return Plan(
        trials=trials,
        epochs=epochs,
        epochs_expected=trials * each,
        epoch_s=seen.epoch_s,
        engine=engine,
        workers=workers,
        seconds=seconds,
        budget_s=limit,
        memory_bytes=memory,
        disk_bytes=round(
            trials * (TRIAL_BYTES + each * REPORT_BYTES) + 2 * workers * TRAINING_COPIES * seen.weights_bytes
        ),
        gpus=gpus,
        gpu_hours=gpus * seconds / 3600,
    )


def sooner(ready: Ready, seen: Probe, workers: int | None) -> str:
    """The engine that would be done first; ray starts slowly, inline runs one trial at a time."""
    resources = ready.params.sweep.resources
    runner = build_engine("ray", workers or ready.params.sweep.workers, resources.cpus, resources.gpus, None)
    runner.check()
    inline, ray = (reckon(ready, seen, name, count).seconds for name, count in (("inline", 1), ("ray", runner.workers)))
    return "inline" if inline <= ray else "ray"
