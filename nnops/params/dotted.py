"""Dotted keys: one key of params by its whole name, as ``--set``, spaces and configs write it."""

import copy
from collections.abc import Mapping
from typing import Any

from nnops.catalog import unknown
from nnops.errors import ParamsError
from nnops.params.plain import is_dict, is_list, plain
from nnops.params.whole import Params, parse

#: Sections whose keys are free text, dots included: what follows is one key.
FREE = ("sweep.space.", "data.kinds.", "data.skewed.", "compress.max_drop.")


def parse_set(text: str) -> tuple[str, Any]:
    """Parse ``dotted.key=value``, the value being YAML.

    >>> parse_set("train.optimizer.options.lr=1e-3")
    ('train.optimizer.options.lr', 0.001)
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ParamsError(f"--set wants dotted.key=value, got '{text}'.")
    return key.strip(), plain(parse_yaml(value, f"--set {text}"), key)


def parse_yaml(text: str, where: str) -> Any:
    """Parse a value that was written out on the command line.

    Raises:
        ParamsError: It is no YAML; the message begins with ``where``.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml: Any = YAML(typ="safe", pure=True)
    try:
        return yaml.load(text)
    except YAMLError as error:
        raise ParamsError(
            f"{where}: the value is not valid YAML; close every bracket and quote, and write a space after a colon."
        ) from error


def overlay(params: Params, config: Mapping[str, Any]) -> Params:
    """Lay a config (dotted keys to values) over params.

    A change of a component's ``name`` drops the options of the component before it, unless the config sets them.

    Raises:
        ParamsError: A key that does not exist, a value that does not fit.
    """
    if not config:
        return params
    record = params.whole()
    for key in sorted(config, key=names_first):
        set_dotted(record, key, config[key])
    return parse(record)


def set_dotted(record: Any, key: str, value: Any, defaults: Any = None) -> None:
    """Set one dotted key in nested params, in place; whether the last key exists is judged by :func:`parse`.

    Args:
        record: Plain params, or a YAML document that may leave keys out.
        key: The dotted key; a number stands for a place in a list.
        value: What to set.
        defaults: The whole params where ``record`` may leave keys out: a default component is written whole.

    Raises:
        ParamsError: A key on the way does not exist or holds a plain value.
    """
    node, default = record, defaults
    *way, last = _parts(key)
    for depth, part in enumerate(way):
        default = _child(default, part)
        if is_list(node):
            node = _item(node, part, key)
            continue
        where = ".".join(way[:depth])
        if part not in node and defaults is None:
            raise ParamsError(f"{key}: {unknown('key', part, node)}" + (f" (in {where})" if where else ""))
        if node.get(part) is None:
            # A default component is written whole: its other options would else no longer be those of the default.
            node[part] = {} if _child(default, "name") is None else copy.deepcopy(default)
        node = node[part]
        if not _has_keys(node):
            raise ParamsError(f"{key}: {'.'.join(way[: depth + 1])} holds a value and has no keys below it.")
    if is_list(node):
        _item(node, last, key)
        node[int(last)] = value
        return
    if last == "name" and "options" in node and node.get("name") != value:
        node["options"] = {}
    node[last] = value


def _has_keys(node: Any) -> bool:
    return isinstance(node, dict | list)


def _parts(key: str) -> list[str]:
    for section in FREE:
        if key.startswith(section):
            return [*section.rstrip(".").split("."), key.removeprefix(section)]
    return key.split(".")


def names_first(key: str) -> tuple[bool, str]:
    """A component's name goes before its options, since a new name drops the old options."""
    return not key.endswith(".name"), key


def _child(node: Any, part: str) -> Any:
    return node.get(part) if is_dict(node) else None


def _item(node: list[Any], part: str, key: str) -> Any:
    if not part.isdigit() or int(part) >= len(node):
        raise ParamsError(f"{key}: '{part}' must be a number below {len(node)}, the place in a list.")
    return node[int(part)]
