"""A study: one search and its one record, the Optuna storage; nothing that a resume needs lies anywhere else.

<root>/.nnops/studies/NAME/study.json    where the record is
                           journal.log   the record, unless params.yaml names a storage
                           checkpoints/  of trials that run
                           driver.json   who drives the study
"""

import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops import __version__
from nnops.address import hide_password
from nnops.errors import InputError, StudyDamagedError
from nnops.files import read_json, write_json
from nnops.params import Params, parse
from nnops.sweep.budget import Limits
from nnops.sweep.constraint import Constraint, parse_constraints
from nnops.sweep.front import central, front
from nnops.sweep.holder import Holder
from nnops.sweep.lease import Lease, holder_of
from nnops.sweep.lineage import in_force
from nnops.sweep.names import check_name, missing, new_uid, studies, taken
from nnops.sweep.objective import Objective
from nnops.sweep.repeat import summarize, winner
from nnops.sweep.samplers.base import PARENT
from nnops.sweep.share import checkpoints_of, delete_shared
from nnops.sweep.space import Config, Space
from nnops.sweep.storage import JOURNAL, close_storage, is_server, open_storage, remedy

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


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
        values: Of a trial that spent its full fidelity, every objective by its metric.
        measures: What was measured for further objectives and constraints.
        repeat: The trial of the search that this one repeats, or None.
        seed: Of a repeat.
        parent: The trial whose training this one went on with, or None.
        again: When drivers that took the study over went on with it, in seconds since 1970.
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
    values: dict[str, float] = field(default_factory=dict[str, float])
    measures: dict[str, float] = field(default_factory=dict[str, float])
    repeat: int | None = None
    seed: int | None = None
    parent: int | None = None
    again: tuple[float, ...] = ()

    @property
    def now(self) -> Config:
        """The config as it was in force at the end."""
        return in_force(self.config)


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
        cls,
        root: Path,
        name: str,
        params: Params,
        space: Space,
        objectives: tuple[Objective, ...],
        data_hash: str,
        more: Mapping[str, Any] | None = None,
        trials: "Sequence[FrozenTrial]" = (),
    ) -> "Study":
        """Begin a study; the caller holds its lease.

        Args:
            root: The project's folder.
            name: Its name.
            params: Kept whole: the study never looks at params.yaml again.
            space: What is tuned.
            objectives: What is optimised.
            data_hash: Of the prepared data.
            more: What else to keep from the beginning.
            trials: Its first ones, which have ended.

        Raises:
            InputError: The name is taken; the message says by what.
        """
        import optuna
        from optuna.exceptions import DuplicatedStudyError

        cls.check_free(root, name, params, space, objectives)
        folder = studies(root) / name
        # What a beginning that was cut off left behind.
        (folder / JOURNAL).unlink(missing_ok=True)
        url = params.sweep.storage
        storage = open_storage(folder, url, drive=True)

        def make() -> "optuna.Study":
            sampler = optuna.samplers.RandomSampler()
            return optuna.create_study(
                study_name=name,
                storage=storage,
                directions=[objective.direction for objective in objectives],
                sampler=sampler,
            )

        try:
            made = make()
        except DuplicatedStudyError as error:
            if "data_hash" in optuna.load_study(study_name=name, storage=storage).user_attrs:
                raise InputError(_taken(cls.open(root, name, url), params, space, objectives)) from error
            optuna.delete_study(study_name=name, storage=storage)
            made = make()
        attrs = {
            "nnops": __version__,
            "uid": new_uid(name),
            "created": time.time(),
            "params": params.record(),
            "space_hash": space.hash,
            "objective": [asdict(objective) for objective in objectives] if objectives[1:] else asdict(objectives[0]),
            "seed": params.seed,
            "budget": Limits.of(params.sweep.budget).record(),
            **(more or {}),
            # The last one: a study without it was never begun.
            "data_hash": data_hash,
        }
        made.add_trials(trials)
        for key, value in attrs.items():
            made.set_user_attr(key, value)
        # Written last: a study without it was never begun.
        write_json(folder / "study.json", {"name": name, "storage": url}, durable=True)
        return cls(name, folder, made, url)

    @classmethod
    def check_free(cls, root: Path, name: str, params: Params, space: Space, objectives: tuple[Objective, ...]) -> None:
        """Judge whether a study of this name may begin.

        Raises:
            InputError: The name makes no folder, or is taken; the message says by what.
        """
        check_name(name)
        if taken(root, name):
            raise InputError(_taken(cls.open(root, name, params.sweep.storage), params, space, objectives))

    @classmethod
    def check_exists(cls, root: Path, name: str, storage: str | None = None) -> None:
        """Judge whether there may be a study of this name; a storage is not asked.

        Raises:
            InputError: There is none; the message holds the nearest name.
            StudyHeldError: It is just beginning.
        """
        check_name(name)
        if storage is None and not taken(root, name):
            raise missing(root, name)

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
            StudyDamagedError: Its record is not whole.
            StudyHeldError: Another process is just beginning it.
        """
        import optuna

        cls.check_exists(root, name, storage)
        folder = studies(root) / name
        pointer = folder / "study.json"
        url = _pointed(pointer, name) if pointer.exists() else storage
        try:
            study = optuna.load_study(
                study_name=name, storage=open_storage(folder, url, drive=drive), sampler=optuna.samplers.RandomSampler()
            )
        except KeyError as error:
            if pointer.exists():
                raise StudyDamagedError(
                    f"study '{name}' has a folder {folder}, but its storage holds no such study; {remedy(name)}."
                ) from error
            raise missing(root, name) from error
        if "data_hash" not in study.user_attrs:
            if not pointer.exists():
                raise missing(root, name)
            where = hide_password(url) if url else folder / JOURNAL
            raise StudyDamagedError(f"study '{name}': what it began with is not whole in {where}; {remedy(name)}.")
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
    def objectives(self) -> tuple[Objective, ...]:
        """What is optimised."""
        kept = self.attrs["objective"]
        return tuple(Objective(**each) for each in (kept if isinstance(kept, list) else [kept]))

    @property
    def objective(self) -> Objective:
        """The first objective, which reports hold and pruners judge by."""
        return self.objectives[0]

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """What a trial must keep to."""
        return parse_constraints(self.params.sweep.constraints)

    @cached_property
    def uid(self) -> str:
        """Names the study's tracked run; another study of the same name has another one."""
        return self.attrs["uid"]

    @property
    def checkpoints(self) -> str:
        """The folder or S3 address that holds a folder of checkpoints for each trial."""
        return checkpoints_of(self.params.sweep.shared, self.uid, self.folder)

    @property
    def holder(self) -> Holder | None:
        """The living process that drives the study."""
        text = self.attrs.get("driver")
        for holder in (holder_of(self.folder), Holder(**json.loads(text)) if text else None):
            if holder is not None and holder.alive:
                return holder
        return None

    @property
    def dead(self) -> Holder | None:
        """Who drove the study last, where that process died before it gave the study back."""
        return None if self.holder is not None else self._named_holder()

    def _named_holder(self) -> Holder | None:
        text = self.attrs.get("driver")
        return holder_of(self.folder) or (Holder(**json.loads(text)) if text else None)

    @property
    def on_server(self) -> bool:
        """Whether the record is on a database server, which other machines reach."""
        return self.storage is not None and is_server(self.storage)

    @property
    def state(self) -> str:
        """``running``, ``paused``, ``complete`` (its budget is spent) or ``stopped`` (it can be resumed)."""
        if self.holder is not None:
            return "paused" if self.attrs.get("paused") else "running"
        return "complete" if self.attrs.get("ended") else "stopped"

    @property
    def why(self) -> str | None:
        """What ended a study that is complete: see :meth:`nnops.sweep.spending.Spending.why`."""
        return self.attrs.get("ended") if self.state == "complete" else None

    @property
    def reason(self) -> str | None:
        """What ended it, in words."""
        return Limits.read(self.attrs["budget"]).words(self.why) if self.why else None

    def join(self, lease: Lease) -> None:
        """Name the holder of the lease in the record as well, where that is a storage that other machines see.

        Raises:
            StudyError: Another machine drives the study.
        """
        if self.storage is not None:
            lease.join(lambda: self.attrs.get("driver"), lambda text: self.set("driver", text))

    def flush(self, due: bool = False) -> None:
        """Wait until the disk has everything that was told; ``due`` as in :meth:`Journal.flush`."""
        from nnops.sweep.journal import Journal

        backend = getattr(self._storage, "_backend", None)
        if isinstance(backend, Journal):
            backend.flush(due)

    def set(self, key: str, value: Any) -> None:
        """Keep something of the study."""
        self.optuna.set_user_attr(key, value)

    def trials(self) -> list[TrialRecord]:
        """Every trial of the search, by number."""
        return [record for record in self.records() if record.repeat is None]

    def repeats(self) -> list[TrialRecord]:
        """Every repeat of a trial under another seed, by number."""
        return [record for record in self.records() if record.repeat is not None]

    def records(self) -> list[TrialRecord]:
        """Trials and repeats, by number."""
        return [self._record(trial) for trial in self.optuna.get_trials(deepcopy=False)]

    def count(self) -> int:
        """How many trials were asked, repeats left out."""
        return sum("repeat" not in trial.user_attrs for trial in self.optuna.get_trials(deepcopy=False))

    def begin(
        self,
        config: Config,
        values: Mapping[str, Any],
        distributions: "Mapping[str, BaseDistribution]",
        notes: Mapping[str, Any] | None = None,
    ) -> int:
        """Keep a new running trial, born whole in one write with a sampler's notes, and return its number."""
        from optuna.trial import TrialState, create_trial

        trial = create_trial(
            state=TrialState.RUNNING,
            params=dict(values),
            distributions=dict(distributions),
            user_attrs={"config": config},
            system_attrs=dict(notes or {}),
        )
        return self._add(trial)

    def begin_repeat(self, trial: TrialRecord, seed: int) -> int:
        """Keep a new running repeat of a trial, and return its number."""
        from optuna.trial import TrialState, create_trial

        of = self.stored(trial.number)
        repeat = create_trial(
            state=TrialState.RUNNING,
            params=of.params,
            distributions=of.distributions,
            user_attrs={"config": trial.config, "repeat": {"of": trial.number, "seed": seed}},
        )
        return self._add(repeat)

    def report(self, number: int, epoch: int, value: float) -> None:
        """Keep the objective of one epoch."""
        self._storage.set_trial_intermediate_value(self._id(number), epoch, value)

    def end(
        self,
        number: int,
        state: str,
        values: Sequence[float] | None,
        result: Mapping[str, Any],
        violations: Mapping[str, float] | None = None,
    ) -> None:
        """Give a trial its final state; only ``complete`` trials can be the best.

        Args:
            number: The trial.
            state: ``complete``, ``pruned``, ``infeasible`` or ``failed``.
            values: Every objective, where the trial spent its full fidelity. An infeasible or failed trial without
                them is told as pruned, so that samplers learn to keep away from its config.
            result: What to keep beside.
            violations: How far the trial is on the wrong side of constraints; samplers hear it.
        """
        from optuna.trial import TrialState

        told = {
            "complete": TrialState.COMPLETE,
            "pruned": TrialState.PRUNED,
            "infeasible": TrialState.PRUNED if values is None else TrialState.COMPLETE,
            "failed": TrialState.PRUNED,
        }[state]
        self.note(number, "result", {"state": state, **result})
        for key, violation in (violations or {}).items():
            self._storage.set_trial_system_attr(self._id(number), f"constraints:{key}", violation)
        self.optuna.tell(number, values=values, state=told)
        self._ids.pop(number, None)

    def stored(self, number: int) -> "FrozenTrial":
        """A trial as the storage holds it, not to be changed; the others are not looked at."""
        return self._storage.get_trial(self._id(number))

    def note(self, number: int, key: str, value: Any) -> None:
        """Keep something of a trial that is not over."""
        self._storage.set_trial_user_attr(self._id(number), key, value)

    def point(self, trial: TrialRecord) -> tuple[float, ...]:
        """The objectives of a trial that spent its full fidelity, turned so that more is worse."""
        return tuple(objective.loss(trial.values[objective.metric]) for objective in self.objectives)

    def front(self, trials: list[TrialRecord] | None = None) -> list[TrialRecord]:
        """The complete trials that no other beats in everything; of one objective the best, of equal ones the first."""
        complete = [
            trial
            for trial in (self.trials() if trials is None else trials)
            if trial.state == "complete" and trial.values
        ]
        return [complete[place] for place in front([self.point(trial) for trial in complete])]

    def best(self, trials: list[TrialRecord] | None = None) -> TrialRecord | None:
        """The best trial that spent its full fidelity: the winner of the repeats, else the best of the search.

        Of several objectives it is the :func:`central` one of the front.
        """
        trials = self.trials() if trials is None else trials
        if self.params.sweep.repeats is not None:
            won = winner(self, trials, summarize(self, trials, self.repeats()))
            if won is not None:
                return won.trial
        members = self.front(trials)
        return members[central([self.point(trial) for trial in members])[0]] if members else None

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
            delete_shared(self.params.sweep.shared, self.uid)
            if self.storage is not None:
                optuna.delete_study(study_name=self.name, storage=self._storage)
                lease.leave()
            shutil.rmtree(self.folder)
        finally:
            lease.release()

    def close(self) -> None:
        """Close the connection to a storage that is a database; it is opened again when it is needed."""
        close_storage(self._storage)

    @property
    def _storage(self) -> Any:
        return self.optuna._storage

    def _add(self, trial: "FrozenTrial") -> int:
        """Keep a trial and return its number, in a time that does not grow with the study."""
        trial._validate()
        trial_id = self._storage.create_new_trial(self.optuna._study_id, template_trial=trial)
        number = self._storage.get_trial_number_from_id(trial_id)
        self._ids[number] = trial_id
        return number

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
        value = trial.values[0] if trial.values else last
        metrics = [objective.metric for objective in self.objectives]
        return TrialRecord(
            number=trial.number,
            state=state,
            value=value if value is not None and math.isfinite(value) else None,
            epochs=max(reports, default=0),
            config=trial.user_attrs.get("config", dict(trial.params)),
            seconds=result.get("seconds") if over else None,
            uid=trial.user_attrs.get("uid", f"{self.uid}/{trial.number}"),
            reports=reports,
            best_epoch=result.get("best_epoch"),
            weights_sha256=result.get("weights_sha256"),
            fingerprint=result.get("fingerprint"),
            reason=result.get("reason"),
            began=trial.datetime_start.timestamp() if trial.datetime_start else 0.0,
            ended=trial.datetime_complete.timestamp() if over and trial.datetime_complete else None,
            # Optuna takes the last report of a trial that was stopped for its value.
            values=dict(zip(metrics, trial.values, strict=True)) if trial.state.name == "COMPLETE" else {},
            measures=result.get("measures", {}),
            repeat=trial.user_attrs.get("repeat", {}).get("of"),
            seed=trial.user_attrs.get("repeat", {}).get("seed"),
            parent=trial.system_attrs.get(PARENT),
            again=tuple(trial.user_attrs.get("again", ())),
        )


def _pointed(pointer: Path, name: str) -> str | None:
    """The storage that a study's folder names."""
    try:
        return read_json(pointer)["storage"]
    except (ValueError, LookupError, TypeError) as error:
        raise StudyDamagedError(f"{pointer} is damaged; {remedy(name)}.") from error


def difference(study: Study, params: Params, space: Space, objectives: Sequence[Objective]) -> str | None:
    """How a study differs from what params now say, in words, or None."""
    if tuple(objectives) != study.objectives:
        return f"the objective {_words(study.objectives)}, not {_words(objectives)}"
    if params.sweep.constraints != study.params.sweep.constraints:
        was = ", ".join(study.params.sweep.constraints) or "none"
        return f"the constraints {was}, not {', '.join(params.sweep.constraints) or 'none'}"
    if space.hash != study.space.hash:
        old, new = study.space.record(), space.record()
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        return f"another space ({', '.join(changed)})"
    return None


def _words(objectives: Sequence[Objective]) -> str:
    return " and ".join(f"{objective.direction} {objective.metric}" for objective in objectives)


def _taken(study: Study, params: Params, space: Space, objectives: Sequence[Objective]) -> str:
    holder = holder_of(study.folder)
    if holder is not None and holder.alive and not holder.is_this_process:
        return (
            f"study '{study.name}' runs just now ({holder}); see it with 'nnops sweep show {study.name}', or choose"
            " another name."
        )
    differs = difference(study, params, space, objectives)
    delete = f"or delete it with 'nnops sweep delete {study.name}'"
    if differs:
        return f"study '{study.name}' exists with {differs}; choose another name {delete}."
    return (
        f"study '{study.name}' exists with {study.count()} trials; go on with 'nnops sweep resume {study.name}',"
        f" choose another name {delete}."
    )
