"""run_sweep(): a study from its beginning, or from where its last driver left it, to its budget."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnops.errors import InputError
from nnops.params import Params, flatten
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines import build_engine
from nnops.sweep.event import Closed, Event, Listener, Note, Opened
from nnops.sweep.ready import Ready, get_ready
from nnops.sweep.storage import heal
from nnops.sweep.study import STATES, Study, TrialRecord, difference


@dataclass(frozen=True)
class Summary:
    """How a call of :func:`run_sweep` ended.

    Attributes:
        name: The study.
        state: ``complete``, or ``stopped`` where it can be resumed.
        why: ``trials``, ``time``, ``grid`` or ``stop``.
        trials: Number of trials by state.
        best: The best trial that spent its full fidelity.
        seconds: Wall time of this call.
        uid: Of the study's tracked run.
    """

    name: str
    state: str
    why: str
    trials: dict[str, int]
    best: TrialRecord | None
    seconds: float
    uid: str


def silent(event: Event) -> None:
    """The listener of a sweep that nobody watches."""
    del event


def run_sweep(
    params: Params,
    root: Path,
    name: str,
    *,
    engine: str | None = None,
    workers: int | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    on_event: Listener = silent,
    stop: threading.Event | None = None,
    resume: bool = False,
    address: str | None = None,
) -> Summary:
    """Run a study until its budget is spent or it is told to stop.

    Args:
        params: The whole of params.yaml. A study that is resumed trains under the params that it began with.
        root: The project's folder.
        name: The study's name.
        engine: ``inline``, ``ray`` or ``auto``; None takes ``sweep.engine``.
        workers: Trials at once; None takes ``sweep.workers``.
        trials: Trials in all; None takes ``sweep.budget.trials``, or what the study began with.
        seconds: Time in all; None takes ``sweep.budget.time``, or what the study began with.
        on_event: Called for everything that happens (see :mod:`nnops.sweep.event`).
        stop: Set it, from another thread, to leave the study resumable. In the main thread the first Ctrl-C does so.
        resume: Go on with a study that exists.
        address: A Ray cluster; None starts one on this machine.

    Raises:
        InputError: Params, name or resources are wrong; nothing was started.
        StudyError: Another process drives the study, or it cannot go on.
    """
    start_s = time.monotonic()
    stop = stop or threading.Event()
    if resume:
        study, ready = _reopen(params, root, name)
    else:
        study, ready = None, get_ready(params, root)
    sweep = params.sweep
    runner = build_engine(
        engine or sweep.engine,
        workers or sweep.workers,
        sweep.resources.cpus,
        sweep.resources.gpus,
        address,
    )
    runner.check()
    runner.start()
    lease = None
    try:
        if study is None:
            study = Study.create(root, name, params, ready.space, ready.objective, ready.data.hash)
        lease = study.lease()
        lease.take(name)
        heal(study.folder)
        study = Study.open(root, name)
        budget = _budget(study, trials, seconds)

        def tell(event: Event) -> None:
            runner.aloud(lambda: on_event(event))

        (study.folder / "stop").unlink(missing_ok=True)
        study.set("ended", None)
        conductor = Conductor(study, lease, trials=budget["trials"], seconds=budget["seconds"], stop=stop, tell=tell)
        asked = study.count()
        tell(
            Opened(
                name,
                runner.name,
                runner.workers,
                ready.objective.metric,
                ready.objective.direction,
                ready.params.train.epochs,
                asked,
                budget["trials"],
                budget["seconds"],
                resume,
            )
        )
        for text in _changes(study, params) if resume else ():
            tell(Note(text))
        try:
            with _soft_interrupt(stop):
                runner.run(conductor, ready.bench(study.folder))
        finally:
            conductor.close()
            summary = _summary(study, conductor, time.monotonic() - start_s)
            best = summary.best
            tell(
                Closed(
                    name,
                    summary.state,
                    summary.why,
                    summary.trials,
                    best.number if best else None,
                    best.value if best else None,
                    summary.seconds,
                )
            )
        return summary
    finally:
        if lease is not None:
            lease.release()
        runner.close()


def _reopen(params: Params, root: Path, name: str) -> tuple[Study, Ready]:
    """Open a study to go on with it, under the params that it began with."""
    study = Study.open(root, name, params.sweep.storage)
    if params.sweep.space:
        from nnops.sweep.objective import Objective
        from nnops.sweep.space import Space

        written = params.sweep.objective
        now = Objective(written.metric, written.direction)
        differs = difference(study, Space.parse(params.sweep.space), now)
        if differs:
            raise InputError(
                f"study '{name}' has {differs}; put params.yaml back as it was, or start a new study with"
                " 'nnops sweep start NAME'."
            )
    ready = get_ready(study.params, root)
    kept = study.attrs["data_hash"]
    if ready.data.hash != kept:
        raise InputError(
            f"study '{name}' was begun on other data (hash {kept[:12]}, now {ready.data.hash[:12]}); put the data back,"
            " or start a new study with 'nnops sweep start NAME'."
        )
    return study, ready


def _budget(study: Study, trials: int | None, seconds: float | None) -> dict[str, Any]:
    """The study's budget, after it was changed by what is given."""
    kept = study.attrs["budget"]
    budget = {"trials": trials or kept["trials"], "seconds": seconds or kept["seconds"]}
    if budget != kept:
        study.set("budget", budget)
    return budget


def _changes(study: Study, params: Params) -> list[str]:
    """What of params.yaml no longer is as the study began, where a trial would read it."""
    sections = ("seed", "data", "model", "loss", "train")
    old, new = flatten(study.params.record(*sections)), flatten(params.record(*sections))
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    changed = [key for key in changed if key not in study.space.by_key]
    if not changed:
        return []
    return [f"params.yaml has changed since the study began ({', '.join(changed)}); its trials keep the old values."]


def _summary(study: Study, conductor: Conductor, seconds: float) -> Summary:
    records = study.trials()
    return Summary(
        name=study.name,
        state="complete" if study.attrs.get("ended") else "stopped",
        why=conductor.why,
        trials={state: sum(record.state == state for record in records) for state in STATES},
        best=study.best(records),
        seconds=seconds,
        uid=study.uid,
    )


@contextmanager
def _soft_interrupt(stop: threading.Event) -> Iterator[None]:
    """In the main thread: the first Ctrl-C or SIGTERM asks to stop, the second one interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(signum: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {signum: signal.signal(signum, handle) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
