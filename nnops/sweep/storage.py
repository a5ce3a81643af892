"""Where a study's record lies: a journal file in its folder, or any storage that Optuna can open by its address."""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nnops.errors import InputError, StudyError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

JOURNAL = "journal.log"
#: A journal's lock is held for milliseconds, so an older one was left by a process that died.
STALE_LOCK_S = 2.0


def open_storage(folder: Path, url: str | None) -> "BaseStorage":
    """Open the storage of a study.

    Args:
        folder: The study's folder, which holds the journal file where no address is given.
        url: An Optuna storage such as ``postgresql://host/db`` or ``sqlite:///studies.db``, or None.

    Raises:
        InputError: The address is not one that Optuna can open.
        StudyError: The journal is damaged.
    """
    import optuna

    logging.getLogger("optuna").setLevel(logging.WARNING)
    if url is not None:
        try:
            return optuna.storages.get_storage(url)
        except Exception as error:  # SQLAlchemy and its drivers have no common base
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(
                f"params.yaml: sweep.storage: '{hide_password(url)}' cannot be opened: {reason};"
                " write an address such as sqlite:///studies.db or leave it out."
            ) from error
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    folder.mkdir(parents=True, exist_ok=True)
    try:
        return JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    except (ValueError, KeyError) as error:
        raise StudyError(f"{folder / JOURNAL}: the study's journal is damaged: {error}.") from error


def heal(folder: Path) -> None:
    """Undo what a write that was cut off left behind: half a line, a lock. Only the holder of the lease may."""
    lock = folder / f"{JOURNAL}.lock"
    for left in (lock, *folder.glob(f"{JOURNAL}.lock*.rename")):
        try:
            if time.time() - left.lstat().st_mtime > STALE_LOCK_S:
                left.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
    path = folder / JOURNAL
    if not path.exists():
        return
    with path.open("rb+") as stream:
        size = stream.seek(0, 2)
        end = size
        while end > 0:
            start = max(0, end - 4096)
            stream.seek(start)
            newline = stream.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            stream.truncate(end)


def hide_password(url: str) -> str:
    """An address that may be shown.

    >>> hide_password("postgresql://me:secret@host/db")
    'postgresql://me:***@host/db'
    """
    scheme, mark, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    if mark and at and ":" in user:
        return f"{scheme}://{user.partition(':')[0]}:***@{host}"
    return url
