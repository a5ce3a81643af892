"""Quasi-random search: points of a low-discrepancy sequence (Bergstra and Bengio 2012, section 4.3), by Optuna."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field

from nnops.seeding import derive
from nnops.sweep.samplers.base import Sampler
from nnops.sweep.samplers.pinned import pinned
from nnops.sweep.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Qmc(Sampler):
    """Trial n is the n-th point of one sequence over all keys, which fills the space more evenly than chance does.

    Choices and conditional keys have their axes, too; where a condition does not hold, that coordinate is left out.
    """

    learns: ClassVar[bool] = False

    sequence: Literal["sobol", "halton"] = Field(default="sobol", description="Sobol 1967 or Halton 1960")
    scramble: bool = Field(default=True, description="Shifted and permuted by the seed (Owen 1997)")

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and the other sequence."""
        return [cls(), cls(sequence="halton", scramble=False)]

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`; the point is found from the trial's number, so nothing is counted in the study."""
        from optuna.samplers import QMCSampler

        distributions = {d.key: d.distribution() for d in space.dimensions}

        class Sequence(QMCSampler):
            def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
                return {key: each for key, each in distributions.items() if not each.single()}

            def _find_sample_id(self, study: Any, search_space: Any) -> int:
                return number

        with pinned():
            return Sequence(
                qmc_type=self.sequence,
                scramble=self.scramble,
                seed=derive(seed, "sampler/qmc") % 2**32,
                warn_independent_sampling=False,
                warn_asynchronous_seeding=False,
            )
