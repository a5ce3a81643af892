"""Gaussian process search (Snoek et al. 2012) with log expected improvement (Ament et al. 2023), by Optuna."""

from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from nnops.sweep.samplers.base import Sampler, optuna_seed
from nnops.sweep.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Gp(Sampler):
    """Fits a Matern 5/2 process to the complete trials and proposes where it expects the most.

    For few and costly trials without early stopping: it learns from complete trials alone, and asking takes a tenth of
    a second or more, rising with their number. Keys that only some trials have are drawn at random. Several objectives
    are weighed by expected hypervolume, constraints by the odds that they hold.
    """

    startup_trials: int = Field(default=10, ge=1, description="Complete trials before the process is fitted")

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and an early fit."""
        return [cls(), cls(startup_trials=5)]

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`."""
        from optuna.samplers import GPSampler
        from optuna.trial import TrialState

        startup = self.startup_trials

        class Process(GPSampler):
            def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
                import torch

                # Optuna shares drawn values through the storage until the trial has them; ours are born with them.
                complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
                running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
                running = [other for other in running if search_space.keys() <= other.params.keys()]
                if not search_space or len(complete) < startup:
                    return {}
                with torch.device("cpu"):
                    return self._sample_relative_impl(study, complete, running, search_space)

        return Process(seed=optuna_seed(seed, number), n_startup_trials=startup, warn_independent_sampling=False)
