"""Engine inline: trials run in this process, one after another; breakpoints work."""

from collections.abc import Callable

from nnops.errors import InputError
from nnops.report import Report
from nnops.sweep.conductor import Conductor
from nnops.sweep.trial import Bench, Worker


class Inline:
    """One worker, this process.

    Args:
        workers: Only 1 makes sense; more are refused by :meth:`check`.
        cpus: Not used: a trial has the process.
        gpus: Above 0, torch must see a GPU.
        address: Not used.
    """

    name = "inline"

    def __init__(self, workers: int | None, cpus: float, gpus: float, address: str | None) -> None:
        del cpus, address
        self.workers = 1
        self._asked = workers
        self._gpus = gpus

    def check(self) -> None:
        """See :class:`nnops.sweep.engines.base.Engine`."""
        if self._asked is not None and self._asked > 1:
            raise InputError(
                f"engine inline runs one trial at a time, but {self._asked} workers are asked for;"
                " write sweep.engine: ray or sweep.workers: 1."
            )
        if self._gpus > 0:
            check_gpus(self._gpus)

    def pack(self, each_bytes: int, base_bytes: int) -> str | None:
        """One worker is the least that there is."""

    def start(self) -> None:
        """Nothing to start."""

    def run(self, conductor: Conductor, bench: Bench) -> None:
        """See :class:`nnops.sweep.engines.base.Engine`."""
        worker = Worker(bench)
        while (assignment := conductor.next()) is not None:
            number = assignment.number
            broken: list[BaseException] = []

            def report(moment: Report, number: int = number, broken: list[BaseException] = broken) -> bool:
                # What the study raises is not the trial's fault, so it must not end as the trial's outcome.
                try:
                    # Nobody runs beside it, so no answer is still to come.
                    return not broken and bool(conductor.report(number, moment))
                except BaseException as error:
                    broken.append(error)
                    return False

            outcome = worker.run(assignment, report)
            if broken:
                raise broken[0]
            conductor.finish(number, outcome)

    def close(self, wait: bool = True) -> None:
        """Nothing to end."""

    def aloud(self, tell: Callable[[], None]) -> None:
        """Nothing is silenced."""
        tell()


def check_gpus(gpus: float) -> None:
    """Judge whether this machine has GPUs for one trial.

    Raises:
        InputError: It has not.
    """
    import torch

    found = torch.cuda.device_count()
    if found < gpus:
        what = f"{found} GPU{'s' * (found != 1)}" if found else "no GPU"
        raise InputError(
            f"params.yaml: sweep.resources.gpus: {gpus:g} is asked for, but torch sees {what} here;"
            " write 0 or name a cluster that has them."
        )
