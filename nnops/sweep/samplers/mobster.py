"""MOBSTER's idea (Klein et al. 2020: Model-based Asynchronous Hyperparameter Optimization), one fidelity at a time."""

from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from nnops.errors import ParamsError
from nnops.sweep.samplers.base import Sampler, optuna_seed
from nnops.sweep.samplers.cube import Cube
from nnops.sweep.samplers.evidence import Evidence, gather
from nnops.sweep.scale import Scale
from nnops.sweep.space import Space

if TYPE_CHECKING:
    import numpy as np
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

#: How far a neighbour of a good config lies, as the standard deviation of each changed number in [0, 1].
NEAR = 0.12
#: The share of dimensions in which it differs.
CHANGED = 0.5


class Mobster(Sampler):
    """Tries the config for which a Gaussian process hopes most, fitted at the highest fidelity with enough results.

    The process is fitted to ranks turned normal (Salinas, Shen and Perrone 2020), so that a few diverged trainings do
    not bend it. Its hope for a config is its mean plus ``curiosity`` standard deviations (Srinivas et al. 2010); trials
    that have not come to that fidelity count as seen at their mean, so that several workers spread out. A dimension
    that is not active lies in the middle of the cube.
    """

    results: int = Field(default=6, ge=2, description="A fidelity is learned from when it has so many results")
    share: float = Field(
        default=0.15, ge=0, le=1, description="And is at least this share of the longest training so far"
    )
    random: float = Field(default=0.2, ge=0, le=1, description="The share of trials drawn at random")
    curiosity: float = Field(default=1.0, ge=0, description="Standard deviations that are hoped for")
    candidates: int = Field(default=150, ge=2, description="Points of which the best one is taken")
    points: int = Field(default=60, ge=4, description="Results that the process is fitted to, the best and a sample")

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and every option in use."""
        return [cls(), cls(results=4, share=0.3, random=0.0, curiosity=2.0, candidates=20, points=10)]

    def check(self, space: Space, objectives: int) -> None:
        """See :class:`Sampler`."""
        if objectives > 1:
            raise ParamsError(
                f"params.yaml: sweep.sampler: mobster optimises one objective, got {objectives};"
                " write sampler: {name: auto}."
            )

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`."""
        import numpy as np
        from optuna.samplers import BaseSampler, RandomSampler

        luck = np.random.default_rng(optuna_seed(seed, number))
        plain = RandomSampler(seed=int(luck.integers(2**32)))
        options = self

        class Hope(BaseSampler):
            def infer_relative_search_space(self, study: Any, trial: Any) -> "dict[str, BaseDistribution]":
                return {dimension.key: dimension.distribution() for dimension in space.dimensions}

            def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
                if luck.random() < options.random:
                    return {}
                return options.draw(space, study, luck)

            def sample_independent(
                self, study: "Study", trial: "FrozenTrial", param_name: str, param_distribution: "BaseDistribution"
            ) -> Any:
                return plain.sample_independent(study, trial, param_name, param_distribution)

        return Hope()

    def draw(self, space: Space, study: "Study", luck: "np.random.Generator") -> dict[str, Any]:
        """Values, as Optuna stores them, of a whole config; none where there is not enough evidence."""
        import numpy as np

        from nnops.sweep.samplers.gaussian import Process

        evidence = gather(study, (), self.results, self.share, Scale.tuned(space))
        if not evidence.ranked:
            return {}
        count = len(evidence.ranked)
        kept = self._kept(count, luck)
        cube = Cube(space)
        seen = cube.rows([evidence.ranked[at] for at in kept])
        process = Process.fit(cube.features(seen), np.array(_quantiles(len(kept))))
        if evidence.pending:
            process = process.believing(cube.features(cube.rows(evidence.pending)))
        rows = self._candidates(cube, seen, evidence, luck)
        mean, deviation = process.predict(cube.features(rows))
        return cube.values(rows[int(np.argmax(mean + self.curiosity * deviation))])

    def _kept(self, count: int, luck: "np.random.Generator") -> list[int]:
        """The ranks that the process is fitted to: the better half of ``points``, and a sample of the others."""
        if count <= self.points:
            return list(range(count))
        best = self.points // 2
        others = luck.choice(count - best, self.points - best, replace=False) + best
        return [*range(best), *sorted(int(other) for other in others)]

    def _candidates(
        self, cube: Cube, seen: "np.ndarray", evidence: Evidence, luck: "np.random.Generator"
    ) -> "np.ndarray":
        """Half are drawn anywhere, half near the best tenth (at least three) of what was seen."""
        import numpy as np

        half = self.candidates // 2
        shape = (self.candidates, len(cube.axes))
        rows = luck.random(shape)
        top = seen[: max(3, len(evidence.ranked) // 10)]
        chosen = top[luck.integers(len(top), size=half)]
        step = luck.normal(size=(half, shape[1])) * NEAR
        changed = luck.random((half, shape[1])) < CHANGED
        choice = np.array([axis.choices > 0 for axis in cube.axes])
        moved = np.where(changed & ~choice, np.clip(chosen + step, 0, 1), chosen)
        # A choice has no neighbours, and what was not active has no value to be near.
        anew = (changed & choice & (luck.random((half, shape[1])) < CHANGED)) | np.isnan(moved)
        rows[:half] = np.where(anew, rows[:half], moved)
        return cube.snapped(rows)


@lru_cache
def _quantiles(count: int) -> tuple[float, ...]:
    """Of the normal distribution, one for each rank, the best rank's the highest; scipy takes .1 s to be loaded."""
    return tuple(NormalDist().inv_cdf((count - rank - 0.5) / count) for rank in range(count))
