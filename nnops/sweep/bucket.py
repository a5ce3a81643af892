"""A folder at an S3 address: files are there whole or not at all, for that is how S3 stores them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nnops.address import expand, hide_password
from nnops.errors import InputError, StudyError
from nnops.sweep.within import within

SCHEME = "s3://"
#: Seconds in which a service must have answered before a sweep starts.
ANSWER_S = 8.0
#: A service is waited for so long, in seconds, and asked so often.
PATIENCE = {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 4, "mode": "standard"}}


class Bucket:
    """Files below one S3 address, by names relative to it.

    Keys, region and endpoint are read from the environment as every S3 client does: ``AWS_ACCESS_KEY_ID``,
    ``AWS_SECRET_ACCESS_KEY``, ``AWS_ENDPOINT_URL``, or the role of the machine.

    Args:
        address: ``s3://bucket/prefix``; ``${NAME}`` in it is read from the environment.

    Raises:
        InputError: The package that speaks to it is missing, or a variable.
    """

    def __init__(self, address: str) -> None:
        try:
            import s3fs
        except ImportError as error:
            raise InputError(
                f"params.yaml: sweep.shared: {hide_password(address)} needs a package that is missing; run: pip install"
                " 'nnops[s3]'."
            ) from error
        self.address = address.rstrip("/")
        self._root = expand(self.address, "params.yaml: sweep.shared").removeprefix(SCHEME)
        options: dict[str, Any] = {"config_kwargs": PATIENCE, "use_listings_cache": False}
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            # Clients are kept by their options; without it one of a service that has gone would be taken again.
            options["endpoint_url"] = endpoint
        self._system = s3fs.S3FileSystem(**options)

    def names(self, folder: str = "") -> list[str]:
        """Names of what lies in a folder, sorted; of one that does not exist none."""
        with self._border("cannot be listed"):
            try:
                found = self._system.ls(self._path(folder), detail=False, refresh=True)
            except FileNotFoundError:
                return []
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found)

    def get(self, name: str, path: Path) -> bool:
        """Fetch a file, atomically; whether it is there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with self._border("cannot be read"):
                self._system.get_file(self._path(name), str(part))
            part.replace(path)
        except FileNotFoundError:
            return False
        finally:
            part.unlink(missing_ok=True)
        return True

    def put(self, path: Path, name: str) -> None:
        """Store a file.

        Raises:
            FileNotFoundError: There is no such file here.
            StudyError: It cannot be stored.
        """
        with self._border("cannot be written"):
            self._system.put_file(str(path), self._path(name))

    def drop(self, *names: str) -> None:
        """Delete files, and folders with all that is in them; what does not exist is no fault."""
        for name in names:
            with self._border("cannot be deleted"), suppress(FileNotFoundError):
                self._system.rm(self._path(name), recursive=True)

    def check(self) -> None:
        """Judge whether this machine may write, read and delete here.

        Raises:
            InputError: It may not, or nobody answers.
        """
        name, text = f".nnops-{os.getpid()}", os.urandom(8).hex().encode()

        def touch() -> None:
            self._system.pipe_file(self._path(name), text)
            if self._system.cat_file(self._path(name)) != text:
                raise OSError("what was written cannot be read")
            self._system.rm_file(self._path(name))

        try:
            within(ANSWER_S, touch)
        except Exception as error:  # botocore's errors have no common base with s3fs's
            raise InputError(
                f"params.yaml: sweep.shared: {hide_password(self.address)} cannot be used: {_reason(error)}; check the"
                " bucket and the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL."
            ) from error

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    @contextmanager
    def _border(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:
            raise StudyError(f"{hide_password(self.address)} {what}: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
