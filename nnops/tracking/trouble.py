"""What keeps runs from arriving, as the writer meets it, kept beside the spool for whoever wants to say so."""

import contextlib
import json
import logging
from pathlib import Path

from nnops.files import write_json

Target = tuple[str | None, str]
"""A store's address, None being the project's own, and an experiment."""

_log = logging.getLogger(__name__)


class Troubles:
    """The latest trouble with each store.

    Args:
        spool: The spool's folder.
    """

    def __init__(self, spool: Path) -> None:
        self._path = spool / "trouble.json"
        self._latest: dict[Target, str] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):  # None, or a loss of power cut it short.
            self._latest = {(uri, experiment): text for uri, experiment, text in json.loads(self._path.read_text())}

    def of(self, target: Target) -> str:
        """Why the last try failed; empty where it did not."""
        return self._latest.get(target, "")

    def put(self, target: Target, trouble: str) -> None:
        """Keep and log how a try ended, where that is news.

        Args:
            target: Where to.
            trouble: Why it failed; empty where it did not.
        """
        if trouble == self.of(target):
            return
        _log.warning("%s", trouble) if trouble else _log.info("the store answers again")
        self._latest[target] = trouble
        with contextlib.suppress(FileNotFoundError):  # The whole project was deleted.
            write_json(self._path, [[*target, text] for target, text in self._latest.items() if text])
