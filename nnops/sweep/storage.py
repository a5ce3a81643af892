"""Where a study's record lies: a journal file in its folder, or any storage that Optuna can open by its address."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from nnops.errors import InputError, StudyError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

JOURNAL = "journal.log"


def open_storage(folder: Path, url: str | None, *, drive: bool = False) -> "BaseStorage":
    """Open the storage of a study.

    Args:
        folder: The study's folder, which holds the journal file where no address is given.
        url: An Optuna storage such as ``postgresql://host/db`` or ``sqlite:///studies.db``, or None.
        drive: Whether the caller holds the study's lease, and so is the only one who writes.

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

    from nnops.sweep.journal import Journal, heal

    folder.mkdir(parents=True, exist_ok=True)
    if drive:
        heal(folder / JOURNAL)
    try:
        return JournalStorage(Journal(folder / JOURNAL))
    except (ValueError, KeyError) as error:
        raise StudyError(f"{folder / JOURNAL}: the study's journal is damaged: {error}.") from error


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
