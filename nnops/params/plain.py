"""YAML's nodes as plain Python values."""

import datetime
from typing import Any, TypeGuard

from nnops.errors import ParamsError


def is_dict(node: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a node has keys."""
    return isinstance(node, dict)


def is_list(node: Any) -> TypeGuard[list[Any]]:
    """Whether a node is a list of YAML or of params."""
    return isinstance(node, list | tuple)


def plain(node: Any, where: str) -> Any:
    """Ruamel's round-trip nodes as plain Python; dates are refused, since DVC cannot store them."""
    if is_dict(node):
        return {str(key): plain(value, f"{where}.{key}".lstrip(".")) for key, value in node.items()}
    if is_list(node):
        return [plain(value, f"{where}.{index}") for index, value in enumerate(node)]
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, datetime.date | datetime.datetime):
        raise ParamsError(f"params.yaml: {where}: dates must be quoted, write '{node}'.")
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node
