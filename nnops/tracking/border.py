"""The border to MLflow: how it is set up, and how whatever it raises becomes one of three errors."""

import contextlib
import logging
import os
from collections.abc import Generator

from nnops.errors import TrackingError


class DamagedError(TrackingError):
    """The store is a file that is no database; nothing is put down before somebody moves it away."""


class RejectedError(TrackingError):
    """The store answers, and will never take this record."""


class DeletedError(TrackingError):
    """Somebody deleted this run in the store, so it takes nothing more."""


class MissingError(TrackingError):
    """The store answers, and knows no such run."""


def configure(timeout_s: int = 10, retries: int = 1) -> None:
    """Set MLflow up before its first import: no telemetry, no chatter, short waits; what the user set stays."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(timeout_s))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(retries))
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow as mlflow  # Its import sets its loggers up, which must be over before they are made quiet.

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextlib.contextmanager
def border(action: str) -> Generator[None]:
    """Turn whatever MLflow and the libraries under it raise into one of three errors."""
    try:
        yield
    except TrackingError:
        raise
    except Exception as error:  # Stores and artifact stores are plug-ins: any library's errors come out here.
        code = getattr(error, "error_code", None)
        kind = {"INVALID_PARAMETER_VALUE": RejectedError, "RESOURCE_DOES_NOT_EXIST": MissingError}.get(code or "")
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise (kind or TrackingError)(f"MLflow: {action}: {reason}") from error
