"""What a study really took, and its plan beside it."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nnops.sweep.plan import Plan
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.words import duration, size

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class Actual:
    """What a study took, over all of its drivers.

    Attributes:
        trials: Trials that have ended.
        epochs: That all trials trained, repeats included.
        epoch_s: Seconds of one epoch, on average; None where none is known.
        repeats: Trainings of the best trials that have ended.
        seconds: Wall time.
        gpu_hours: That workers held GPUs.
        memory_bytes: The most that was seen of all processes on this machine, or None.
        disk_bytes: Of the study's folder, as it is.
    """

    trials: int
    epochs: int
    epoch_s: float | None
    repeats: int
    seconds: float
    gpu_hours: float
    memory_bytes: int | None
    disk_bytes: int

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def plan_of(study: Study) -> Plan | None:
    """The plan that a study keeps, the last one where its budget has grown; None where nothing could be planned."""
    record = study.attrs.get("plan")
    return Plan.read(record) if record else None


def measure_actual(study: Study, records: list[TrialRecord]) -> Actual:
    """What a study took so far.

    Args:
        study: The study.
        records: All of its trials and repeats.
    """
    ended = [record for record in records if record.state != "running"]
    timed = [record for record in ended if record.seconds and record.epochs]
    # Those of a parent, or of a study that this one grew from, took their time there.
    free = {int(number): epochs for number, epochs in study.attrs.get("inherits", {}).items()}
    reached = {record.number: record.epochs for record in records}
    free |= {record.number: reached[record.parent] for record in records if record.parent is not None}
    trained = {record.number: max(0, record.epochs - free.get(record.number, 0)) for record in records}
    epochs = sum(trained[record.number] for record in timed)
    return Actual(
        trials=sum(record.repeat is None for record in ended),
        epochs=sum(trained.values()),
        epoch_s=sum(record.seconds or 0.0 for record in timed) / epochs if epochs else None,
        repeats=sum(record.repeat is not None for record in ended),
        seconds=float(study.attrs.get("spent_s", 0.0)),
        gpu_hours=float(study.attrs.get("gpu_hours", 0.0)),
        memory_bytes=study.attrs.get("memory_bytes"),
        disk_bytes=sum(path.stat().st_size for path in study.folder.rglob("*") if path.is_file()),
    )


def compare(plan: Plan, actual: Actual) -> "RenderableType":
    """The plan and what was taken, side by side, for the terminal."""
    from rich.table import Table

    table = Table("", "plan", "actual", box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.columns[0].style = "dim"
    for column in table.columns[1:]:
        column.justify = "right"
    for row in side_by_side(plan, actual):
        table.add_row(*row)
    return table


def side_by_side(plan: Plan, actual: Actual) -> list[tuple[str, str, str]]:
    """What was planned and what was taken, in words: rows of name, plan, actual."""
    rows = [("trials", f"{plan.trials_expected:,}", f"{actual.trials:,}")]
    if plan.repeats or actual.repeats:
        rows.append(("repeats", f"{plan.repeats:,}", f"{actual.repeats:,}"))
    rows.append(("epochs", f"{plan.epochs_expected:,.0f}", f"{actual.epochs:,}"))
    rows.append(("one epoch", duration(plan.epoch_s), "-" if actual.epoch_s is None else duration(actual.epoch_s)))
    rows.append(("time", duration(plan.seconds), duration(actual.seconds)))
    if plan.gpus or actual.gpu_hours:
        rows.append(("GPU hours", f"{plan.gpu_hours:.2g}", f"{actual.gpu_hours:.2g}"))
    memory = "-" if actual.memory_bytes is None else size(actual.memory_bytes)
    rows.append(("memory", size(plan.memory_bytes), memory))
    rows.append(("disk", size(plan.disk_bytes), f"{size(actual.disk_bytes)} kept"))
    return rows


class Peak:
    """The most memory that this process and those below it were seen to hold.

    Args:
        before: What was seen by an earlier driver.
    """

    def __init__(self, before: int | None) -> None:
        self.bytes = before or 0

    def look(self) -> bool:
        """Look now, pages that processes share counting once; whether it is the most so far."""
        import psutil

        held = 0
        here = psutil.Process()
        for process in [here, *here.children(recursive=True)]:
            try:
                seen = process.memory_info()
            except psutil.NoSuchProcess:
                continue
            held += seen.rss - (getattr(seen, "shared", 0) if process.pid != here.pid else 0)
        before, self.bytes = self.bytes, max(self.bytes, held)
        return self.bytes > before
