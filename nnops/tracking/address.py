"""Where the MLflow store of a project is; no MLflow needed to say it."""

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

from nnops.address import expand, has_password
from nnops.errors import ParamsError
from nnops.params import Params

DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
SERVERS = ("http", "https", "databricks")


def chosen_uri(params: Params, root: Path) -> str | None:
    """The store that somebody chose: the variable MLFLOW_TRACKING_URI, else ``tracking.uri``, else None.

    It may be kept and shown: passwords stand in it as the names of variables, see :func:`store_uri`.

    Raises:
        ParamsError: It is no database and no server.
    """
    for where, uri in (
        ("MLFLOW_TRACKING_URI", os.environ.get("MLFLOW_TRACKING_URI")),
        ("params.yaml: tracking.uri", params.tracking.uri),
    ):
        if uri:
            scheme = re.split(r"[:+]", uri, maxsplit=1)[0].lower()
            if ":" not in uri or scheme not in DATABASES + SERVERS:
                raise ParamsError(f"{where} must be a server (http://…) or a database (sqlite:///…), got '{uri}'.")
            return f"${{{where}}}" if has_password(uri) else _absolute(uri, root)
    return None


def default_uri(root: Path) -> str:
    """The store where nobody chose: ``mlflow.db`` in the project, where plain ``mlflow ui`` looks."""
    return "sqlite:///" + quote_path(root.resolve() / "mlflow.db")


def store_uri(params: Params, root: Path) -> str:
    """The address of the project's MLflow store, to be opened and not to be kept.

    Raises:
        ParamsError: What was chosen is no database and no server.
        InputError: A variable in it is not set.
    """
    return opened_uri(chosen_uri(params, root), root)


def opened_uri(uri: str | None, root: Path) -> str:
    """The address to open for one that :func:`chosen_uri` gave.

    Raises:
        InputError: A variable in it is not set.
    """
    return default_uri(root) if uri is None else expand(uri, "the MLflow store")


def is_database(uri: str) -> bool:
    """Whether the store is a database that MLflow opens in this process, not a server."""
    return uri.split(":", 1)[0].split("+", 1)[0] in DATABASES


def sqlite_path(uri: str) -> Path | None:
    """The file of a SQLite store, else None."""
    if not uri.startswith("sqlite:///") or uri in ("sqlite:///", "sqlite:///:memory:"):
        return None
    return Path(unquote(uri.removeprefix("sqlite:///").split("?", 1)[0]))


def artifact_root(uri: str, root: Path) -> Path:
    """The folder of artifacts beside a database; a server has its own."""
    path = sqlite_path(uri)
    return (path.parent if path else root.resolve()) / "mlruns"


def shown(uri: str) -> str:
    """An address without its user and password."""
    return re.sub(r"(?i)([?&][^=&]*(?:password|token|secret)[^=&]*=)[^&]*", r"\1***", re.sub(r"//[^/?]*@", "//", uri))


def quote_path(path: Path) -> str:
    """A path inside an address: these three characters are quoted, others, such as spaces, stay as they are."""
    return re.sub("[%?#]", lambda found: quote(found[0]), str(path))


def _absolute(uri: str, root: Path) -> str:
    """SQLite paths are relative to the project, not to whatever folder a process stands in."""
    if not uri.startswith("sqlite:///") or uri.startswith("sqlite:////"):
        return uri
    return f"sqlite:///{root.resolve()}/{uri.removeprefix('sqlite:///')}"
