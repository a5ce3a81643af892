"""run_sweep(): a study from its beginning, or from where its last driver left it, to its budget."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nnops.params import Params, overlay
from nnops.sweep.actual import Peak
from nnops.sweep.beginning import (
    build,
    changes,
    check_machines,
    choose,
    left_of,
    look_again,
    make_first_plan,
    plan_again,
    ready_again,
)
from nnops.sweep.budget import MORE, Limits
from nnops.sweep.conductor import Conductor
from nnops.sweep.control import forget, forget_in
from nnops.sweep.engines import build_engine
from nnops.sweep.engines.base import Engine
from nnops.sweep.engines.reach import find_cluster
from nnops.sweep.event import Closed, Ended, Event, Listener, Note
from nnops.sweep.grow import Growth, check_grows, grow
from nnops.sweep.inherit import take_over
from nnops.sweep.lease import Lease
from nnops.sweep.names import check_name, new_uid, studies
from nnops.sweep.objective import Objective
from nnops.sweep.packing import packed
from nnops.sweep.plan import look
from nnops.sweep.probe import Probe
from nnops.sweep.projection import Projection
from nnops.sweep.ready import Ready, get_ready
from nnops.sweep.share import check_shared, checkpoints_of
from nnops.sweep.shelf import open_shelf
from nnops.sweep.space import Space
from nnops.sweep.storage import answering, check_storage
from nnops.sweep.study import Study
from nnops.sweep.summary import Summary, opened, summarize
from nnops.sweep.warm import warm_up
from nnops.tracking.null import NullTracker
from nnops.tracking.open import open_tracker
from nnops.tracking.reach import BackgroundCheck
from nnops.tracking.tracker import Tracker

#: Seconds that a sweep waits at its end for its tracking to arrive, and the share of its own time that this may be at
#: most; the background writer goes on without it.
TRACKING_WAIT_S, TRACKING_WAIT_SHARE = 0.5, 0.005
#: Seconds between two looks at the memory that processes hold.
PEAK_EVERY_S = 10.0
#: What a call gives a study that is not to have another budget.
NOTHING = Limits()


def silent(event: Event) -> None:
    """The listener of a sweep that nobody watches."""
    del event


@answering()
def run_sweep(
    params: Params,
    root: Path,
    name: str,
    *,
    engine: str | None = None,
    workers: int | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    budget: Limits = NOTHING,
    on_event: Listener = silent,
    stop: threading.Event | None = None,
    resume: bool = False,
    grows: str | None = None,
    top: int = 3,
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
        budget: The same for all that a budget may limit.
        on_event: Called for everything that happens (see :mod:`nnops.sweep.event`).
        stop: Set it, from another thread, to leave the study resumable. In the main thread the first Ctrl-C does so.
        resume: Go on with a study that exists.
        grows: A study that ended, as which this one goes on (see :mod:`nnops.sweep.grow`).
        top: How many of its best configs are taken over where its trials do not compare.
        address: A Ray cluster; None starts one on this machine.
        tracker: Where runs are put down; None opens the one that params name.

    Raises:
        InputError: Params, name or resources are wrong; nothing was started.
        StudyError: Another process drives the study, or it cannot go on.
    """
    start_s = time.monotonic()
    check_name(name)
    budget = budget.changed(Limits(trials, seconds))
    chosen, count = engine or params.sweep.engine, workers or params.sweep.workers
    lease = Lease(studies(root) / name, name)
    study: Study | None = None
    runner: Engine | None = None
    begun = False
    notes: list[str] = []
    try:
        if resume:
            Study.check_exists(root, name, params.sweep.storage)
            lease.take()
            study = Study.open(root, name, params.sweep.storage, drive=True)
            study.join(lease)
            # What an earlier driver was asked; from now on it is this one.
            forget(study)
            check_shared(study.params.sweep.shared)
            if study.attrs.get("ended") and budget == NOTHING:
                notes.append(_nothing_left(study))
                # Nobody will train, so no engine need be started, nor resources be there.
                runner = build_engine("inline", None, 1, 0, None)
        else:
            space = Space.parse(params.sweep.space)
            # Before all that takes its time, so that a second beginner of this study is refused at once.
            lease.take()
            forget_in(studies(root) / name)
            Study.check_free(root, name, params, space, Objective.written(params))
            check_storage(params.sweep.storage)
            check_shared(params.sweep.shared)
            old = Study.open(root, grows, params.sweep.storage) if grows else None
            if old is not None:
                check_grows(old)
        if address is not None and runner is None:
            address, chosen = find_cluster(address), "ray" if chosen == "auto" else chosen
        if study is not None:
            # What it measured when it began holds.
            params = overlay(params, {"sweep.resources.gpus": study.params.sweep.resources.gpus})
        else:
            params, said = packed(params, root)
            notes += said
        if runner is None and chosen != "auto":
            # The slowest part of all, so it begins before torch is loaded and data are looked at.
            runner = build(chosen, count, address, params)
            runner.start()
        if study is not None:
            ready = ready_again(study, params, root)
        else:
            ready = get_ready(params, root)
            growth = grow(old, ready, top) if old is not None else Growth()
            warm = warm_up(ready)
            warm.queue = [*growth.queue, *(config for config in warm.queue if config not in growth.queue)]
        budget.check(ready.params.sweep.resources.share)
        away = address is not None and runner is not None and runner.name == "ray"
        if away:
            check_machines(ready, studies(root) / name)
        seen: Probe | None = None
        warnings, found = look(ready, away=away) if study is None else look_again(ready, runner)
        if runner is None:
            chosen, seen = choose(ready, found, count, left_of(study, budget) if study is not None else None)
            runner = build(chosen, None if chosen == "inline" else count, address, params)
            runner.start()
        if study is None:
            notes += [f"{growth.said}."] if growth.said else []
            notes += warm.note()
            plan = make_first_plan(ready, seen, found, runner, warnings, notes, growth.epochs)
            notes += warnings
            uid, folder = new_uid(name), studies(root) / name
            # What a beginning that was cut off left behind must not be taken for this study's.
            open_shelf(checkpoints_of(None, uid, folder)).delete()
            if old is not None and growth.inherits:
                take_over(old, growth.inherits, checkpoints_of(params.sweep.shared, uid, folder))
            # All this may have taken long, and a machine that does not see our processes knows the lease by its beats.
            lease.beat()
            more = {"uid": uid} | warm.attrs() | growth.attrs | ({"plan": plan.to_json()} if plan is not None else {})
            study = Study.create(
                root, name, params, ready.space, ready.objectives, ready.data.hash, more, growth.trials
            )
            study.join(lease)
        else:
            plan_again(study, ready, runner, budget)
        begun = True
        tracker = tracker or open_tracker(params, root)
        check = None if isinstance(tracker, NullTracker) else BackgroundCheck(params, root)
        projection = Projection(tracker, study, ready.data, root)
        speak = runner.aloud

        peak, look_s = Peak(study.attrs.get("memory_bytes")), time.monotonic()

        def tell(event: Event) -> None:
            nonlocal look_s
            speak(lambda: on_event(event))
            projection(event)
            if isinstance(event, Ended) and time.monotonic() >= look_s:
                look_s = time.monotonic() + PEAK_EVERY_S
                if peak.look():
                    study.set("memory_bytes", peak.bytes)
            if projection.trouble is not None and isinstance(event, Closed):
                speak(lambda: on_event(Note(projection.trouble or "")))

        summary = _drive(
            study, ready, runner, lease, tell, stop or threading.Event(), start_s,
            budget=budget, resumed=resume, notes=notes + changes(study, params) if resume else notes,
        )  # fmt: skip
        if not tracker.close(min(TRACKING_WAIT_S, TRACKING_WAIT_SHARE * summary.seconds)) and check is not None:
            unsent = check.explain_unsent()
            if unsent is not None:
                speak(lambda: on_event(Note(unsent)))
        return summary
    finally:
        try:
            lease.release(begun=resume or study is not None)
        finally:
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
    budget: Limits,
    resumed: bool,
    notes: list[str],
) -> Summary:
    """Drive a study whose lease is held."""
    limits, gpus = _budget(study, budget), study.params.sweep.resources.share
    study.set("ended", None)
    if study.attrs.get("paused"):
        study.set("paused", None)
    conductor = Conductor(study, lease, stop=stop, tell=tell, gpus=gpus * runner.workers, **limits.record())
    tell(opened(study, conductor, runner, resumed))
    for text in notes:
        tell(Note(text))
    try:
        with _soft_interrupt(stop, tell):
            runner.run(conductor, ready.bench(study.checkpoints, study.folder))
    finally:
        conductor.close()
        summary = summarize(study, conductor, time.monotonic() - start_s)
        best = summary.best
        number, value = (best.number, best.value) if best else (None, None)
        tell(
            Closed(
                study.name, summary.state, summary.why, summary.trials, number, value, summary.seconds, summary.reason
            )
        )
    return summary


def _budget(study: Study, given: Limits) -> Limits:
    """The study's budget, after it was changed by what is given."""
    kept = Limits.read(study.attrs["budget"])
    budget = kept.changed(given)
    if budget != kept:
        study.set("budget", budget.record())
    return budget


def _nothing_left(study: Study) -> str:
    why = study.attrs["ended"]
    more = f"; '{MORE[why]}' gives it more" if why in MORE else ""
    return f"nothing is left to do, since {Limits.read(study.attrs['budget']).words(why)}{more}."


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
