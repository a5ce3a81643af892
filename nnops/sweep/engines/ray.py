"""Engine ray: trials run in warm Ray workers, placed by Ray Tune; searcher and scheduler only pass on.

What Tune would do beside that is switched off: its loggers, its snapshots, its resume, its judgement. A worker that
dies is replaced, and its trial goes on from its own checkpoint under the same number.
"""

import importlib
import json
import logging
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.errors import InputError, StudyError
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines.hand import Hand, pack, unpack
from nnops.sweep.engines.inline import check_gpus
from nnops.sweep.engines.quiet import Quiet
from nnops.sweep.trial import Assignment, Bench, Outcome, Worker

if TYPE_CHECKING:
    from ray.tune import Stopper, Trainable
    from ray.tune.schedulers import FIFOScheduler
    from ray.tune.search import Searcher

#: How often a trial may lose its worker before it counts as failed.
LOSSES = 3
#: Set before Ray is imported or started; each was needed to keep it quiet, quick or off the network.
SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_preload_python_modules": "torch,nnops.training.train,nnops.sweep.trial,ray.tune.trainable",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "1000000",
}


class RayEngine:
    """Workers of a Ray cluster.

    Args:
        workers: Trials at once, or None for as many as the machines can take.
        cpus: Cores that a trial occupies.
        gpus: GPUs that a trial occupies; a part of one is allowed.
        address: A cluster, or None to start one on this machine.
    """

    name = "ray"

    def __init__(self, workers: int | None, cpus: float, gpus: float, address: str | None) -> None:
        self.workers = workers or 0
        self._cpus, self._gpus, self._address = cpus, gpus, address
        self._starter: threading.Thread | None = None
        self._started = threading.Event()
        self._leave = threading.Event()
        self._broken: list[BaseException] = []
        self._quiet = Quiet(Path(tempfile.gettempdir()) / f"nnops-ray-{os.getpid()}.log")

    def check(self) -> None:
        """See :class:`nnops.sweep.engines.base.Engine`; a cluster that is named is asked what it has."""
        if self._address is not None:
            self.start()
            self._wait()
            self.workers = self._fitting(self._cluster_nodes())
            return
        if self._gpus > 0:
            check_gpus(self._gpus)
        self.workers = self._fitting([self._this_machine()])

    def start(self) -> None:
        """Start Ray in a thread."""
        if self._starter is None:
            self._starter = threading.Thread(target=self._hold, name="ray", daemon=True)
            self._starter.start()

    def run(self, conductor: Conductor, bench: Bench) -> None:
        """See :class:`nnops.sweep.engines.base.Engine`."""
        self.start()
        self._wait()
        self._quiet = Quiet(conductor.study.folder / "engine.log")
        with self._quiet:
            _run(conductor, bench, self.workers, self._cpus, self._gpus)

    def close(self, wait: bool = True) -> None:
        """Leave the cluster, and end it if it was started here."""
        self._leave.set()
        if self._starter is not None and wait:
            self._starter.join()
            self._starter = None

    def aloud(self, tell: Callable[[], None]) -> None:
        """See :class:`nnops.sweep.engines.base.Engine`."""
        self._quiet.aloud(tell)

    def _hold(self) -> None:
        # Ray's processes die with the thread that started them, so it stays until they are to end.
        try:
            owned = _connect(self._address, max(self._this_machine()[0], round(self.workers * self._cpus)))
        except BaseException as error:
            self._broken.append(error)
            self._started.set()
            return
        self._started.set()
        self._leave.wait()
        if owned:
            import ray

            ray.shutdown()

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

    def _cluster_nodes(self) -> list[tuple[float, float]]:
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return [(node.get("CPU", 0.0), node.get("GPU", 0.0)) for node in nodes]

    def _fitting(self, nodes: list[tuple[float, float]]) -> int:
        """Trials at once on machines with these cores and GPUs, or as many as are asked for."""
        cpus, gpus = self._cpus, self._gpus
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
        fit = sum(int(min(node[0] / cpus, node[1] / gpus if gpus else node[0] / cpus)) for node in nodes)
        return self.workers or max(fit, 1)


def _connect(address: str | None, cpus: float) -> bool:
    """Connect to Ray, starting it where no address is given; whether that was needed."""
    for key, value in SETTINGS.items():
        os.environ.setdefault(key, value)
    if address is None and "RAY_AUTH_MODE" not in os.environ:
        # Else Ray would write a token into the home folder.
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


def _run(conductor: Conductor, bench: Bench, workers: int, cpus: float, gpus: float) -> None:
    from ray import tune

    link = _Link(conductor)
    scratch = tempfile.mkdtemp(prefix="nnops-tune-")
    try:
        tuner = tune.Tuner(
            tune.with_resources(_trainable(bench), {"cpu": cpus, "gpu": gpus}),
            tune_config=tune.TuneConfig(
                num_samples=-1,
                search_alg=_searcher(link),
                scheduler=_scheduler(link),
                max_concurrent_trials=workers,
                reuse_actors=True,
                trial_name_creator=lambda trial: trial.trial_id,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name="study",
                storage_path=scratch,
                verbose=0,
                stop=_stopper(link),
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
                failure_config=tune.FailureConfig(max_failures=LOSSES),
                log_to_file=False,
            ),
        )
        try:
            tuner.fit()
        except Exception as error:
            if not link.broken:
                raise StudyError(f"the engine ray cannot go on: {_reason(error)}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if link.broken:
        raise link.broken[0]


class _Link:
    """What searcher, scheduler and stopper share: the conductor, and which trial of Tune is which of the study."""

    def __init__(self, conductor: Conductor) -> None:
        self.conductor = conductor
        self.broken: list[BaseException] = []
        self._numbers: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._lost: dict[str, list[str]] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its parts for a resume that nobody asks for.
        return {}

    def guard(self, call: Callable[[], Any], otherwise: Any) -> Any:
        """What ``call`` gives; once it raised, ``otherwise``, since Tune would swallow the error."""
        if self.broken:
            return otherwise
        try:
            return call()
        except BaseException as error:
            self.broken.append(error)
            return otherwise

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        assignment = self.conductor.next()
        if assignment is None:
            return None
        self._numbers[trial_id] = assignment.number
        record = {
            "number": assignment.number,
            "config": assignment.config,
            "judged": self.conductor.judged(assignment.number),
        }
        return {"trial": json.dumps(record)}

    def hear(self, trial_id: str, text: str) -> bool:
        """Pass on what a worker handed over, once; whether its trial goes on."""
        number = self._numbers[trial_id]
        count, reports, outcome = unpack(text)
        if self._seen.get(trial_id, 0) >= count:
            return True
        self._seen[trial_id] = count
        answers = [self.conductor.report(number, report) for report in reports]
        if outcome is not None:
            self.conductor.finish(number, outcome)
        return all(answers)

    def lose(self, trial_id: str, error: BaseException | None) -> None:
        """A worker died; its trial starts again elsewhere, and counts its hands anew."""
        self._seen.pop(trial_id, None)
        self._lost[trial_id] = [*self._lost.get(trial_id, []), type(error).__name__ if error else "no reason known"]
        number = self._numbers[trial_id]
        if len(self._lost[trial_id]) <= LOSSES:
            text = f"trial {number} lost its worker ({self._lost[trial_id][-1]}) and goes on from its last checkpoint."
            self.conductor.note(text, number)

    def fail(self, trial_id: str) -> None:
        """A trial lost its worker once too often."""
        reasons = ", ".join(sorted(set(self._lost.get(trial_id, []))))
        ended = "infeasible" if "OutOfMemory" in reasons else "failed"
        reason = f"it lost its worker {LOSSES + 1} times ({reasons})."
        self.conductor.finish(self._numbers[trial_id], Outcome(ended, reason=reason))


def _searcher(link: _Link) -> "Searcher":
    from ray.tune.search import Searcher

    class Asks(Searcher):
        def __init__(self) -> None:
            super().__init__(metric="trial", mode="max")

        def suggest(self, trial_id: str) -> Any:
            found = link.guard(lambda: link.suggest(trial_id), None)
            return Searcher.FINISHED if found is None else found

        def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
            pass

        def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
            if error:
                link.guard(lambda: link.fail(trial_id), None)
            elif result and "hand" in result:
                link.guard(lambda: link.hear(trial_id, result["hand"]), None)

        def save(self, checkpoint_path: str) -> None:
            pass

        def restore(self, checkpoint_path: str) -> None:
            pass

    return Asks()


def _scheduler(link: _Link) -> "FIFOScheduler":
    from ray.tune.schedulers import FIFOScheduler

    class Passes(FIFOScheduler):
        def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
            go_on = link.guard(lambda: link.hear(trial.trial_id, result["hand"]), False)
            return FIFOScheduler.CONTINUE if go_on else FIFOScheduler.STOP

        def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
            link.guard(lambda: link.lose(trial.trial_id, trial.get_pickled_error() or trial.get_error()), None)

    return Passes()


def _stopper(link: _Link) -> "Stopper":
    from ray.tune import Stopper

    class Ticks(Stopper):
        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
            return False

        def stop_all(self) -> bool:
            link.guard(link.conductor.tick, None)
            return bool(link.broken)

    return Ticks()


def _trainable(bench: Bench) -> "type[Trainable]":
    from ray.tune import Trainable

    class SweepTrial(Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self._worker = Worker(bench)
            self._begin(config)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self._hand.end()
            self._begin(new_config)
            return True

        def step(self) -> dict[str, Any]:
            given = self._hand.step()
            return {"hand": pack(given), "done": given["outcome"] is not None}

        def cleanup(self) -> None:
            self._hand.end()

        def log_result(self, result: dict[str, Any]) -> None:
            pass

        def _begin(self, config: dict[str, Any]) -> None:
            record = json.loads(config["trial"])
            self.config = {}
            self._hand = Hand(self._worker, Assignment(record["number"], record["config"]), record["judged"])

    return SweepTrial


def _reason(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
