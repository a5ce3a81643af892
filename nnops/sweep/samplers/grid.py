"""Grid search: every combination once, in an order drawn from the seed, so that a part of it is spread out."""

import json
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from nnops.errors import ParamsError
from nnops.seeding import numpy_stream
from nnops.sweep.samplers.base import Sampler
from nnops.sweep.space import Config, Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

#: More combinations than this are refused.
LARGEST = 100_000


class Grid(Sampler):
    """Trial n tries the n-th combination and the search ends with the last one; a condition leaves combinations out."""

    learns: ClassVar[bool] = False
    lists: ClassVar[bool] = True

    points: int = Field(default=3, ge=2, description="Values tried of a range without step, its ends included")

    def build(self, space: Space, seed: int, number: int) -> "BaseSampler":
        """See :class:`Sampler`."""
        from optuna.samplers import BaseSampler

        config = _order(json.dumps(space.record()), self.points, seed)[number]

        class Point(BaseSampler):
            def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
                return {key: space.by_key[key].distribution() for key in config}

            def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
                return {key: space.by_key[key].encode(value) for key, value in config.items()}

            def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
                raise AssertionError(f"{param_name} is in the grid")

        return Point()

    def limit(self, space: Space) -> int:
        """The number of combinations."""
        return len(combinations(space, self.points))


@lru_cache(maxsize=4)
def _order(record: str, points: int, seed: int) -> list[Config]:
    configs = combinations(Space.parse(json.loads(record)), points)
    return [configs[place] for place in numpy_stream(seed, "grid").permutation(len(configs))]


def combinations(space: Space, points: int) -> list[Config]:
    """Every combination, in the order of the space.

    Raises:
        ParamsError: There are too many.
    """
    found = list(islice(space.grid(points), LARGEST + 1))
    if len(found) > LARGEST:
        raise ParamsError(
            f"params.yaml: sweep.space: a grid of {points} points a range has more than {LARGEST:,} combinations;"
            " give ranges a step, take fewer points, or write sampler: {name: random}."
        )
    return found
