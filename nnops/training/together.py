"""``train.workers``: one training in several processes that Ray Train starts, each on a core or a GPU of its own.

Every process runs :func:`nnops.training.train.train` on its part of each batch (see :mod:`nnops.training.ranks`). The
first one writes the checkpoints and tells this process of its epochs; this process alone tracks.
"""

import importlib
import os
import sys
import tempfile
import threading
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnops import errors
from nnops.data.prepared import Prepared
from nnops.errors import InputError, NnopsError, TrainingError
from nnops.params import Params, parse
from nnops.report import Report, ReportFn, keep_going
from nnops.training.device import choose_device
from nnops.training.fold import Fold
from nnops.training.ranks import Ranks
from nnops.training.train import Parts, Trained, train

#: Seconds between two looks at what the processes tell.
LOOK_S = 0.1
#: Set before Ray is imported or started, to keep it quiet, in this folder and off the network.
SETTINGS = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_preload_python_modules": "torch,nnops.training.together,ray.train.torch",
}


def train_together(
    params: Params, data: Prepared, *, report: ReportFn = keep_going, checkpoints: Path | None = None
) -> Trained:
    """Train one model in ``train.workers`` processes.

    Args:
        params: The sections ``seed``, ``model``, ``loss`` and ``train`` are read.
        data: The prepared data, in a folder that all processes see.
        report: Called here after each epoch; its answer False ends the training after one of the next epochs.
        checkpoints: A folder to keep checkpoints in and to go on from.

    Raises:
        InputError: There are fewer GPUs than processes; or as of :func:`nnops.training.train.train`.
        TrainingError: A loss is not finite, or a process has ended.
    """
    workers, device = params.train.workers, choose_device(params)
    # What is wrong is said before anything is started.
    Parts.build_all(params, data, (), Ranks(0, workers))[0].step(data, "cpu")
    owned = connect(workers, device)
    import ray

    try:
        post = ray.remote(num_cpus=0)(Post).remote()
        config = {
            "params": params.record(),
            "data": str(data.folder.absolute()),
            "fold": (data.seed, data.folds, data.fold) if isinstance(data, Fold) else None,
            "checkpoints": None if checkpoints is None else str(checkpoints.absolute()),
            "root": str(Path.cwd()),
            "post": post,
        }
        with tempfile.TemporaryDirectory(prefix="nnops-together-") as folder:
            follow(_trainer(config, workers, device, folder).fit, _Far(post), workers, report)
        return ray.get(post.answer.remote())
    finally:
        if owned:
            ray.shutdown()


class Post:
    """Where processes leave what they have to tell; an actor of Ray's."""

    def __init__(self) -> None:
        self._told: list[Report] = []
        self._over = False
        self._answer: Trained | None = None
        self._fault: tuple[str, str] | None = None

    def tell(self, report: Report) -> bool:
        self._told.append(report)
        return not self._over

    def take(self) -> list[Report]:
        told, self._told = self._told, []
        return told

    def stop(self) -> None:
        self._over = True

    def finish(self, trained: Trained) -> None:
        self._answer = trained

    def answer(self) -> Trained | None:
        return self._answer

    def blame(self, kind: str, message: str) -> None:
        self._fault = self._fault or (kind, message)

    def fault(self) -> tuple[str, str] | None:
        return self._fault


class _Far:
    """The post office as this process sees it.

    Args:
        post: The actor.
    """

    def __init__(self, post: Any) -> None:
        self._post = post

    def take(self) -> list[Report]:
        return self._ask(self._post.take)

    def stop(self) -> None:
        self._ask(self._post.stop)

    def fault(self) -> tuple[str, str] | None:
        return self._ask(self._post.fault)

    def _ask(self, method: Any) -> Any:
        import ray

        return ray.get(method.remote())


def work(config: dict[str, Any]) -> None:
    """What each process does."""
    import ray
    import torch
    from ray.train import get_context

    post = config["post"]
    ranks = Ranks(get_context().get_world_rank(), get_context().get_world_size())
    if config["root"] not in sys.path:
        # Where the user's own network is.
        sys.path.append(config["root"])
    # Where paths in params begin.
    os.chdir(config["root"])

    def tell(moment: Report) -> bool:
        return ray.get(post.tell.remote(moment))

    try:
        trained = train(
            parse(config["params"]),
            _open(Path(config["data"]), config["fold"]),
            report=tell if ranks.rank == 0 else keep_going,
            checkpoints=None if config["checkpoints"] is None else Path(config["checkpoints"]),
            ranks=ranks,
        )
    except NnopsError as error:
        ray.get(post.blame.remote(type(error).__name__, str(error)))
        raise
    if ranks.rank == 0:
        ray.get(post.finish.remote(trained))
    # Nobody leaves while another one still speaks.
    torch.distributed.barrier()


def _open(folder: Path, fold: tuple[int, int, int] | None) -> Prepared:
    data = Prepared.open(folder)
    return data if fold is None else Fold(folder, data.schema, *fold)


def _trainer(config: dict[str, Any], workers: int, device: str, folder: str) -> Any:
    with warnings.catch_warnings():
        # Ray warns of its own use of what it deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ray.data import DataContext
        from ray.train import RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig, TorchTrainer

        DataContext.get_current()

    return TorchTrainer(
        work,
        train_loop_config=config,
        torch_config=TorchConfig(backend="nccl" if device == "cuda" else "gloo"),
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=device == "cuda"),
        run_config=RunConfig(name="together", storage_path=folder),
    )


def follow(fit: Callable[[], object], post: "Post | _Far", workers: int, report: ReportFn) -> None:
    """Run the processes to their end, and pass on what they tell.

    Args:
        fit: Runs them, and raises what one of them did.
        post: Where they tell it.
        workers: How many there are.
        report: Called for each report.

    Raises:
        NnopsError: What the first of them raised that knows what is wrong.
        TrainingError: One ended otherwise.
    """
    broken: list[Exception] = []

    def run() -> None:
        try:
            fit()
        except Exception as error:
            broken.append(error)

    thread = threading.Thread(target=run, name="together", daemon=True)
    thread.start()
    while True:
        last = not thread.is_alive()
        for moment in post.take():
            if not report(moment):
                post.stop()
        if last:
            break
        thread.join(LOOK_S)
    if not broken:
        return
    fault = post.fault()
    if fault is not None:
        kind, message = fault
        raise getattr(errors, kind)(message) from broken[0]
    failures: dict[int, Exception] = getattr(broken[0], "worker_failures", {})
    rank, error = next(iter(sorted(failures.items())), (None, broken[0]))
    who = "Ray Train" if rank is None else f"process {rank + 1} of {workers}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    raise TrainingError(
        f"train.workers: {who} failed: {lines[-1].rstrip('.')}; a new start goes on from the last checkpoint."
    ) from broken[0]


def connect(workers: int, device: str) -> bool:
    """Connect to the cluster that RAY_ADDRESS names, or start Ray here; whether it was started for this.

    Raises:
        InputError: This machine has fewer GPUs than processes.
        TrainingError: Ray does not start.
    """
    import logging

    import torch

    for key, value in SETTINGS.items():
        os.environ.setdefault(key, value)
    address = os.environ.get("RAY_ADDRESS", "local")
    if address == "local" and device == "cuda" and torch.cuda.device_count() < workers:
        raise InputError(
            f"params.yaml: train.workers must be at most {torch.cuda.device_count()}, the GPUs of this machine, got"
            f" {workers}; write that, or train.device: cpu."
        )
    if address == "local" and "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        # Else Ray would write a token into the home folder.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid.uuid4().hex}
    ray = importlib.import_module("ray")
    if ray.is_initialized():
        return False
    here: dict[str, Any] = {"num_cpus": max(workers, os.cpu_count() or 1), "include_dashboard": False}
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **(here | {"object_store_memory": 100 << 20} if address == "local" else {}),
        )
    except Exception as error:  # of Ray, which has no common base
        raise TrainingError(f"train.workers: Ray does not start: {error}; write 1 to train in one process.") from error
    return True
