"""Addresses of services: secrets in them come from the environment when they are used, and are kept nowhere."""

import os
import re
from urllib.parse import quote

from nnops.errors import InputError

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_PASSWORD_VARIABLE = re.compile(r"(?<=:)\$\{(\w+)\}(?=@)")
_PASSWORD = re.compile(r"(?<=://)([^\s/?#:]*):([^\s/?#]*)(?=@)")
_SECRET_QUERY = re.compile(r"(?i)(?<=[?&])([\w-]*(?:password|secret|token)[\w-]*)=([^&#\s]*)")


def expand(address: str, where: str) -> str:
    """Fill in ``${NAME}`` from the environment.

    A password is quoted, so that it may hold any character.

    Args:
        address: As it was written.
        where: The key that it was written under, for the message.

    Raises:
        InputError: A variable is not set.

    >>> os.environ["DB_PASSWORD"] = "a/b"
    >>> expand("postgresql://ann:${DB_PASSWORD}@host/db", "sweep.storage")
    'postgresql://ann:a%2Fb@host/db'
    """

    def value(name: str) -> str:
        if name not in os.environ:
            raise InputError(f"{where} needs the environment variable {name}, which is not set; export it first.")
        return os.environ[name]

    address = _PASSWORD_VARIABLE.sub(lambda found: quote(value(found[1]), safe=""), address)
    return _VARIABLE.sub(lambda found: value(found[1]), address)


def hide_password(address: str) -> str:
    """An address that may be shown.

    >>> hide_password("postgresql://me:secret@host/db")
    'postgresql://me:***@host/db'
    >>> hide_password("postgresql://host/db?user=me&password=secret")
    'postgresql://host/db?user=me&password=***'
    """
    address = _PASSWORD.sub(lambda found: f"{found[1]}:{found[2] if _is_named(found[2]) else '***'}", address)
    return _SECRET_QUERY.sub(lambda found: f"{found[1]}={found[2] if _is_named(found[2]) else '***'}", address)


def has_password(address: str) -> bool:
    """Whether an address holds a readable password, and not merely the name of a variable.

    >>> has_password("postgresql://me:secret@host/db"), has_password("postgresql://me:${PGPASSWORD}@host/db")
    (True, False)
    """
    return hide_password(address) != address


def check_no_password(address: str | None, hint: str) -> str | None:
    """An address as it came.

    Raises:
        ValueError: It holds a readable password, which params.yaml, the record and the tracking would show.
    """
    if address is not None and has_password(address):
        raise ValueError(
            "must hold no readable password, for it would be kept with the params; write ${NAME} in its place, and it"
            f" is read from that environment variable{hint}."
        )
    return address


def _is_named(secret: str) -> bool:
    return secret == "" or _VARIABLE.fullmatch(secret) is not None
