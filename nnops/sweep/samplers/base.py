"""The interface of a sampler, and how a config is drawn with one."""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from nnops.catalog import Component
from nnops.params import Params
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

    #: Why a search ends that has nothing more to propose.
    spent: ClassVar[str] = "grid"
    #: Whether it learns from trials that it did not propose, and what it must find noted at them.
    learns: ClassVar[bool] = True
    adopts: ClassVar[Mapping[str, Any]] = {}
    #: Whether it proposes a list, which trials that were given are not of.
    lists: ClassVar[bool] = False

    @abstractmethod
    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """The sampler that proposes trial ``number``."""

    def check(self, space: Space, objectives: int) -> None:
        """Hold the sampler against a space and the number of objectives.

        Raises:
            ParamsError: It cannot search there.
        """
        del space, objectives

    def fits(self, params: Params) -> None:
        """Hold the sampler against the rest of a sweep.

        Raises:
            ParamsError: They exclude each other.
        """
        del params

    def limit(self, space: Space) -> int | None:
        """How many trials there are to propose; None where there is no end."""
        del space
        return None

    @property
    def reach(self) -> int:
        """How many numbers back the trial may lie whose training another one goes on with."""
        return 0

    def ready(self, number: int, unfinished: Collection[int]) -> bool:
        """Whether trial ``number`` may be proposed while others are not finished."""
        del number, unfinished
        return True

    def until(self, number: int, epochs: int) -> int | None:
        """The epoch after which trial ``number`` pauses for good; None where it spends all ``epochs``."""
        del number, epochs
        return None

    def dress(self, config: Config, study: "Study", notes: Mapping[str, Any]) -> Config:
        """What is trained where that is more than the values drawn; ``notes`` are those that the trial is born with."""
        del study, notes
        return config


def as_given(
    sampler: Sampler, study: "Study", space: Space, given: Config, notes: dict[str, Any]
) -> "tuple[Config, dict[str, Any], dict[str, BaseDistribution]]":
    """What :func:`propose` returns, for a config that is not drawn; ``notes`` are filled, too."""
    notes.update(sampler.adopts)
    values = {key: space.by_key[key].encode(value) for key, value in given.items()}
    distributions = {key: space.by_key[key].distribution() for key in given}
    return sampler.dress(dict(given), study, notes), values, distributions


#: The note of a trial that goes on with the training of another one: its number.
PARENT = "nnops:parent"


def luck(params: Params) -> int:
    """The seed that a search is drawn from; after earlier studies another one, or it would draw what they drew."""
    studies = params.sweep.warm_start.studies
    return derive(params.seed, f"after/{'/'.join(studies)}") if studies else params.seed


def optuna_seed(seed: int, number: int) -> int:
    """The seed of the stream ``sampler/<number>``, in the range that Optuna takes."""
    return derive(seed, f"sampler/{number}") % 2**32


def propose(
    sampler: Sampler, study: "Study", space: Space, seed: int, number: int, notes: dict[str, Any] | None = None
) -> "tuple[Config, dict[str, Any], dict[str, BaseDistribution]]":
    """Draw the config of trial ``number`` from what the study knows; nothing is written.

    Args:
        sampler: Proposes.
        study: What is known.
        space: What is tuned.
        seed: Of the study.
        number: The trial.
        notes: Filled with what the sampler wants to find at the trial later, such as its generation; the trial must be
            born with these as system attributes.

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
    if notes is not None:
        notes.update(trial.system_attrs)
    return sampler.dress(config, study, trial.system_attrs), values, distributions
