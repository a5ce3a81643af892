"""A study as samplers see it: without the repeats, and with the trials of earlier studies that it was told."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


def search_of(study: "optuna.Study", evidence: "Sequence[FrozenTrial]" = ()) -> "optuna.Study":
    """The same study, read-only, with the trials of the search alone, and before them those of earlier studies."""
    seen = copy.copy(study)
    seen._storage = _Search(study._storage, evidence)  # type: ignore[assignment]
    return seen


class _Search:
    def __init__(self, storage: Any, evidence: "Sequence[FrozenTrial]") -> None:
        self._whole, self._evidence = storage, evidence

    def get_all_trials(self, study_id: int, deepcopy: bool = True, states: Any = None) -> list[Any]:
        trials = self._whole.get_all_trials(study_id, deepcopy=deepcopy, states=states)
        before = [trial for trial in self._evidence if states is None or trial.state in states]
        return before + [trial for trial in trials if "repeat" not in trial.user_attrs]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)
