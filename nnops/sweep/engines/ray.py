"""Engine ray: trials run in warm Ray workers that Ray Tune places, holds and replaces.

A trial of Tune's is a place for one worker, which asks the driver for trial after trial of the study through a desk.
So Tune does what it is good at, and its 30 ms a trial are paid once a worker. What it would do beside that is switched
off: its loggers, its snapshots, its resume, its judgement. A worker that dies is replaced, and its trial goes on from
its own checkpoint under the same number.
"""

import gc
import importlib
import json
import logging
import os
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from nnops.errors import InputError, StudyError
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines.desk import Desk, Message
from nnops.sweep.engines.dispatch import Answer, Dispatch
from nnops.sweep.engines.inline import check_gpus
from nnops.sweep.engines.places import Places
from nnops.sweep.engines.quiet import Quiet
from nnops.sweep.footprint import free_memory
from nnops.sweep.holder import born
from nnops.sweep.packing import workers_for
from nnops.sweep.trial import Bench
from nnops.sweep.words import size

#: Seconds that the driver waits for workers before it looks elsewhere; at the end of a study it hurries.
WAIT_S, END_S = 0.2, 0.02
#: Seconds between two looks at the study while Ray starts.
START_LOOK_S = 0.5
#: Seconds that workers have to leave when the driver fails, and what they are told.
LEAVE_S = 5.0
LEAVE = json.dumps({"go_on": False, "assignment": None})
#: Seconds that a desk has to begin, and to answer; one that died is back in 5 to 15 s, on a full machine in 30. Ray
#: itself ends a driver whose cluster has gone after a minute, without a word.
BEGIN_S, SILENT_S = 180.0, 45.0
#: Set before Ray is imported or started; each was needed to keep it quiet, quick or off the network.
SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS": "0",
    # Else whatever of Tune still cleans up after Ray has been shut down would start another Ray, in a thread that ends
    # and takes Ray's processes with it; a minute later Ray ends this process, without a word.
    "RAY_ENABLE_AUTO_CONNECT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_preload_python_modules": "torch,nnops.training.train,nnops.sweep.trial,ray.tune.trainable",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    # At its end Tune would wait ten minutes for a worker on a node that has died.
    "TUNE_FORCE_TRIAL_CLEANUP_S": "5",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "1000000",
}


class SilentError(StudyError):
    """The cluster does not answer any more."""


class RayEngine:
    """Workers of a Ray cluster.

    Args:
        workers: Trials at once, or None for as many as the machines can take.
        cpus: Cores that a trial occupies.
        gpus: GPUs that a trial occupies; a part of one is allowed.
        address: A cluster, or None to start one on this machine.
    """

    name = "ray"
    #: The thread of an engine of this process that left without waiting for its end.
    _leaving: threading.Thread | None = None

    def __init__(self, workers: int | None, cpus: float, gpus: float, address: str | None) -> None:
        self.workers = workers or 0
        self._cpus, self._gpus, self._address = cpus, gpus, address
        self._starter: threading.Thread | None = None
        self._checked, self._started, self._left = threading.Event(), threading.Event(), threading.Event()
        self._broken: list[BaseException] = []
        self._served = False
        self._desk: Any = None
        self._places = Places()
        self._nodes: list[tuple[float, float, int]] = []
        self._fits: list[int] = []
        self._quiet = Quiet(Path(tempfile.gettempdir()) / f"nnops-ray-{os.getpid()}.log")

    def check(self) -> None:
        """See :class:`nnops.sweep.engines.base.Engine`; a cluster that is named is asked what it has."""
        if self._address is not None:
            self.start()
            self._wait()
            self._nodes = self._cluster_nodes()
        else:
            if self._gpus > 0:
                check_gpus(self._gpus)
            self._nodes = [(*self._this_machine(), free_memory())]
        self._fits = self._fitting()
        if self.workers:
            self._checked.set()
        self.workers = self.workers or max(sum(self._fits), 1)

    def pack(self, each_bytes: int, base_bytes: int) -> str | None:
        """See :class:`nnops.sweep.engines.base.Engine`; a number that was asked for stays."""
        if self._checked.is_set():
            return None
        machines = [(fit, node[2]) for fit, node in zip(self._fits, self._nodes, strict=True)]
        before, self.workers = self.workers, workers_for(machines, each_bytes, base_bytes)
        self._checked.set()
        if self.workers >= before:
            return None
        free = size(sum(node[2] for node in self._nodes))
        return (
            f"{self.workers} worker{'s' * (self.workers > 1)} in place of {before}, since each needs about"
            f" {size(each_bytes)} of memory and {free} are free; sweep.workers asks for another number."
        )

    def start(self) -> None:
        """Start Ray and, once :meth:`check` has said how many, the workers, all in a thread."""
        if self._starter is None:
            # It hooks itself into forks; were it loaded while Ray's thread forks, it would release what it never took.
            importlib.import_module("concurrent.futures.thread")
            self._starter = threading.Thread(target=self._hold, name="ray", daemon=True)
            self._starter.start()

    def run(self, conductor: Conductor, bench: Bench) -> None:
        """See :class:`nnops.sweep.engines.base.Engine`."""
        self._quiet = Quiet(conductor.study.folder / "engine.log")
        with self._quiet:
            self._checked.set()
            self.start()
            while not self._started.wait(START_LOOK_S):
                conductor.tick()
                if conductor.over:
                    return
            self._wait()
            self._served = True
            try:
                self._served = _serve(conductor, bench, self._desk, self._places)
            except SilentError:
                # Whoever waited for the end of what does not answer would wait for ever.
                self._starter = None
                raise
            except BaseException:
                self._dismiss()
                raise

    def close(self, wait: bool = True) -> None:
        """Leave the cluster, and end it if it was started here."""
        self._places.over = True
        self._checked.set()
        # A cluster that was found is left in a moment; one that is still being started here would take seconds.
        quick = self._address is not None and self._started.is_set()
        if self._starter is None or not (quick or (wait and self._served)):
            if self._desk is not None:
                self._desk.close.remote(LEAVE)
            RayEngine._leaving = self._starter
            self._left.set()
            return
        self._dismiss()
        self._left.set()
        self._starter.join()
        self._starter = None

    def aloud(self, tell: Callable[[], None]) -> None:
        """See :class:`nnops.sweep.engines.base.Engine`."""
        self._quiet.aloud(tell)

    def _hold(self) -> None:
        # Ray's processes die with the thread that started them, so it stays until they are to end.
        before, RayEngine._leaving = RayEngine._leaving, None
        if before is not None:
            before.join()
        try:
            owned = connect(self._address, max(self._this_machine()[0], round(self.workers * self._cpus)))
            self._desk = _desk()
        except BaseException as error:
            self._broken.append(error)
            self._started.set()
            return
        self._started.set()
        self._checked.wait()
        self._places.hold(self._desk, self.workers, self._cpus, self._gpus)
        import ray

        self._left.wait()
        if not ray.is_initialized():
            # The process ends, and whoever speaks to Ray now would start it again.
            return
        ray.kill(self._desk)
        # What still refers to an actor of this Ray must be gone, or its end would reach the next one of this process.
        self._desk = None
        gc.collect()
        if owned:
            ray.shutdown()

    def _dismiss(self) -> None:
        """Tell workers to leave, whatever they do."""
        import ray
        from ray.exceptions import RayError

        self._places.over = True
        self._started.wait()
        desk = self._desk
        if desk is not None and not self._places.ended.is_set():
            try:
                ray.get(desk.close.remote(LEAVE), timeout=LEAVE_S)
            except RayError:
                # Then there is nobody left to be told.
                return
            self._places.ended.wait(LEAVE_S)

    def _wait(self) -> None:
        self._started.wait()
        if self._broken:
            error = self._broken[0]
            where = f"the cluster at {self._address} does not answer" if self._address else "Ray does not start here"
            raise StudyError(f"{where}: {error}; run the sweep with engine inline.") from error

    def _this_machine(self) -> tuple[float, float]:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if self._gpus == 0:
            return cores, 0
        import torch

        return cores, torch.cuda.device_count()

    def _cluster_nodes(self) -> list[tuple[float, float, int]]:
        """Cores, GPUs and bytes of memory of each machine."""
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return [(node.get("CPU", 0.0), node.get("GPU", 0.0), int(node.get("memory", 0))) for node in nodes]

    def _fitting(self) -> list[int]:
        """Trials at once on each machine, by its cores and GPUs."""
        cpus, gpus, nodes = self._cpus, self._gpus, self._nodes
        most_cpus = max((node[0] for node in nodes), default=0)
        if gpus and not any(node[1] >= min(gpus, 1) and node[1] >= gpus for node in nodes):
            raise InputError(
                f"params.yaml: sweep.resources.gpus: {gpus:g} is asked for, but no machine of the cluster has so many;"
                " write 0 or name another cluster."
            )
        if cpus > most_cpus:
            raise InputError(
                f"params.yaml: sweep.resources.cpus: {cpus:g} is asked for, but the largest machine has"
                f" {most_cpus:g}; write at most that."
            )
        return [int(min(node[0] / cpus, node[1] / gpus if gpus else node[0] / cpus)) for node in nodes]


def connect(address: str | None, cpus: float) -> bool:
    """Connect to Ray, starting it where no address is given; whether that was needed."""
    for key, value in SETTINGS.items():
        os.environ.setdefault(key, value)
    if address is None and "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        # Else Ray would write a token into the home folder. Once imported, it has made up its mind: its servers would
        # ask for a token that this process does not send.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid.uuid4().hex}
    import ray

    fresh = not ray.is_initialized()
    if fresh:
        options: dict[str, Any] = {"address": address}
        if address is None:
            options = {
                # Without it Ray joins whatever cluster an old file names.
                "address": "local",
                "num_cpus": cpus,
                "include_dashboard": False,
                "object_store_memory": 100 * 1024 * 1024,
            }
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
    importlib.import_module("ray.tune")
    return fresh


def _serve(conductor: Conductor, bench: Bench, desk: Any, places: Places) -> bool:
    """Speak with workers until the conductor is over and they have left; whether there was any."""
    dispatch = Dispatch(conductor, bench)
    heard = False
    answers: list[Answer] = []
    patience_s = BEGIN_S
    while not places.ended.is_set():
        conductor.tick()
        mail = _await(desk.exchange.remote(answers, END_S if places.over else WAIT_S), conductor, patience_s, heard)
        patience_s = SILENT_S
        heard = heard or bool(mail)
        while places.deaths:
            dispatch.lose(*places.deaths.popleft())
        for address, count, text in mail:
            dispatch.hear(address, count, text)
        answers = dispatch.answers()
        places.over = conductor.over
        if places.over and not heard:
            return False
    if not conductor.over:
        reason = "its workers have left" if places.broken is None else _reason(places.broken)
        if places.broken is None and dispatch.blind:
            machine, path = next(iter(dispatch.blind.items()))
            reason = f"machine {machine} does not see {path}, and no other one is left"
        raise StudyError(
            f"the engine ray cannot go on: {reason}; 'nnops sweep resume {conductor.study.name}' loses nothing."
        ) from places.broken
    return heard


def _await(mail: Any, conductor: Conductor, patience_s: float, heard: bool) -> list[Message]:
    """What the desk answers; the lease is kept meanwhile. One that has heard nobody is not waited for at the end.

    Raises:
        SilentError: It does not.
        StudyError: It has gone.
    """
    import ray
    from ray.exceptions import GetTimeoutError, RayActorError

    since_s = time.monotonic()
    while True:
        try:
            return ray.get(mail, timeout=2.0 if heard else START_LOOK_S)
        except GetTimeoutError as error:
            conductor.tick()
            if conductor.over and not heard:
                return []
            if time.monotonic() - since_s > patience_s:
                raise SilentError(
                    f"the engine ray cannot go on: its cluster does not answer for {patience_s:.0f} s; when it does, or"
                    f" on another one, 'nnops sweep resume {conductor.study.name}' loses nothing."
                ) from error
        except (SystemExit, RayActorError) as error:
            # The former is how Ray tells a driver that the actor it waits for was told to go; nobody here told it.
            raise StudyError(
                f"the engine ray cannot go on: its desk has gone ({_reason(error)}); 'nnops sweep resume"
                f" {conductor.study.name}' loses nothing."
            ) from error


def _desk() -> Any:
    """A desk on the driver's node, which is started again should it die; what was asked is asked again.

    It is pinned hard: with a soft wish Ray has put it on another node, whose death then stopped the whole sweep until
    Ray knew of it. It is detached, since Ray has ended a desk in use by its count of handles; so it looks after its
    driver itself.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    options: dict[str, Any] = {
        "num_cpus": 0,
        "max_restarts": -1,
        "max_task_retries": -1,
        "scheduling_strategy": NodeAffinitySchedulingStrategy(here, soft=False),
        "lifetime": "detached",
        "name": f"nnops-desk-{uuid.uuid4().hex}",
        "namespace": "nnops",
    }
    return ray.remote(**options)(Desk).remote(partial(_lives, os.getpid(), born(os.getpid())), _leave)


def _lives(pid: int, since: float | None) -> bool:
    return born(pid) == since


def _leave() -> None:
    """End the actor that this is; Ray would start again one that has just died."""
    import ray

    ray.kill(ray.get_runtime_context().current_actor)


def _reason(error: BaseException | None) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
