"""The sampler that fits: chosen by the space, the budget and the number of objectives, and said aloud."""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from nnops.params import Params
from nnops.sweep.samplers import SAMPLERS
from nnops.sweep.samplers.base import Sampler
from nnops.sweep.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

#: Beyond so many trials the fit of a process at each of them costs more than it finds.
MANY = 5_000
#: Beyond so many dimensions distances say little.
WIDE = 30
#: Evolution needs so many trials before it beats a model of good and bad ones.
GENERATIONS = 1_000


@dataclass(frozen=True)
class Choice:
    """A sampler for a search.

    Attributes:
        sampler: The sampler.
        name: How it is called in params.
        why: The reason, in words; None where params name it.
    """

    sampler: Sampler
    name: str
    why: str | None = None

    @property
    def words(self) -> str:
        """For people.

        >>> Choice(Auto(), "tpe", "5 trials").words
        'tpe (auto: 5 trials)'
        """
        return self.name if self.why is None else f"{self.name} (auto: {self.why})"


class Auto(Sampler):
    """Grid where all combinations fit into the budget, mobster for one objective, tpe or nsga2 for several.

    What was measured stands in infra/adr/0008. Where a space has more than 30 keys or a budget more than 5,000 trials,
    bohb takes the place of mobster, and nsga2 that of tpe from 1,000 trials on.
    """

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`; the space alone is known here."""
        return choose(space, trials=0, objectives=1).sampler.build(space, seed, number)


def choose(space: Space, trials: int, objectives: int) -> Choice:
    """The sampler that fits.

    Args:
        space: What is tuned.
        trials: The budget.
        objectives: How many.
    """
    found = combinations(space, trials)
    if found is not None:
        count, points = found
        return _choice("grid", f"all {count} combinations fit into the budget", points=points)
    keys = len(space.dimensions)
    if objectives > 1 and trials >= GENERATIONS:
        return _choice("nsga2", f"{objectives} objectives, {trials:,} trials")
    if objectives > 1:
        return _choice("tpe", f"{objectives} objectives, {trials:,} trials")
    if keys > WIDE or trials > MANY:
        return _choice("bohb", f"{keys} keys, {trials:,} trials")
    return _choice("mobster", f"one objective, {keys} key{'s' * (keys != 1)}, {trials:,} trials")


def chosen(params: Params) -> Choice:
    """The sampler that params name, or the one that fits where they name ``auto``.

    The same params always choose the same one, so a study that goes on with a larger budget keeps its sampler.
    """
    sweep = params.sweep
    sampler = SAMPLERS.build(sweep.sampler.name, sweep.sampler.options, where="sweep.sampler")
    if not isinstance(sampler, Auto):
        return Choice(sampler, sweep.sampler.name)
    return choose(Space.parse(sweep.space), sweep.budget.trials, len(sweep.objectives))


def combinations(space: Space, most: int) -> tuple[int, int] | None:
    """How many configs there are and a grid's points that give all of them; None where there are more than ``most``.

    A range of floats without step has no end, and a grid does not visit every whole number of a logarithmic one.
    """
    points = 2
    for dimension in space.dimensions:
        if dimension.kind == "choice" or dimension.step is not None or dimension.low == dimension.high:
            continue
        if dimension.kind == "float" or dimension.log:
            return None
        points = max(points, int(dimension.high - dimension.low) + 1)
    if points > max(most, 2):
        return None
    count = sum(1 for _ in islice(space.grid(points), most + 1))
    return (count, points) if count <= most else None


def _choice(name: str, why: str, **options: int) -> Choice:
    return Choice(SAMPLERS.build(name, options, where="sweep.sampler"), name, why)
