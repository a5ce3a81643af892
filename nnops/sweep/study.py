"""A study: one search and its one record, the Optuna storage; nothing that a resume needs lies anywhere else.

<root>/.nnops/studies/NAME/study.json    where the record is
                           journal.log   the record, unless params.yaml names a storage
                           checkpoints/  of trials that run
                           driver.json   who drives the study
"""

import json
import math
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops import __version__
from nnops.catalog import nearest
from nnops.errors import InputError, StudyError
from nnops.files import read_json, write_json
from nnops.params import Params, parse
from nnops.sweep.lease import Holder, Lease, holder_of
from nnops.sweep.objective import Objective
from nnops.sweep.space import Config, Space
from nnops.sweep.storage import JOURNAL, open_storage

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class TrialRecord:
    """What the study knows of one trial.

    Attributes:
        number: From 0, in the order asked.
        state: ``running``, ``complete``, ``pruned``, ``failed`` or ``infeasible``.
        value: The objective; of a pruned trial the last report's.
        epochs: Epochs that were reported.
        config: The values tried.
        seconds: Seconds of training, or None while it runs.
        uid: Of its tracked run.
        reports: The objective by epoch.
        best_epoch: The epoch that the weights belong to.
        weights_sha256: The hash of the weights.
        fingerprint: Names the result.
        reason: Why it failed, is infeasible or was stopped.
        began: When it was asked, in seconds since 1970.
        ended: When it got its final state, in seconds since 1970, or None.
    """

    number: int
    state: str
    value: float | None
    epochs: int
    config: Config
    seconds: float | None
    uid: str
    reports: dict[int, float]
    best_epoch: int | None = None
    weights_sha256: str | None = None
    fingerprint: str | None = None
    reason: str | None = None
    began: float = 0.0
    ended: float | None = None


class Study:
    """A study, opened; made by :meth:`create` and :meth:`open`."""

    def __init__(self, name: str, folder: Path, study: "optuna.Study", storage: str | None) -> None:
        self.name = name
        self.folder = folder
        self.optuna = study
        self.storage = storage
        self._ids: dict[int, int] = {}

    @classmethod
    def create(
        cls, root: Path, name: str, params: Params, space: Space, objective: Objective, data_hash: str
    ) -> "Study":
        """Begin a study; the caller holds its lease.

        Args:
            root: The project's folder.
            name: Its name.
            params: Kept whole: the study never looks at params.yaml again.
            space: What is tuned.
            objective: What is optimised.
            data_hash: Of the prepared data.

        Raises:
            InputError: The name is taken; the message says by what.
        """
        import optuna
        from optuna.exceptions import DuplicatedStudyError

        cls.check_free(root, name, params, space, objective)
        folder = studies(root) / name
        # What a beginning that was cut off left behind.
        (folder / JOURNAL).unlink(missing_ok=True)
        url = params.sweep.storage
        storage = open_storage(folder, url, drive=True)

        def make() -> "optuna.Study":
            sampler = optuna.samplers.RandomSampler()
            return optuna.create_study(study_name=name, storage=storage, direction=objective.direction, sampler=sampler)

        try:
            made = make()
        except DuplicatedStudyError as error:
            if "data_hash" in optuna.load_study(study_name=name, storage=storage).user_attrs:
                raise InputError(_taken(cls.open(root, name, url), space, objective)) from error
            optuna.delete_study(study_name=name, storage=storage)
            made = make()
        attrs = {
            "nnops": __version__,
            "uid": f"{name}-{uuid.uuid4().hex[:8]}",
            "created": time.time(),
            "params": params.record(),
            "space_hash": space.hash,
            "objective": {"metric": objective.metric, "direction": objective.direction},
            "seed": params.seed,
            "budget": {"trials": params.sweep.budget.trials, "seconds": params.sweep.budget.seconds},
            "data_hash": data_hash,
        }
        for key, value in attrs.items():
            made.set_user_attr(key, value)
        # Written last: a study without it was never begun.
        write_json(folder / "study.json", {"name": name, "storage": url}, durable=True)
        return cls(name, folder, made, url)

    @classmethod
    def check_free(cls, root: Path, name: str, params: Params, space: Space, objective: Objective) -> None:
        """Judge whether a study of this name may begin.

        Raises:
            InputError: The name makes no folder, or is taken; the message says by what.
        """
        check_name(name)
        if taken(root, name):
            raise InputError(_taken(cls.open(root, name, params.sweep.storage), space, objective))

    @classmethod
    def check_exists(cls, root: Path, name: str, storage: str | None = None) -> None:
        """Judge whether there may be a study of this name; a storage is not asked.

        Raises:
            InputError: There is none; the message holds the nearest name.
        """
        check_name(name)
        if storage is None and not taken(root, name):
            raise InputError(_not_found(root, name))

    @classmethod
    def open(cls, root: Path, name: str, storage: str | None = None, *, drive: bool = False) -> "Study":
        """Open a study that exists.

        Args:
            root: The project's folder.
            name: Its name.
            storage: Where to look if the study was begun in another folder or on another machine.
            drive: Whether the caller holds its lease.

        Raises:
            InputError: There is no such study; the message holds the nearest name.
            StudyError: Its record is damaged.
        """
        import optuna

        cls.check_exists(root, name, storage)
        folder = studies(root) / name
        pointer = folder / "study.json"
        url = read_json(pointer)["storage"] if pointer.exists() else storage
        try:
            study = optuna.load_study(
                study_name=name, storage=open_storage(folder, url, drive=drive), sampler=optuna.samplers.RandomSampler()
            )
        except KeyError as error:
            if pointer.exists():
                raise StudyError(
                    f"study '{name}' has a folder {folder}, but its storage holds no such study."
                ) from error
            raise InputError(_not_found(root, name)) from error
        if not pointer.exists():
            write_json(pointer, {"name": name, "storage": url})
        return cls(name, folder, study, url)

    @property
    def attrs(self) -> dict[str, Any]:
        """What is kept of the study beside its trials."""
        return self.optuna.user_attrs

    @cached_property
    def params(self) -> Params:
        """The params that the study began with."""
        return parse(self.attrs["params"])

    @cached_property
    def space(self) -> Space:
        """What is tuned."""
        return Space.parse(self.params.sweep.space)

    @cached_property
    def objective(self) -> Objective:
        """What is optimised."""
        return Objective(**self.attrs["objective"])

    @cached_property
    def uid(self) -> str:
        """Names the study's tracked run; another study of the same name has another one."""
        return self.attrs["uid"]

    @property
    def holder(self) -> Holder | None:
        """The living process that drives the study."""
        text = self.attrs.get("driver")
        for holder in (holder_of(self.folder), Holder(**json.loads(text)) if text else None):
            if holder is not None and holder.alive:
                return holder
        return None

    @property
    def state(self) -> str:
        """``running``, ``complete`` (its budget is spent) or ``stopped`` (it can be resumed)."""
        if self.holder is not None:
            return "running"
        return "complete" if self.attrs.get("ended") else "stopped"

    def join(self, lease: Lease) -> None:
        """Name the holder of the lease in the record as well, where that is a storage that other machines see.

        Raises:
            StudyError: Another machine drives the study.
        """
        if self.storage is not None:
            lease.join(lambda: self.attrs.get("driver"), lambda text: self.set("driver", text))

    def flush(self) -> None:
        """Wait until the disk has everything that was told."""
        from nnops.sweep.journal import Journal

        backend = getattr(self._storage, "_backend", None)
        if isinstance(backend, Journal):
            backend.flush()

    def set(self, key: str, value: Any) -> None:
        """Keep something of the study."""
        self.optuna.set_user_attr(key, value)

    def trials(self) -> list[TrialRecord]:
        """Every trial, by number."""
        return [self._record(trial) for trial in self.optuna.get_trials(deepcopy=False)]

    def count(self) -> int:
        """How many trials were asked."""
        return len(self.optuna.get_trials(deepcopy=False))

    def begin(self, config: Config, values: Mapping[str, Any], distributions: "Mapping[str, BaseDistribution]") -> int:
        """Keep a new running trial, born whole in one write, and return its number."""
        from optuna.trial import TrialState, create_trial

        trial = create_trial(
            state=TrialState.RUNNING,
            params=dict(values),
            distributions=dict(distributions),
            user_attrs={"config": config},
        )
        self.optuna.add_trial(trial)
        born = self.optuna.get_trials(deepcopy=False)[-1]
        self._ids[born.number] = born._trial_id
        return born.number

    def report(self, number: int, epoch: int, value: float) -> None:
        """Keep the objective of one epoch."""
        self._storage.set_trial_intermediate_value(self._id(number), epoch, value)

    def end(self, number: int, state: str, value: float | None, result: Mapping[str, Any]) -> None:
        """Give a trial its final state.

        An infeasible trial is told as pruned, so that samplers learn to keep away from its config; only ``complete``
        trials can be the best.
        """
        from optuna.trial import TrialState

        told = {
            "complete": TrialState.COMPLETE,
            "pruned": TrialState.PRUNED,
            "infeasible": TrialState.PRUNED,
            "failed": TrialState.FAIL,
        }[state]
        self.note(number, "result", {"state": state, **result})
        self.optuna.tell(number, values=value if state == "complete" else None, state=told)

    def note(self, number: int, key: str, value: Any) -> None:
        """Keep something of a trial that is not over."""
        self._storage.set_trial_user_attr(self._id(number), key, value)

    def best(self, trials: list[TrialRecord] | None = None) -> TrialRecord | None:
        """The best trial that spent its full fidelity; of equal ones the first."""
        complete = [trial for trial in trials or self.trials() if trial.state == "complete" and trial.value is not None]
        return min(complete, key=lambda trial: self.objective.loss(trial.value or 0.0), default=None)

    def delete(self) -> None:
        """Delete the study, its record and its checkpoints; its tracked runs stay.

        Raises:
            StudyError: Somebody drives it.
        """
        import optuna

        lease = Lease(self.folder, self.name)
        lease.take()
        try:
            self.join(lease)
            if self.storage is not None:
                optuna.delete_study(study_name=self.name, storage=self._storage)
                lease.leave()
            shutil.rmtree(self.folder)
        finally:
            lease.release()

    @property
    def _storage(self) -> Any:
        return self.optuna._storage

    def _id(self, number: int) -> int:
        if number not in self._ids:
            find = self._storage.get_trial_id_from_study_id_trial_number
            self._ids[number] = find(self.optuna._study_id, number)
        return self._ids[number]

    def _record(self, trial: "FrozenTrial") -> TrialRecord:
        result: dict[str, Any] = trial.user_attrs.get("result", {})
        over = trial.state.is_finished()
        names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
        state = result.get("state", names[trial.state.name]) if over else "running"
        reports = dict(sorted(trial.intermediate_values.items()))
        last = next(reversed(reports.values()), None)
        value = trial.value if state == "complete" else last
        return TrialRecord(
            number=trial.number,
            state=state,
            value=value if value is not None and math.isfinite(value) else None,
            epochs=max(reports, default=0),
            config=trial.user_attrs.get("config", dict(trial.params)),
            seconds=result.get("seconds") if over else None,
            uid=f"{self.uid}/{trial.number}",
            reports=reports,
            best_epoch=result.get("best_epoch"),
            weights_sha256=result.get("weights_sha256"),
            fingerprint=result.get("fingerprint"),
            reason=result.get("reason"),
            began=trial.datetime_start.timestamp() if trial.datetime_start else 0.0,
            ended=trial.datetime_complete.timestamp() if over and trial.datetime_complete else None,
        )


def studies(root: Path) -> Path:
    """The folder of all studies."""
    return root / ".nnops" / "studies"


def taken(root: Path, name: str) -> bool:
    """Whether a study of this name was begun in this project."""
    return (studies(root) / name / "study.json").exists()


def names(root: Path) -> list[str]:
    """The names of all studies of a project, sorted."""
    return sorted(path.parent.name for path in studies(root).glob("*/study.json"))


def free_name(root: Path, base: str) -> str:
    """``base``, or ``base-2``, ``base-3`` ... where that is taken."""
    taken = set(names(root))
    if base not in taken:
        return base
    return next(name for n in range(2, len(taken) + 3) if (name := f"{base}-{n}") not in taken)


def check_name(name: str) -> None:
    """Judge a study's name.

    Raises:
        InputError: It cannot be the name of a folder.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"a study's name must be 1 to 100 letters, digits or _ . - beginning with a letter or digit, got '{name}'."
        )


def difference(study: Study, space: Space, objective: Objective) -> str | None:
    """How a study differs from what params now say, in words, or None."""
    if objective != study.objective:
        was = study.objective
        return f"the objective {was.direction} {was.metric}, not {objective.direction} {objective.metric}"
    if space.hash != study.space.hash:
        old, new = study.space.record(), space.record()
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        return f"another space ({', '.join(changed)})"
    return None


def _taken(study: Study, space: Space, objective: Objective) -> str:
    differs = difference(study, space, objective)
    delete = f"or delete it with 'nnops sweep delete {study.name}'"
    if differs:
        return f"study '{study.name}' exists with {differs}; choose another name {delete}."
    return (
        f"study '{study.name}' exists with {study.count()} trials; go on with 'nnops sweep resume {study.name}',"
        f" choose another name {delete}."
    )


def _not_found(root: Path, name: str) -> str:
    known = names(root)
    guess = nearest(name, known)
    hint = f"did you mean '{guess}'?" if guess else f"there is {', '.join(known) or 'none yet'}."
    return f"no study '{name}' in {studies(root)}; {hint}"
