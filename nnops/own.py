"""The user's own code: a name in a Python file of the project, by import path, and the files that it comes from."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from nnops.catalog import unknown
from nnops.errors import ParamsError

#: ``mynet:Net`` is ``Net`` in ``mynet.py`` of the project's folder.
PATTERN = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"


def find_own(path: str, where: str) -> Any:
    """What an import path names.

    Args:
        path: As :data:`PATTERN` says.
        where: The key in params.yaml, for messages.

    Raises:
        ParamsError: It cannot be imported, or there is no such name.
    """
    name, _, attribute = path.partition(":")
    module = _load(name, where)
    if not hasattr(module, attribute):
        there = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise ParamsError(f"{where}: {name} has no {attribute}; {unknown('name', attribute, there)}")
    return getattr(module, attribute)


def own_files(path: str) -> dict[str, Path]:
    """The module's file, or all Python files of its package, by name; none where it was installed."""
    _look_here()
    spec = importlib.util.find_spec(path.partition(":")[0].partition(".")[0])
    if spec is None or spec.name == "nnops":
        return {}
    places = [Path(place) for place in spec.submodule_search_locations or [spec.origin or ""]]
    files = [file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place])]
    base = places[0].parent
    if "site-packages" in base.parts:
        return {}
    return {file.relative_to(base).as_posix(): file for file in sorted(files)}


def words(error: Exception) -> str:
    """What the user's code raised, on one line."""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} ({Path(error.filename or '').name}, line {error.lineno})"
    return f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}"


def _load(name: str, where: str) -> ModuleType:
    root = _look_here()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ParamsError(
                f"{where}: there is no module '{name}'; write the name of a Python file in {root} without .py."
            ) from error
        raise ParamsError(f"{where}: {name} cannot be imported: {words(error)}.") from error
    except Exception as error:  # of the user's code
        raise ParamsError(f"{where}: {name} cannot be imported: {words(error)}.") from error


def _look_here() -> str:
    """The project's folder, as one of those where modules are looked for."""
    root = str(Path.cwd())
    if root not in sys.path:
        # Last, so that nothing of the project hides a library.
        sys.path.append(root)
    return root
