"""NSGA-III (Deb and Jain 2014), by Optuna."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from nnops.sweep.samplers.base import Sampler, optuna_seed
from nnops.sweep.samplers.evolution import GENERATION
from nnops.sweep.samplers.pinned import pinned
from nnops.sweep.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Nsga3(Sampler):
    """As NSGA-II, but spread out along reference directions, which holds up with three objectives and more."""

    adopts: ClassVar[Mapping[str, Any]] = {GENERATION: 0}

    population: int = Field(default=20, ge=2, description="Complete trials of one generation")
    crossover: float = Field(default=0.9, ge=0, le=1, description="How often a child has two parents")
    mutation: float | None = Field(
        default=None, ge=0, le=1, description="How often a value is drawn anew; nothing set: 1 / number of keys"
    )
    dividing: int = Field(default=3, ge=1, description="Reference points on each edge between two objectives")

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and small generations."""
        return [cls(), cls(population=4, mutation=0.3, dividing=4)]

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`."""
        from optuna.samplers import NSGAIIISampler

        from nnops.sweep.samplers.evolution import stateless

        with pinned():
            return stateless(NSGAIIISampler)(
                population_size=self.population,
                crossover_prob=self.crossover,
                mutation_prob=self.mutation,
                dividing_parameter=self.dividing,
                seed=optuna_seed(seed, number),
            )
