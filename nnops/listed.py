"""Whether DVC knows the user's own files that a stage reads, or it would not run it again when they change."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from nnops.errors import InputError

#: Where dvc.yaml has a value of params.yaml in its place.
TEMPLATE = re.compile(r"\$\{([^}]+)\}")


def check_listed(files: Mapping[str, Path], root: Path, stage: str, record: Mapping[str, Any]) -> None:
    """Hold files against a stage's ``deps`` in dvc.yaml; where no dvc.yaml has the stage, nobody runs it again.

    Args:
        files: What the stage reads, files or folders.
        root: The project's folder.
        stage: Its name in dvc.yaml.
        record: What params.yaml says, for templates such as ``${data.source.options.path}``.

    Raises:
        InputError: Some file is not there, and the message says what to add; or dvc.yaml is no YAML.
    """
    path = root / "dvc.yaml"
    if not files or not path.exists():
        return
    found = _at(_at(_read(path), "stages"), stage)
    written = _at(found, "deps") or []
    if not isinstance(found, Mapping) or not isinstance(written, list):
        # DVC has no such stage, or refuses what is written itself.
        return
    deps = [_filled(str(dep), record) for dep in cast(list[Any], written)]
    if None in deps:
        # A template of a file that is not ours: DVC knows more than is seen here.
        return
    listed = [(root / str(dep)).resolve() for dep in deps]
    for file in files.values():
        place = (root / file).resolve()
        if place.is_relative_to(root.resolve()) and not any(place.is_relative_to(dep) for dep in listed):
            name = place.relative_to(root.resolve()).as_posix()
            raise InputError(
                f"dvc.yaml: the stage {stage} must depend on '{name}', which its result is made from, or 'dvc repro'"
                " would not see it change; add it to the stage's deps."
            )


def _read(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name}: not valid YAML; 'dvc status' says where.") from error


def _at(node: Any, key: str) -> Any:
    return node.get(key) if isinstance(node, Mapping) else None


def _filled(dep: str, record: Mapping[str, Any]) -> str | None:
    """A dependency with its templates filled in; None where params.yaml has no such key."""
    for key in TEMPLATE.findall(dep):
        value: Any = record
        for part in key.strip().split("."):
            value = _at(value, part)
        if value is None:
            return None
        dep = dep.replace(f"${{{key}}}", str(value))
    return dep
