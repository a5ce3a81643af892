"""NSGA-II (Deb et al. 2002, A Fast and Elitist Multiobjective Genetic Algorithm), by Optuna."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from nnops.sweep.samplers.base import Sampler, optuna_seed
from nnops.sweep.samplers.evolution import GENERATION
from nnops.sweep.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Nsga2(Sampler):
    """Children of the best front, spread out by crowding distance; who breaks a constraint loses to all who do not.

    For several objectives and budgets of many generations. It learns from complete trials alone.
    """

    adopts: ClassVar[Mapping[str, Any]] = {GENERATION: 0}

    population: int = Field(default=20, ge=2, description="Complete trials of one generation")
    crossover: float = Field(default=0.9, ge=0, le=1, description="How often a child has two parents")
    mutation: float | None = Field(
        default=None, ge=0, le=1, description="How often a value is drawn anew; nothing set: 1 / number of keys"
    )

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and small generations."""
        return [cls(), cls(population=4, crossover=0.7, mutation=0.3)]

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`."""
        from optuna.samplers import NSGAIISampler

        from nnops.sweep.samplers.evolution import stateless

        return stateless(NSGAIISampler)(
            population_size=self.population,
            crossover_prob=self.crossover,
            mutation_prob=self.mutation,
            seed=optuna_seed(seed, number),
        )
