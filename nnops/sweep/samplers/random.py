"""Random search (Bergstra and Bengio 2012)."""

from typing import TYPE_CHECKING, ClassVar

from nnops.sweep.samplers.base import Sampler, optuna_seed
from nnops.sweep.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Random(Sampler):
    """Every value drawn on its own."""

    learns: ClassVar[bool] = False

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`."""
        from optuna.samplers import RandomSampler

        return RandomSampler(seed=optuna_seed(seed, number))
