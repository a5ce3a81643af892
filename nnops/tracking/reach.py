"""Whether a tracking store answers at all, asked before MLflow asks with its own long patience."""

import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from nnops.errors import TrackingError
from nnops.params import Params
from nnops.tracking.address import chosen_uri, shown, store_uri
from nnops.tracking.database import check_file
from nnops.tracking.spool import spool_folder
from nnops.tracking.trouble import Troubles

TIMEOUT_S = 3.0
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def check_reachable(uri: str) -> None:
    """Ask a store's server for a sign of life; of a store that is a file, look whether it is a database.

    Args:
        uri: The store's address.

    Raises:
        TrackingError: Nobody answers within ``TIMEOUT_S`` seconds, or the file is something else.
    """
    check_file(uri)
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    try:
        if scheme in ("http", "https"):
            with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=TIMEOUT_S):
                pass
        elif scheme in _PORTS and parts.hostname:
            with socket.create_connection((parts.hostname, parts.port or _PORTS[scheme]), TIMEOUT_S):
                pass
    except urllib.error.HTTPError:
        pass  # It answers; what it thinks of the question is for MLflow.
    except OSError as error:
        reason = getattr(error, "reason", error)
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        raise TrackingError(
            f"the MLflow store {address} does not answer ({reason}); start it, or correct tracking.uri in params.yaml"
            " or the variable MLFLOW_TRACKING_URI."
        ) from error


def explain_unsent(params: Params, root: Path) -> str | None:
    """Why what was logged has not arrived, as a sentence; None where it is only under way, which is no news."""
    try:
        check_reachable(store_uri(params, root))
    except TrackingError as error:
        return f"{error} What was logged waits in .nnops/spool and is sent later."
    return _explain_refused(params, root)


def _explain_refused(params: Params, root: Path) -> str | None:
    """What a store that answers has against what was logged, such as a password that it wants."""
    trouble = Troubles(spool_folder(root)).of((chosen_uri(params, root), params.tracking.experiment))
    if not trouble:
        return None
    return (
        f"the MLflow store {shown(store_uri(params, root))} does not take what was logged ({trouble}); it waits in"
        " .nnops/spool and is sent later."
    )


class BackgroundCheck:
    """Whether a store answers, asked beside other work: an answer from far away would be waited for at its end.

    Args:
        params: ``tracking`` says where the store is.
        root: The project's folder.
    """

    def __init__(self, params: Params, root: Path) -> None:
        self._params, self._root = params, root
        self._answers = False
        # A daemon: nobody waits for a server that swallows questions.
        threading.Thread(target=self._ask, name="reach", daemon=True).start()

    def _ask(self) -> None:
        self._answers = explain_unsent(self._params, self._root) is None

    def explain_unsent(self) -> str | None:
        """As :func:`explain_unsent`; a store that has answered before is not asked again."""
        explain = _explain_refused if self._answers else explain_unsent
        return explain(self._params, self._root)
