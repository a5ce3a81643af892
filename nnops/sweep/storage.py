"""Where a study's record lies: a journal file in its folder, or any storage that Optuna can open by its address."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from nnops.address import expand, hide_password
from nnops.errors import InputError, StudyDamagedError, StudyError
from nnops.sweep.within import within

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage

JOURNAL = "journal.log"
#: Seconds in which a database server must have answered.
ANSWER_S = 8.0
#: How long libpq waits, in seconds: for a connection, before it asks whether the other side still lives, and how often;
#: and in milliseconds for what was sent to be acknowledged.
PATIENCE = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30000,
}


def open_storage(folder: Path, url: str | None, *, drive: bool = False) -> "BaseStorage":
    """Open the storage of a study.

    Args:
        folder: The study's folder, which holds the journal file where no address is given.
        url: An Optuna storage such as ``postgresql://host/db`` or ``sqlite:///studies.db``, or None; ``${NAME}`` in it
            is read from the environment.
        drive: Whether the caller holds the study's lease, and so is the only one who writes.

    Raises:
        InputError: The address is not one that Optuna can open, or nobody answers there.
        StudyDamagedError: The journal is damaged.
    """
    logging.getLogger("optuna").setLevel(logging.WARNING)
    if url is not None:
        return _open_address(url)
    from optuna.storages import JournalStorage

    from nnops.sweep.journal import Journal, heal

    folder.mkdir(parents=True, exist_ok=True)
    if drive:
        heal(folder / JOURNAL)
    try:
        return JournalStorage(Journal(folder / JOURNAL))
    except Exception as error:  # Optuna has no word for lines that do not follow from those before.
        if isinstance(error, OSError):
            raise
        raise StudyDamagedError(
            f"{folder / JOURNAL}: the study's journal is damaged ({error}); {remedy(folder.name)}."
        ) from error


def remedy(name: str) -> str:
    """What to do about a record that is not whole."""
    return f"put its file back from a copy, or delete the study with 'nnops sweep delete {name}'"


def check_storage(url: str | None) -> None:
    """Judge whether a storage answers, before anything that takes its time is begun.

    Raises:
        InputError: It does not.
    """
    if url is not None:
        logging.getLogger("optuna").setLevel(logging.WARNING)
        close_storage(_open_address(url))


def close_storage(storage: "BaseStorage") -> None:
    """Close what is open to a database; it is opened again when it is needed."""
    from optuna.storages import RDBStorage

    database = getattr(storage, "_backend", storage)
    if isinstance(database, RDBStorage):
        database.remove_session()
        database.engine.dispose()


def _open_address(url: str) -> "BaseStorage":
    import optuna

    address = expand(url, "params.yaml: sweep.storage")
    try:
        if is_server(address):
            return within(ANSWER_S, lambda: optuna.storages.get_storage(_connect(address)))
        return optuna.storages.get_storage(address)
    except TimeoutError as error:
        raise _not_opened(
            url, f"nobody answers within {ANSWER_S:g} s", "start the server or correct the address"
        ) from error
    except ImportError as error:
        hint = "for PostgreSQL run: pip install 'nnops[postgres]'"
        raise _not_opened(url, "the Python package that speaks to it is missing", hint) from error
    except Exception as error:  # SQLAlchemy and its drivers have no common base
        cause = error.__cause__ or error
        # What a driver says first is the most of it; the address, with its password, is never part of it.
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        hint = "write an address such as postgresql://host/database or sqlite:///studies.db, or leave it out"
        raise _not_opened(url, reason, hint) from error


def _not_opened(url: str, reason: str, hint: str) -> InputError:
    return InputError(f"params.yaml: sweep.storage: '{hide_password(url)}' cannot be opened: {reason}; {hint}.")


def is_server(address: str) -> bool:
    """Whether a storage is a server, which other machines can reach, and not a file.

    >>> is_server("postgresql://host/db"), is_server("sqlite:///studies.db")
    (True, False)
    """
    return not address.startswith("sqlite")


def _connect(address: str) -> "RDBStorage":
    """A database server's storage, whose connections never hang for long."""
    from optuna.storages import RDBStorage

    options: dict[str, Any] = {}
    if address.startswith("postgres"):
        # What the address itself says goes before.
        given = {key for key, _ in parse_qsl(address.partition("?")[2])}
        options = {"connect_args": {key: value for key, value in PATIENCE.items() if key not in given}}
    return RDBStorage(address, engine_kwargs=options)


@contextmanager
def answering() -> Iterator[None]:
    """Say in one sentence that a storage went away while a study was driven.

    Raises:
        StudyError: It did; what it was told before is kept by it.
    """
    try:
        yield
    except Exception as error:
        if not _is_of_storage(error):
            raise
        lines = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
        raise StudyError(
            f"the study's storage does not answer: {lines[0]}; when it does, 'nnops sweep resume' loses nothing."
        ) from error


def _is_of_storage(error: Exception) -> bool:
    from optuna.exceptions import StorageInternalError

    return isinstance(error, StorageInternalError) or type(error).__module__.startswith("sqlalchemy.")
