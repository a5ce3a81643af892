"""Covariance matrix adaptation (Hansen 2016, The CMA Evolution Strategy: A Tutorial), by Optuna and cmaes."""

import math
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from nnops.errors import ParamsError
from nnops.seeding import derive
from nnops.sweep.samplers.base import Sampler, optuna_seed
from nnops.sweep.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

GENERATION = "cmaes:generation"


class Cmaes(Sampler):
    """Draws from a normal distribution that moves and stretches with the better half of each generation.

    Numbers that every trial has are searched so; choices and conditional keys are drawn at random beside them. The
    method looks at ranks alone, so trials stopped early take part: those that came further rank before the others.
    """

    learns: ClassVar[bool] = False

    population: int | None = Field(default=None, ge=2, description="Nothing set: 4 + floor(3 ln(number of keys))")
    sigma: float = Field(default=0.25, gt=0, le=1, description="The first deviation, as a share of each range")

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and small generations."""
        return [cls(), cls(population=4, sigma=0.15)]

    def check(self, space: Space, objectives: int) -> None:
        """See :class:`Sampler`."""
        where = "params.yaml: sweep.sampler: cmaes"
        if objectives > 1:
            raise ParamsError(f"{where} optimises one objective, got {objectives}; write sampler: {{name: nsga2}}.")
        if not _numbers(space):
            raise ParamsError(
                f"{where} needs a float or an int that every trial has, got only choices and conditional keys;"
                " write sampler: {name: tpe}."
            )

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`; the distribution is made again from all generations that are over."""
        import numpy as np
        from optuna._transform import _SearchSpaceTransform
        from optuna.samplers import CmaEsSampler
        from optuna.trial import TrialState

        numbers = _numbers(space)
        population, sigma = self.population, self.sigma
        ended = (TrialState.COMPLETE, TrialState.PRUNED)

        class Evolution(CmaEsSampler):
            def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
                return numbers

            def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
                from cmaes import CMA

                trans = _SearchSpaceTransform(search_space, transform_step=True, transform_0_1=True)
                optimizer = CMA(
                    mean=np.full(len(trans.bounds), 0.5),
                    sigma=sigma,
                    bounds=trans.bounds,
                    seed=derive(seed, "sampler/cmaes") % 2**31,
                    n_max_resampling=10 * len(trans.bounds),
                    population_size=population,
                )
                generations: dict[int, list[FrozenTrial]] = {}
                for other in study.get_trials(deepcopy=False, states=ended):
                    generations.setdefault(other.system_attrs.get(GENERATION, -1), []).append(other)
                sign = -1.0 if study.direction.name == "MAXIMIZE" else 1.0
                while len(told := generations.get(optimizer.generation, [])) >= optimizer.population_size:
                    # The first by number, so that it does not matter who ended first.
                    told = sorted(told[: optimizer.population_size], key=lambda each: _rank(each, sign))
                    optimizer.tell([(trans.transform(each.params), float(place)) for place, each in enumerate(told)])
                trial.system_attrs[GENERATION] = optimizer.generation
                optimizer._rng.seed(optuna_seed(seed, number))
                return trans.untransform(optimizer.ask())

        return Evolution(seed=optuna_seed(seed, number), warn_independent_sampling=False)


def _numbers(space: Space) -> dict[str, Any]:
    """The distributions of what is searched."""
    found = {d.key: d.distribution() for d in space.dimensions if d.kind != "choice" and not d.when}
    return {key: distribution for key, distribution in found.items() if not distribution.single()}


def _rank(trial: "FrozenTrial", sign: float) -> tuple[float, ...]:
    """Feasible ones first, complete ones before those stopped early, and these by how far they came."""
    violation = sum(max(0.0, value) for value in trial.constraints.values())
    if trial.state.name == "COMPLETE" and trial.value is not None:
        return (violation, 0, 0, sign * trial.value, trial.number)
    step, value = max(trial.intermediate_values.items(), default=(0, math.inf))
    # A trial whose loss was not finite says nothing good of its config, however far it came.
    lost = trial.user_attrs.get("result", {}).get("state") == "infeasible" or not math.isfinite(value)
    return (violation, 1, math.inf if lost else -step, 0.0 if lost else sign * value, trial.number)
