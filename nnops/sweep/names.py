"""The studies of a project by name: where each one's folder is, which names are taken, who is just beginning one."""

import re
import uuid
from pathlib import Path

from nnops.catalog import nearest
from nnops.errors import InputError, NnopsError, StudyHeldError
from nnops.sweep.holder import Holder
from nnops.sweep.lease import holder_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def studies(root: Path) -> Path:
    """The folder of all studies."""
    return root / ".nnops" / "studies"


def taken(root: Path, name: str) -> bool:
    """Whether a study of this name was begun in this project."""
    return (studies(root) / name / "study.json").exists()


def names(root: Path) -> list[str]:
    """The names of all studies of a project, sorted."""
    return sorted(path.parent.name for path in studies(root).glob("*/study.json"))


def beginner(root: Path, name: str) -> Holder | None:
    """The living process that judges and plans a study of this name, which is not there yet."""
    holder = holder_of(studies(root) / name)
    return holder if holder is not None and holder.alive and not taken(root, name) else None


def beginning(root: Path) -> dict[str, Holder]:
    """The studies that are just beginning, by name, and who begins them."""
    found = {path.parent.name: beginner(root, path.parent.name) for path in studies(root).glob("*/driver.json")}
    return {name: holder for name, holder in found.items() if holder is not None}


def free_name(root: Path, base: str) -> str:
    """``base``, or ``base-2``, ``base-3`` ... where that is taken."""
    taken = {*names(root), *beginning(root)}
    if base not in taken:
        return base
    return next(name for n in range(2, len(taken) + 3) if (name := f"{base}-{n}") not in taken)


def check_name(name: str) -> None:
    """Judge a study's name.

    Raises:
        InputError: It cannot be the name of a folder.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"a study's name must be 1 to 100 letters, digits or _ . - beginning with a letter or digit, got '{name}'."
        )


def missing(root: Path, name: str) -> NnopsError:
    """What to raise where a study is not there; it says who is just beginning it, or the nearest name."""
    holder = beginner(root, name)
    if holder is not None:
        return StudyHeldError(
            f"study '{name}' is just beginning, driven by {holder}; wait until it runs, or end it with"
            f" 'nnops sweep stop {name}'."
        )
    known = names(root)
    guess = nearest(name, known)
    hint = f"did you mean '{guess}'?" if guess else f"there is {', '.join(known) or 'none yet'}."
    return InputError(f"no study '{name}' in {studies(root)}; {hint}")


def new_uid(name: str) -> str:
    """What names the runs and shared files of a study that begins."""
    return f"{name}-{uuid.uuid4().hex[:8]}"
