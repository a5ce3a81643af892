"""A space: the dimensions of a study in the order in which they are decided, and the configs that lie in it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nnops.catalog import nearest
from nnops.errors import ParamsError
from nnops.fingerprint import hash_json
from nnops.sweep.dimension import Dimension, parse_dimension, same

Config = dict[str, Any]
#: From this likeness on a key is a misspelling of another, not a key of its own.
ALIKE = 0.65


@dataclass(frozen=True)
class Space:
    """The set of configs that a study may try.

    Attributes:
        dimensions: A dimension stands after those that it depends on; otherwise in alphabetical order.
    """

    dimensions: tuple[Dimension, ...]

    @classmethod
    def parse(cls, record: Mapping[str, Mapping[str, Any]]) -> "Space":
        """Read ``sweep.space``.

        Raises:
            ParamsError: An empty space, a dimension that makes no sense, conditions on unknown keys or in a circle.
        """
        if not record:
            raise ParamsError(
                "params.yaml: sweep.space must name at least one key to tune, got none;"
                " write train.optimizer.options.lr: {float: [1e-5, 1e-1], log: true}."
            )
        known = {key: parse_dimension(key, entry) for key, entry in sorted(record.items())}
        for key in known:
            nested = next((other for other in known if other.startswith(f"{key}.")), None)
            if nested:
                raise ParamsError(
                    f"params.yaml: sweep.space.{nested}: {key} is tuned as a whole; leave one of them out."
                )
        known = {key: _judge_conditions(dimension, known) for key, dimension in known.items()}
        return cls(tuple(_ordered(known)))

    @cached_property
    def by_key(self) -> dict[str, Dimension]:
        """The dimensions by their key."""
        return {dimension.key: dimension for dimension in self.dimensions}

    @cached_property
    def hash(self) -> str:
        """The sha256 of the space; the order of its keys in params.yaml does not count."""
        return hash_json(self.record())

    def record(self) -> dict[str, Any]:
        """As params.yaml writes it, sorted."""
        return {key: self.by_key[key].record() for key in sorted(self.by_key)}

    def active(self, dimension: Dimension, config: Mapping[str, Any]) -> bool:
        """Whether a dimension counts beside what the config has decided so far."""
        return all(
            key in config and any(same(config[key], value) for value in values) for key, values in dimension.when
        )

    def contains(self, config: Mapping[str, Any]) -> bool:
        """Whether the config gives every active dimension, and nothing else, a value that it can take."""
        keys = {dimension.key for dimension in self.dimensions if self.active(dimension, config)}
        return keys == set(config) and all(self.by_key[key].holds(config[key]) for key in keys)

    def grid(self, points: int) -> Iterator[Config]:
        """Every config of the grid; see :meth:`Dimension.points`."""
        yield from self._product(self.dimensions, lambda dimension: dimension.points(points))

    def branches(self, keys: Iterable[str]) -> Iterator[Config]:
        """Every way to decide ``keys`` and what they depend on; numbers are at their ends and at values asked for."""
        needed = self._with_parents(set(keys))
        asked: dict[str, list[Any]] = {}
        for dimension in self.dimensions:
            for key, values in dimension.when:
                asked.setdefault(key, []).extend(values)

        def values_of(dimension: Dimension) -> list[Any]:
            values = dimension.extremes()
            values += [value for value in asked.get(dimension.key, []) if not any(same(value, v) for v in values)]
            return values

        yield from self._product([d for d in self.dimensions if d.key in needed], values_of)

    def _with_parents(self, keys: set[str]) -> set[str]:
        needed = set(keys)
        for dimension in reversed(self.dimensions):
            if dimension.key in needed:
                needed.update(key for key, _ in dimension.when)
        return needed

    def _product(self, dimensions: Iterable[Dimension], values_of: Any) -> Iterator[Config]:
        rest = list(dimensions)

        def extend(place: int, config: Config) -> Iterator[Config]:
            if place == len(rest):
                yield config
            elif not self.active(rest[place], config):
                yield from extend(place + 1, config)
            else:
                for value in values_of(rest[place]):
                    yield from extend(place + 1, config | {rest[place].key: value})

        yield from extend(0, {})


def _judge_conditions(dimension: Dimension, known: Mapping[str, Dimension]) -> Dimension:
    """Check ``when``; where a list is itself a value of the other dimension, it stands for that one value."""
    where = f"params.yaml: sweep.space.{dimension.key}.when"
    when: list[tuple[str, tuple[Any, ...]]] = []
    for key, values in dimension.when:
        if key not in known:
            guess = nearest(key, known, ALIKE)
            hint = f"did you mean '{guess}'?" if guess else "give it values in sweep.space, or take the condition out."
            raise ParamsError(f"{where}: '{key}' is not tuned itself; {hint}")
        other = known[key]
        if other.kind == "choice" and other.holds(list(values)):
            values = (list(values),)
        for value in values:
            if not other.holds(value):
                can = f"one of {list(other.choices)}" if other.kind == "choice" else f"in [{other.low}, {other.high}]"
                raise ParamsError(f"{where}: {key} must be {can}, got {value!r}.")
        if not values:
            raise ParamsError(f"{where}: {key} needs at least one value.")
        when.append((key, values))
    return Dimension(**{**dimension.__dict__, "when": tuple(sorted(when, key=lambda one: one[0]))})


def _ordered(known: Mapping[str, Dimension]) -> list[Dimension]:
    order: list[Dimension] = []
    placed: set[str] = set()
    while len(order) < len(known):
        ready = [d for d in known.values() if d.key not in placed and all(key in placed for key, _ in d.when)]
        if not ready:
            circle = " -> ".join(_circle(known, placed))
            raise ParamsError(f"params.yaml: sweep.space: the conditions go round in a circle: {circle}; take one out.")
        # One at a time: the order is then the alphabetical one wherever conditions leave it open.
        order.append(ready[0])
        placed.add(ready[0].key)
    return order


def _circle(known: Mapping[str, Dimension], placed: set[str]) -> list[str]:
    key = next(key for key in known if key not in placed)
    path: list[str] = []
    while key not in path:
        path.append(key)
        key = next(parent for parent, _ in known[key].when if parent not in placed)
    return [*path[path.index(key) :], key]
