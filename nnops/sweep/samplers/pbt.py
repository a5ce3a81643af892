"""Population based training (Jaderberg et al. 2017, Population Based Training of Neural Networks)."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from nnops.errors import ParamsError
from nnops.params import Params, may_change
from nnops.sweep.dimension import Dimension, same
from nnops.sweep.lineage import in_force
from nnops.sweep.samplers.base import PARENT, Sampler, optuna_seed
from nnops.sweep.space import Config, Space

if TYPE_CHECKING:
    import numpy as np
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

#: What a number is multiplied by to explore around it (section 4.1.1 of the paper).
FACTORS = (0.8, 1.2)


class Pbt(Sampler):
    """A population is trained side by side in generations; after each, the worst go on from the best, a little changed.

    Trial n is member ``n % population`` of generation ``n // population``. It goes on with the training of its
    predecessor, or, if that is among the worst of its generation, with that of a random one of the best (exploit),
    under values moved by a factor of 0.8 or 1.2 or drawn anew (explore): truncation selection, section 4.1.1 of the
    paper. Values that a training cannot change on its way, such as a network's shape, are inherited.

    A trial's config holds the whole way as ``train.changes``. So a checkpoint of the parent only saves time: trained
    from the start, alone, the config gives the same bits, and applied to params.yaml it makes the very model.

    Only the last generation spends the full fidelity; the trials before end as ``pruned`` with their generation.
    """

    learns: ClassVar[bool] = False
    spent: ClassVar[str] = "generations"

    population: int = Field(default=8, ge=2, description="Members of a generation")
    generations: int = Field(default=5, ge=2, description="Into so many parts the epochs are divided")
    worst: float = Field(default=0.25, gt=0, le=0.5, description="The share that is replaced, and that replaces it")
    anew: float = Field(default=0.25, ge=0, le=1, description="How often a value is drawn anew, not moved")

    @classmethod
    def examples(cls) -> list[Self]:
        """The default, and every option in use."""
        return [cls(), cls(population=4, generations=3, worst=0.5, anew=0.5)]

    def fits(self, params: Params) -> None:
        """See :class:`Sampler`."""
        sweep, where = params.sweep, "params.yaml: sweep.sampler: pbt"
        wanted = self.population * self.generations
        if len(sweep.objectives) > 1:
            raise ParamsError(
                f"{where} optimises one objective, got {len(sweep.objectives)}; write sampler: {{name: auto}}."
            )
        if sweep.pruner.name != "none":
            raise ParamsError(
                f"{where} replaces the worst itself; write pruner: {{name: none}}, got {sweep.pruner.name}."
            )
        if params.train.early_stopping is not None:
            raise ParamsError(f"{where} replaces what does not improve; write train.early_stopping: null.")
        if params.train.changes:
            raise ParamsError(f"{where} decides train.changes itself; leave them out.")
        for key in ("train.epochs", "seed"):
            if key in sweep.space:
                raise ParamsError(f"{where} needs the same {key} for all members; take it out of sweep.space.")
        if not any(map(may_change, sweep.space)):
            raise ParamsError(
                f"{where} needs a key that a training can change on its way, such as train.optimizer.options.lr, in"
                " sweep.space."
            )
        for key, entry in sweep.space.items():
            if any(map(may_change, entry.get("when") or ())):
                raise ParamsError(
                    f"{where} changes values on the way, so no key may depend on them; take 'when' off"
                    f" sweep.space.{key}."
                )
        if params.train.epochs < self.generations:
            raise ParamsError(
                f"{where} divides the epochs into generations={self.generations}, but train.epochs is"
                f" {params.train.epochs}; write fewer generations."
            )
        if sweep.budget.trials < wanted:
            raise ParamsError(
                f"{where} needs a trial for each member of each generation; write sweep.budget.trials: {wanted} or a"
                f" smaller population, got {sweep.budget.trials}."
            )
        if sweep.order == "fixed" and sweep.lag > self.population:
            raise ParamsError(
                f"{where} with order fixed looks at the generation before, so sweep.lag must be at most"
                f" population={self.population}, got {sweep.lag}."
            )

    def limit(self, space: Space) -> int:
        """Members times generations."""
        return self.population * self.generations

    @property
    def reach(self) -> int:
        """See :class:`Sampler`: two generations."""
        return 2 * self.population

    def ready(self, number: int, unfinished: Collection[int]) -> bool:
        """When its predecessor has ended."""
        return number - self.population not in unfinished

    def until(self, number: int, epochs: int) -> int | None:
        """The end of its generation."""
        generation = number // self.population + 1
        return None if generation >= self.generations else epochs * generation // self.generations

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`."""
        import numpy as np
        from optuna.samplers import BaseSampler, RandomSampler

        luck = np.random.RandomState(optuna_seed(seed, number))
        plain = RandomSampler(seed=int(luck.randint(2**32, dtype=np.uint32)))
        options = self

        class Population(BaseSampler):
            def infer_relative_search_space(self, study: Any, trial: Any) -> "dict[str, BaseDistribution]":
                return {dimension.key: dimension.distribution() for dimension in space.dimensions}

            def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
                parent, exploited = options.parent(study, number, luck)
                if parent is None:
                    return {}
                trial.system_attrs[PARENT] = parent.number
                return explore(space, parent.params, luck, options.anew) if exploited else dict(parent.params)

            def sample_independent(
                self, study: "Study", trial: "FrozenTrial", param_name: str, param_distribution: "BaseDistribution"
            ) -> Any:
                return plain.sample_independent(study, trial, param_name, param_distribution)

        return Population()

    def parent(self, study: "Study", number: int, luck: "np.random.RandomState") -> "tuple[FrozenTrial | None, bool]":
        """Whose training trial ``number`` goes on with, None for nobody's, and whether that is another member's."""
        from optuna.study import StudyDirection

        first = (number // self.population - 1) * self.population
        if first < 0:
            return None, False
        trials = study.get_trials(deepcopy=False)
        before = [trial for trial in trials if first <= trial.number < first + self.population and _paused(trial)]
        sign = -1.0 if study.directions[0] == StudyDirection.MAXIMIZE else 1.0
        before.sort(key=lambda trial: (sign * trial.intermediate_values[max(trial.intermediate_values)], trial.number))
        own = number - self.population
        place = next((place for place, trial in enumerate(before) if trial.number == own), None)
        # With few results there is no telling who is bad.
        share = max(1, int(self.worst * len(before))) if len(before) > 1 else 0
        if place is not None and place < len(before) - share:
            return before[place], False
        if not before:
            return None, False
        return before[luck.randint(max(share, 1))], True

    def dress(self, config: Config, study: "Study", notes: Mapping[str, Any]) -> Config:
        """The parent's way, and what changes where it ended."""
        if PARENT not in notes:
            return {**config, "train.changes": []}
        parent = study.get_trials(deepcopy=False)[notes[PARENT]]
        way = parent.user_attrs["config"]
        now = in_force(way)
        new = {
            key: value
            for key, value in config.items()
            if may_change(key) and (key not in now or not same(now[key], value))
        }
        changes = [*way["train.changes"]]
        if new:
            changes.append({"after": max(parent.intermediate_values), "set": new})
        return {**way, "train.changes": changes}


def explore(space: Space, values: Mapping[str, Any], luck: "np.random.RandomState", anew: float) -> dict[str, Any]:
    """Values, as Optuna stores them, near others: numbers moved by a factor, choices and some of them drawn anew.

    Only what a training can change on its way is moved. A value drawn anew is left out, for Optuna to draw.
    """
    found: dict[str, Any] = {}
    for dimension in space.dimensions:
        if dimension.key not in values:
            continue
        value = values[dimension.key]
        if not may_change(dimension.key):
            found[dimension.key] = value
        elif dimension.kind != "choice" and luck.random_sample() >= anew:
            found[dimension.key] = _moved(dimension, value, FACTORS[luck.randint(2)])
    return found


def _moved(dimension: Dimension, value: float, factor: float) -> float:
    """A number times a factor, moved by a step at least, within its range."""
    step = dimension.step or (1 if dimension.kind == "int" else 0)
    moved = value * factor
    if step:
        steps = round((moved - value) / step)
        moved = value + (steps or (1 if factor > 1 else -1)) * step
    moved = min(max(moved, dimension.low), dimension.high)
    return int(moved) if dimension.kind == "int" else float(moved)


def _paused(trial: "FrozenTrial") -> bool:
    """Whether a trial has reached the end of its generation."""
    return trial.user_attrs.get("result", {}).get("ended") == "paused"
