"""The interface of a sampler, and how a config is drawn with one."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from nnops.catalog import Component
from nnops.seeding import derive
from nnops.sweep.space import Config, Space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler


class Sampler(Component):
    """Options that build one of Optuna's samplers, anew for every trial.

    A sampler keeps nothing from one trial to the next: what it knows is the study, and its luck is drawn from the seed
    and the trial's number. So a search that goes on after a kill draws what it would have drawn.
    """

    @abstractmethod
    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """The sampler that proposes trial ``number``."""

    def limit(self, space: Space) -> int | None:
        """How many trials there are to propose; None where there is no end."""
        del space
        return None


def optuna_seed(seed: int, number: int) -> int:
    """The seed of the stream ``sampler/<number>``, in the range that Optuna takes."""
    return derive(seed, f"sampler/{number}") % 2**32


def propose(
    sampler: Sampler, study: "Study", space: Space, seed: int, number: int
) -> "tuple[Config, dict[str, Any], dict[str, BaseDistribution]]":
    """Draw the config of trial ``number`` from what the study knows; nothing is written.

    Returns:
        The config, and its values and distributions as Optuna stores them.
    """
    from optuna.trial import FrozenTrial, TrialState

    # What Study.ask does first: samplers look at trials through a cache that only asking and telling empty.
    study._thread_local.cached_all_trials = None
    rule = sampler.build(space, seed, number)
    trial = FrozenTrial(
        number=number,
        trial_id=-1,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )
    rule.before_trial(study, trial)
    relative = rule.sample_relative(study, trial, rule.infer_relative_search_space(study, trial))
    config: Config = {}
    values: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}
    for dimension in space.dimensions:
        if not space.active(dimension, config):
            continue
        distribution = dimension.distribution()
        if distribution.single():
            value = dimension.encode(dimension.extremes()[0])
        elif dimension.key in relative:
            value = relative[dimension.key]
        else:
            value = rule.sample_independent(study, trial, dimension.key, distribution)
        config[dimension.key] = dimension.decode(value)
        values[dimension.key], distributions[dimension.key] = value, distribution
    return config, values, distributions
