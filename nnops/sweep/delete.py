"""Deleting a study, also one whose record is not whole: then its folder is all that is known of it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nnops.errors import StudyDamagedError
from nnops.sweep.lease import Lease
from nnops.sweep.names import studies
from nnops.sweep.study import Study


@dataclass(frozen=True)
class Deletable:
    """A study that can be deleted.

    Attributes:
        words: What is lost, for the question.
        delete: Deletes it; a StudyError where somebody drives it.
    """

    words: str
    delete: Callable[[], None]


def find_deletable(root: Path, name: str) -> Deletable:
    """What is to be deleted under a study's name.

    Raises:
        InputError: There is no such study; the message holds the nearest name.
        StudyHeldError: It is just beginning.
    """
    try:
        study = Study.open(root, name)
    except StudyDamagedError:
        return Deletable("whose record is damaged", lambda: _delete_folder(root, name))
    return Deletable(f"with {study.count()} trials", study.delete)


def _delete_folder(root: Path, name: str) -> None:
    folder = studies(root) / name
    lease = Lease(folder, name)
    lease.take()
    try:
        shutil.rmtree(folder)
    finally:
        lease.release()
