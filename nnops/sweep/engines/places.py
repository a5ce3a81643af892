"""Places: where Ray Tune holds one worker each, and starts another one when it dies."""

import shutil
import tempfile
import threading
import uuid
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from nnops.sweep.engines.hand import Hand
from nnops.sweep.trial import Worker

if TYPE_CHECKING:
    from ray.tune import Stopper, Trainable
    from ray.tune.schedulers import FIFOScheduler


class Places:
    """What the driver's thread and Tune's share.

    Attributes:
        over: Set by the driver: no worker is needed any more.
        deaths: Places whose worker died, and of what.
        ended: Tune has ended.
        broken: What ended it, where that was an error.
    """

    def __init__(self) -> None:
        self.over = False
        self.deaths: deque[tuple[str, str]] = deque()
        self.ended = threading.Event()
        self.broken: BaseException | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its parts for a resume that nobody asks for.
        return {}

    def hold(self, desk: Any, workers: int, cpus: float, gpus: float) -> None:
        """Hold so many workers until they are not needed any more.

        Args:
            desk: The actor at which they ask for work.
            workers: How many.
            cpus: Cores that each occupies.
            gpus: GPUs that each occupies.
        """
        from ray import tune

        scratch = tempfile.mkdtemp(prefix="nnops-tune-")
        try:
            tuner = tune.Tuner(
                tune.with_resources(_trainable(desk), {"cpu": cpus, "gpu": gpus}),
                tune_config=tune.TuneConfig(
                    num_samples=workers,
                    scheduler=_scheduler(self),
                    trial_name_creator=lambda trial: trial.trial_id,
                    trial_dirname_creator=lambda trial: trial.trial_id,
                ),
                run_config=tune.RunConfig(
                    name="study",
                    storage_path=scratch,
                    verbose=0,
                    stop=_stopper(self),
                    checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
                    failure_config=tune.FailureConfig(max_failures=-1),
                    log_to_file=False,
                ),
            )
            if not self.over:
                tuner.fit()
        except BaseException as error:
            self.broken = error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            self.ended.set()


def _scheduler(places: Places) -> "FIFOScheduler":
    from ray.tune.schedulers import FIFOScheduler

    class Hears(FIFOScheduler):
        def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
            error = trial.get_pickled_error() or trial.get_error()
            places.deaths.append((trial.trial_id, type(error).__name__ if error else "no reason known"))

    return Hears()


def _stopper(places: Places) -> "Stopper":
    from ray.tune import Stopper

    class WhenOver(Stopper):
        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
            return False

        def stop_all(self) -> bool:
            return places.over

    return WhenOver()


def _ask(desk: Any, address: str, count: int, text: str) -> str:
    import ray

    return ray.get(desk.ask.remote(address, count, text))


def _trainable(desk: Any) -> "type[Trainable]":
    from ray.tune import Trainable

    class SweepTrial(Trainable):
        """A worker: it runs trial after trial, in what is one long step to Tune."""

        def step(self) -> dict[str, Any]:
            # A new life each time: one that was given up while it lived is not heard any more.
            ask = partial(_ask, desk, f"{self.trial_id}/{uuid.uuid4().hex}")
            Hand(ask, partial(Worker, alone=True)).work()
            return {"done": True}

        def log_result(self, result: dict[str, Any]) -> None:
            pass

    return SweepTrial
