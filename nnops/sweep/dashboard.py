"""optuna-dashboard on the studies of a project: their own records, as they are at the moment, and read only."""

import copy
import threading
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from nnops.errors import InputError, NnopsError, StudyError
from nnops.sweep.names import names
from nnops.sweep.study import Study

#: A trial's id is its study's id times so many, plus its number.
STRIDE = 10_000_000
HOST = "127.0.0.1"


def serve(root: Path, port: int, ready: Callable[[], None]) -> None:
    """Serve the dashboard on this machine until the process is told to end.

    Args:
        root: The project's folder.
        port: On the loopback address.
        ready: Called once it answers.

    Raises:
        InputError: optuna-dashboard is not installed, there is no study, or the port is taken.
    """
    if not names(root):
        raise InputError(f"there are no studies in {root.absolute()}; 'nnops sweep start' makes one.")
    try:
        server = WSGIServer((HOST, port), _Quiet)
    except OSError as error:
        raise InputError(f"port {port} is taken; write 'nnops ui --studies --port {port + 1}'.") from error
    with server:
        # The dashboard is slow to import, and what is wrong is said before.
        try:
            from optuna_dashboard import wsgi
        except ModuleNotFoundError as error:
            raise InputError(
                "nnops ui --studies needs optuna-dashboard; write: pip install 'optuna-dashboard>=0.21,<1'."
            ) from error
        server.set_app(only_here(wsgi(Studies(root)), port))
        # A handler swallows what is raised in it, the end of the process included, so it has a thread of its own.
        answers = threading.Thread(target=server.serve_forever, daemon=True)
        answers.start()
        try:
            ready()
            answers.join()
        finally:
            server.shutdown()


def only_here(app: Any, port: int) -> Any:
    """A web application that answers readers on this machine alone: no other host name, nothing but GET."""
    hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ.get("HTTP_HOST") not in hosts:
            start("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"nnops: not the address of this page.\n"]
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start("405 Method Not Allowed", [("Content-Type", "application/json"), ("Allow", "GET")])
            return [b'{"reason": "the record belongs to the sweep; this page only shows it"}\n']
        return app(environ, start)

    return answer


class _Quiet(WSGIRequestHandler):
    """Says nothing of requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size


class Studies(BaseStorage):
    """All studies of a project as one Optuna storage that cannot be written.

    Args:
        root: The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._ids: dict[str, int] = {}
        self._open: dict[int, Study] = {}

    def get_all_studies(self) -> list[FrozenStudy]:
        """One entry a study, under ids that stay while the process lives.

        One that cannot be opened hides no other; 'nnops sweep list' says what is wrong with it.
        """
        found = names(self._root)
        for name in found:
            self._ids.setdefault(name, len(self._ids))
        for name in self._ids.keys() - set(found):
            self._open.pop(self._ids.pop(name), None)
        return [self._frozen(self._ids[name]) for name in found if self._opens(self._ids[name])]

    def get_study_id_from_name(self, study_name: str) -> int:
        """See Optuna."""
        self.get_all_studies()
        return self._ids[study_name]

    def get_study_name_from_id(self, study_id: int) -> str:
        """See Optuna."""
        return self._study(study_id).name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """See Optuna."""
        return self._study(study_id).optuna.directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """See Optuna."""
        return self._study(study_id).optuna.user_attrs

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """See Optuna; the names of objectives are added for the dashboard."""
        study = self._study(study_id)
        inner = study.optuna._storage.get_study_system_attrs(study.optuna._study_id)
        return inner | {"dashboard:objective_names": [each.metric for each in study.objectives]}

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """See Optuna."""
        trials = self._study(study_id).optuna.get_trials(deepcopy=deepcopy)
        return [_renumbered(trial, study_id) for trial in trials if states is None or trial.state in states]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """See Optuna."""
        study_id, number = divmod(trial_id, STRIDE)
        trials = self.get_all_trials(study_id, deepcopy=False)
        if number >= len(trials):
            raise KeyError(f"no trial {number}")
        return trials[number]

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        """Refused, as all that writes."""
        raise _READ_ONLY

    def delete_study(self, study_id: int) -> None:
        """Refused."""
        raise _READ_ONLY

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Refused."""
        raise _READ_ONLY

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Refused."""
        raise _READ_ONLY

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Refused."""
        raise _READ_ONLY

    def set_trial_param(self, trial_id: int, param_name: str, param_value_internal: float, distribution: Any) -> None:
        """Refused."""
        raise _READ_ONLY

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Refused."""
        raise _READ_ONLY

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Refused."""
        raise _READ_ONLY

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Refused."""
        raise _READ_ONLY

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Refused."""
        raise _READ_ONLY

    def _study(self, study_id: int) -> Study:
        if study_id not in self._open:
            name = next((name for name, each in self._ids.items() if each == study_id), None)
            if name is None:
                raise KeyError(f"no study {study_id}")
            self._open[study_id] = Study.open(self._root, name)
        return self._open[study_id]

    def _opens(self, study_id: int) -> bool:
        try:
            self._study(study_id)
        except NnopsError:
            return False
        return True

    def _frozen(self, study_id: int) -> FrozenStudy:
        return FrozenStudy(
            study_name=self.get_study_name_from_id(study_id),
            direction=None,
            directions=self.get_study_directions(study_id),
            user_attrs=self.get_study_user_attrs(study_id),
            system_attrs=self.get_study_system_attrs(study_id),
            study_id=study_id,
        )


_READ_ONLY = StudyError("the record belongs to the sweep; the dashboard only shows it.")


def _renumbered(trial: FrozenTrial, study_id: int) -> FrozenTrial:
    found = copy.copy(trial)
    found._trial_id = study_id * STRIDE + trial.number
    return found
