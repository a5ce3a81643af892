"""BOHB (Falkner, Klein and Hutter 2018: Robust and Efficient Hyperparameter Optimization at Scale), asynchronous."""

from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from nnops.errors import ParamsError
from nnops.sweep.dimension import Dimension
from nnops.sweep.samplers.base import Sampler, optuna_seed
from nnops.sweep.samplers.cube import Axis
from nnops.sweep.samplers.evidence import gather
from nnops.sweep.scale import Scale
from nnops.sweep.space import Config, Space

if TYPE_CHECKING:
    import numpy as np
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial


#: Results beyond so many, the worst ones, are not looked at.
KEPT = 200


class Bohb(Sampler):
    """Draws where good trials were denser than the others, as seen at the highest fidelity with enough results.

    Equations of the paper: l and g are the densities of the best trials and of the others (2), the best ``good`` of
    them but at least two (3, 4); the candidate drawn from l with the largest l / g is tried (1). Which trials go on
    is the pruner's part: with ``asha`` those among the best third of all seen at a rung, at least the best one.

    Keys with the same condition share one estimator, fitted on the trials that have these keys.
    """

    results: int = Field(default=10, ge=2, description="A fidelity is learned from when it has so many results")
    share: float = Field(
        default=0.15, ge=0, le=1, description="And is at least this share of the longest training so far"
    )
    random: float = Field(default=0.4, ge=0, le=1, description="The share of trials drawn at random")
    good: float = Field(default=0.15, gt=0, lt=1, description="The share of results that l is fitted on")
    candidates: int = Field(default=24, ge=1, description="Points drawn from l, of which the best one is taken")

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and every option in use."""
        return [cls(), cls(results=4, share=0.3, random=0.1, good=0.3, candidates=8)]

    def check(self, space: Space, objectives: int) -> None:
        """See :class:`Sampler`."""
        if objectives > 1:
            raise ParamsError(
                f"params.yaml: sweep.sampler: bohb optimises one objective, got {objectives};"
                " write sampler: {name: auto}."
            )

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`."""
        import numpy as np
        from optuna.samplers import BaseSampler, RandomSampler

        luck = np.random.RandomState(optuna_seed(seed, number))
        plain = RandomSampler(seed=int(luck.randint(2**32, dtype=np.uint32)))
        options = self

        class Estimator(BaseSampler):
            def infer_relative_search_space(self, study: Any, trial: Any) -> "dict[str, BaseDistribution]":
                return {dimension.key: dimension.distribution() for dimension in space.dimensions}

            def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
                if luck.random_sample() < options.random:
                    return {}
                return options.draw(space, study, luck)

            def sample_independent(
                self, study: "Study", trial: "FrozenTrial", param_name: str, param_distribution: "BaseDistribution"
            ) -> Any:
                return plain.sample_independent(study, trial, param_name, param_distribution)

        return Estimator()

    def draw(self, space: Space, study: "Study", luck: "np.random.RandomState") -> dict[str, Any]:
        """Values, as Optuna stores them, of all active dimensions that there is enough evidence on."""
        config: Config = {}
        values: dict[str, Any] = {}
        for group in groups(space):
            if not all(space.active(dimension, config) for dimension in group):
                continue
            drawn = self._draw_group(
                Scale.tuned(space), [one for one in group if not one.distribution().single()], study, luck
            )
            values |= drawn
            for dimension in group:
                if dimension.key in drawn:
                    config[dimension.key] = dimension.decode(drawn[dimension.key])
                elif dimension.distribution().single():
                    config[dimension.key] = dimension.extremes()[0]
        return values

    def _draw_group(
        self, scale: Scale | None, group: list[Dimension], study: "Study", luck: "np.random.RandomState"
    ) -> dict[str, Any]:
        import numpy as np

        from nnops.sweep.samplers.density import Density

        axes = [Axis(dimension) for dimension in group]
        ranked = gather(study, [dimension.key for dimension in group], self.results, self.share, scale).ranked
        if not group or not ranked:
            return {}
        kept = ranked[:KEPT]
        rows = np.stack([axis.places([params[axis.dimension.key] for params in kept]) for axis in axes], axis=1)
        best = max(2, round(self.good * len(rows)))
        l, g = Density.fit(axes, rows[:best]), Density.fit(axes, rows[best:])  # noqa: E741 - the paper's names
        points = l.sample(self.candidates, luck)
        points = np.stack([axis.unit(axis.number(points[:, at])) for at, axis in enumerate(axes)], axis=1)
        point = points[int(np.argmax(l.log(points) - g.log(points)))]
        return {axis.dimension.key: axis.value(unit) for axis, unit in zip(axes, point, strict=True)}


def groups(space: Space) -> list[list[Dimension]]:
    """The dimensions with the same condition, in the order of the space."""
    found: dict[Any, list[Dimension]] = {}
    for dimension in space.dimensions:
        found.setdefault(repr(dimension.when), []).append(dimension)
    return list(found.values())
