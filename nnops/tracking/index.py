"""The index: which MLflow run a uid became, kept beside the spool, so that asking needs neither MLflow nor a server."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from nnops.params import Params
from nnops.tracking.address import chosen_uri
from nnops.tracking.spool import spool_folder


class RunIndex:
    """One line a run, appended by the writer.

    Attributes:
        experiment_id: MLflow's id of the experiment, for links; None before anything has arrived.

    Args:
        spool: The spool's folder.
        uri: The store, None being the project's own.
        experiment: The experiment.
    """

    def __init__(self, spool: Path, uri: str | None, experiment: str) -> None:
        self._path = spool / "runs.jsonl"
        self._target = [uri, experiment]
        self.experiment_id: str | None = None
        self._ids: dict[str, str] = {}
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
                self._take(line)

    def get(self, uid: str) -> str | None:
        """The run id of a uid."""
        return self._ids.get(uid)

    def put(self, uid: str, run_id: str, experiment_id: str) -> None:
        """Keep the run id of a uid; a later one replaces an earlier one."""
        if self._ids.get(uid) == run_id:
            return
        self._ids[uid], self.experiment_id = run_id, experiment_id
        line = json.dumps([*self._target, experiment_id, uid, run_id], ensure_ascii=False) + "\n"
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)

    def forget(self, uid: str) -> None:
        """The store knows this run no more."""
        self._ids.pop(uid, None)

    def _take(self, line: str) -> None:
        try:
            uri, experiment, experiment_id, uid, run_id = json.loads(line)
        except (ValueError, TypeError):  # A line that a loss of power cut short; the run is found by its tag.
            return
        if [uri, experiment] == self._target:
            self._ids[uid], self.experiment_id = run_id, experiment_id


def open_index(params: Params, root: Path) -> RunIndex:
    """The index of a project's runs in the store that it uses now.

    Raises:
        ParamsError: The store's address is wrong.
    """
    return RunIndex(spool_folder(root.resolve()), chosen_uri(params, root), params.tracking.experiment)


def run_ids(uids: Iterable[str], params: Params, root: Path) -> dict[str, str]:
    """The MLflow run id of each uid that has arrived, as the writer noted it.

    Raises:
        ParamsError: The store's address is wrong.
    """
    index = open_index(params, root)
    return {uid: run_id for uid in uids if (run_id := index.get(uid))}
