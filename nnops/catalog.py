"""A catalog: a table of components by name, as strings, so that nothing is imported before it is used.

A component is a frozen pydantic model of its own options. ``params.yaml`` names it and gives the options::

    model: {name: mlp, options: {hidden: [128, 64]}}
"""

import difflib
import importlib
import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from nnops.errors import NameUnknownError, ParamsError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Component(BaseModel):
    """Base of all components: its fields are its options, unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def examples(cls) -> list[Self]:
        """Smallest valid instances; contract suites run over them and the docs print them."""
        return [cls()]


T = TypeVar("T", bound=Component)


class Catalog(Generic[T]):
    """A table ``name -> "module:Class"`` of one kind of component.

    Args:
        kind: What its entries are, for messages: "model", "loss".
        table: Import paths by name.
    """

    def __init__(self, kind: str, table: Mapping[str, str]) -> None:
        self.kind = kind
        self._table = dict(table)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._table)

    def load(self, name: str, where: str = "") -> type[T]:
        """Import the class of ``name``.

        Raises:
            NameUnknownError: No such name; the message holds the nearest one.
        """
        if name not in self._table:
            raise NameUnknownError(f"{where or self.kind}: {unknown(self.kind, name, self._table)}")
        module, _, attribute = self._table[name].partition(":")
        return cast(type[T], getattr(importlib.import_module(module), attribute))

    def build(self, name: str, options: Mapping[str, Any], where: str = "") -> T:
        """Build the component ``name`` from its options.

        Args:
            name: An entry of the table.
            options: The component's options.
            where: The place in params.yaml, such as ``model``, for messages.

        Raises:
            NameUnknownError: No such name.
            ParamsError: The component refuses its options.
        """
        component = self.load(name, f"params.yaml: {where}.name" if where else "")
        try:
            return component.model_validate(dict(options))
        except ValidationError as error:
            prefix = f"{where}.options" if where else f"{self.kind} {name}"
            raise ParamsError(explain(error, prefix, component)) from error


def nearest(name: str, names: Iterable[str], alike: float = 0.5) -> str | None:
    """The name most like ``name``, or None where nothing is alike: by :mod:`difflib`'s ratio, from 0 to 1.

    >>> nearest("crosentropy", ["mse", "cross_entropy"])
    'cross_entropy'
    """
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=alike)
    return found[0] if found else None


def unknown(kind: str, name: str, names: Iterable[str]) -> str:
    """One sentence for an unknown name, with the nearest one or all of them."""
    names = sorted(names)
    guess = nearest(name, names)
    hint = f"did you mean '{guess}'?" if guess else f"there is {', '.join(names) or 'none'}."
    return f"unknown {kind} '{name}'; {hint}"


#: What pydantic says for programmers, by its type of fault, said for people.
PLAIN = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must hold keys and values",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "model_type": "must hold keys and values",
    "string_type": "must be text",
    "tuple_type": "must be a list",
}


def explain(error: ValidationError, prefix: str, model: type[BaseModel]) -> str:
    """The first fault of a pydantic error as one sentence that names the key of params.yaml."""
    faults = error.errors(include_url=False)
    # An unknown key is nearly always a misspelling of the missing one, so it is the one to name.
    fault = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    path = [str(part) for part in fault["loc"] if not str(part).startswith(("function-", "tagged-"))]
    where = ".".join(part for part in [prefix, *path] if part)
    if fault["type"] == "extra_forbidden":
        parent, key = where.rpartition(".")[0], path[-1]
        fields = _fields_at(model, path[:-1])
        return f"params.yaml: {where}: {unknown('key', key, fields)}" + (f" (in {parent})" if parent else "")
    if fault["type"] == "missing":
        return f"params.yaml: {where} is missing."
    message = fault["msg"]
    if message.startswith("Value error, "):
        return f"params.yaml: {where}: {message.removeprefix('Value error, ')}"
    return f"params.yaml: {where} {plainly(fault)}."


def plainly(fault: "ErrorDetails") -> str:
    """What is wrong with a value, after its name: ``must be a number, got 'lots'``."""
    message = PLAIN.get(fault["type"], fault["msg"][0].lower() + fault["msg"][1:])
    for start in ("input should be ", "input must be "):
        if message.startswith(start):
            message = f"must be {message.removeprefix(start)}"
    return f"{message}, got {_shown(fault.get('input'))}"


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    current: Any = model
    for part in path:
        fields = {field.alias or name: field for name, field in getattr(current, "model_fields", {}).items()}
        if part not in fields:
            continue
        current = _inner_model(fields[part].annotation)
    return [field.alias or name for name, field in getattr(current, "model_fields", {}).items()]


def _inner_model(annotation: Any) -> Any:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _inner_model(inner)
        if found is not None:
            return found
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
