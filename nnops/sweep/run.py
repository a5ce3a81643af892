"""run_sweep(): a study from its beginning, or from where its last driver left it, to its budget."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnops.catalog import unknown
from nnops.errors import InputError
from nnops.params import Params, flatten
from nnops.sweep.apply import SECTIONS
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines import ENGINES, build_engine
from nnops.sweep.engines.base import Engine
from nnops.sweep.event import Closed, Ended, Event, Listener, Note, Opened
from nnops.sweep.lease import Lease
from nnops.sweep.objective import Objective
from nnops.sweep.plan import sooner
from nnops.sweep.probe import probe
from nnops.sweep.projection import Projection
from nnops.sweep.ready import Ready, get_ready
from nnops.sweep.show import count_states
from nnops.sweep.space import Space
from nnops.sweep.study import Study, TrialRecord, check_name, difference, studies, taken
from nnops.tracking.open import open_tracker
from nnops.tracking.tracker import Tracker

#: Seconds that a sweep waits at its end for its tracking to arrive; the background writer goes on without it.
TRACKING_WAIT_S = 0.5


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
    tracker: Tracker | None = None,
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
        tracker: Where runs are put down; None opens the one that params name.

    Raises:
        InputError: Params, name or resources are wrong; nothing was started.
        StudyError: Another process drives the study, or it cannot go on.
    """
    start_s = time.monotonic()
    check_name(name)
    chosen, count = engine or params.sweep.engine, workers or params.sweep.workers
    lease = Lease(studies(root) / name, name)
    study: Study | None = None
    runner: Engine | None = None
    begun = False
    try:
        if resume:
            Study.check_exists(root, name, params.sweep.storage)
            lease.take()
            study = Study.open(root, name, params.sweep.storage, drive=True)
            study.join(lease)
        else:
            Space.parse(params.sweep.space)
        if chosen != "auto" and (resume or not taken(root, name)):
            # The slowest part of all, so it begins before torch is loaded and data are looked at.
            runner = _build(chosen, count, address, params)
            runner.start()
        if study is not None:
            ready = _ready_again(study, params, root)
        else:
            ready = get_ready(params, root)
            Study.check_free(root, name, params, ready.space, ready.objective)
        if runner is None:
            chosen = _sooner(ready, count, address)
            runner = _build(chosen, None if chosen == "inline" else count, address, params)
            runner.start()
        ready.build_all()
        if study is None:
            lease.take()
            study = Study.create(root, name, params, ready.space, ready.objective, ready.data.hash)
            study.join(lease)
        begun = True
        tracker = tracker or open_tracker(params, root)
        projection = Projection(tracker, study, ready.data, root)
        speak = runner.aloud

        def tell(event: Event) -> None:
            speak(lambda: on_event(event))
            projection(event)
            if projection.trouble is not None and isinstance(event, Closed):
                speak(lambda: on_event(Note(projection.trouble or "")))

        summary = _drive(
            study, ready, runner, lease, tell, stop or threading.Event(), start_s,
            trials=trials, seconds=seconds, resumed=resume, notes=_changes(study, params) if resume else [],
        )  # fmt: skip
        tracker.close(TRACKING_WAIT_S)
        return summary
    finally:
        lease.release()
        if runner is not None:
            # What is wrong with the input is said at once, even while an engine starts.
            runner.close(wait=begun)


def _drive(
    study: Study,
    ready: Ready,
    runner: Engine,
    lease: Lease,
    tell: Listener,
    stop: threading.Event,
    start_s: float,
    *,
    trials: int | None,
    seconds: float | None,
    resumed: bool,
    notes: list[str],
) -> Summary:
    """Drive a study whose lease is held."""
    budget = _budget(study, trials, seconds)
    (study.folder / "stop").unlink(missing_ok=True)
    study.set("ended", None)
    conductor = Conductor(study, lease, trials=budget["trials"], seconds=budget["seconds"], stop=stop, tell=tell)
    tell(_opened(study, conductor, runner, resumed))
    for text in notes:
        tell(Note(text))
    try:
        with _soft_interrupt(stop, tell):
            runner.run(conductor, ready.bench(study.folder))
    finally:
        conductor.close()
        summary = _summary(study, conductor, time.monotonic() - start_s)
        best = summary.best
        number, value = (best.number, best.value) if best else (None, None)
        tell(Closed(study.name, summary.state, summary.why, summary.trials, number, value, summary.seconds))
    return summary


def _build(name: str, workers: int | None, address: str | None, params: Params) -> Engine:
    """Build an engine and hold what is asked of it against the machines."""
    if name not in ENGINES:
        raise InputError(f"engine: {unknown('engine', name, [*ENGINES, 'auto'])}")
    resources = params.sweep.resources
    runner = build_engine(name, workers, resources.cpus, resources.gpus, address)
    runner.check()
    return runner


def _sooner(ready: Ready, workers: int | None, address: str | None) -> str:
    """The engine that would be done first."""
    return "ray" if address is not None else sooner(ready, probe(ready), workers)


def _opened(study: Study, conductor: Conductor, runner: Engine, resumed: bool) -> Opened:
    records = study.trials()
    best = study.best(records)
    sweep = study.params.sweep
    return Opened(
        name=study.name,
        engine=runner.name,
        workers=runner.workers,
        metric=study.objective.metric,
        direction=study.objective.direction,
        sampler=sweep.sampler.name,
        pruner=sweep.pruner.name,
        keys=tuple(dimension.key for dimension in study.space.dimensions),
        epochs=study.params.train.epochs,
        trials=len(records),
        counts=count_states(records),
        best=best
        and Ended(best.number, "complete", best.value, best.epochs, best.seconds or 0, best.config, best=True),
        budget=conductor.budget,
        budget_s=conductor.budget_s,
        spent_s=conductor.spent_s,
        resumed=resumed,
    )


def _ready_again(study: Study, params: Params, root: Path) -> Ready:
    """Hold a study that goes on against what params say now; it trains under the params that it began with."""
    if params.sweep.space:
        written = params.sweep.objective
        now = Objective(written.metric, written.direction)
        differs = difference(study, Space.parse(params.sweep.space), now)
        if differs:
            raise InputError(
                f"study '{study.name}' has {differs}; put params.yaml back as it was, or start a new study with"
                " 'nnops sweep start NAME'."
            )
    ready = get_ready(study.params, root)
    kept = study.attrs["data_hash"]
    if ready.data.hash != kept:
        raise InputError(
            f"study '{study.name}' was begun on other data (hash {kept[:12]}, now {ready.data.hash[:12]}); put the data"
            " back, or start a new study with 'nnops sweep start NAME'."
        )
    return ready


def _budget(study: Study, trials: int | None, seconds: float | None) -> dict[str, Any]:
    """The study's budget, after it was changed by what is given."""
    kept = study.attrs["budget"]
    budget = {"trials": trials or kept["trials"], "seconds": seconds or kept["seconds"]}
    if budget != kept:
        study.set("budget", budget)
    return budget


def _changes(study: Study, params: Params) -> list[str]:
    """What of params.yaml no longer is as the study began, where a trial would read it."""
    old, new = flatten(study.params.record(*SECTIONS)), flatten(params.record(*SECTIONS))
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
        trials=count_states(records),
        best=study.best(records),
        seconds=seconds,
        uid=study.uid,
    )


@contextmanager
def _soft_interrupt(stop: threading.Event, tell: Listener) -> Iterator[None]:
    """In the main thread: the first Ctrl-C or SIGTERM asks to stop, the second one interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(signum: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        tell(Note("stopping: running trials are let go at their next epoch; Ctrl-C again stops at once"))

    before = {signum: signal.signal(signum, handle) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
