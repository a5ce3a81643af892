"""The order in which a study learned what it knows, read from its record, so that a judgement can be made again."""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from nnops.sweep.study import Study, TrialRecord


@dataclass(frozen=True)
class Moments:
    """Places in the record: what has a lower one was known before.

    Attributes:
        reports: Of each report, by trial and epoch.
        ends: Of each trial's final state.
    """

    reports: dict[tuple[int, int], float]
    ends: dict[int, float]

    def of(self, trial: TrialRecord, epoch: int) -> float:
        """When a trial was judged at an epoch: at its report, and where it was stopped there, at its end.

        A driver that went on after a kill judges a last report that an earlier driver had kept.
        """
        if trial.state == "pruned" and epoch == trial.epochs:
            return self.ends.get(trial.number, math.inf)
        return self.reports.get((trial.number, epoch), math.inf)


def read_moments(study: Study) -> Moments:
    """Read the order: of a journal by its lines, of a database by its row numbers, else by the clock."""
    from optuna.storages import JournalStorage, RDBStorage

    storage = study.optuna._storage
    inner = getattr(storage, "_backend", None)
    if isinstance(storage, JournalStorage):
        return _of_journal(study, inner)
    database = inner if isinstance(inner, RDBStorage) else storage
    if isinstance(database, RDBStorage):
        return _of_database(study, database)
    return _of_clock(study)


def _of_journal(study: Study, backend: Any) -> Moments:
    from optuna.storages.journal._storage import JournalOperation

    numbers = {trial._trial_id: trial.number for trial in study.optuna.get_trials(deepcopy=False)}
    reports: dict[tuple[int, int], float] = {}
    ends: dict[int, float] = {}
    for place, line in enumerate(backend.read_logs(0)):
        number = numbers.get(line.get("trial_id", -1))
        if number is None:
            continue
        if line["op_code"] == JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE:
            reports[number, line["step"]] = float(place)
        elif line["op_code"] == JournalOperation.SET_TRIAL_STATE_VALUES:
            ends[number] = float(place)
    return Moments(reports, ends)


def _of_database(study: Study, storage: Any) -> Moments:
    """A trial that ends does so right after its last report, so its end stands between that one and the next row."""
    from optuna.storages._rdb.models import TrialIntermediateValueModel, TrialModel
    from sqlalchemy import select

    row = TrialIntermediateValueModel
    query = (
        select(TrialModel.number, row.step, row.trial_intermediate_value_id)
        .join(TrialModel, TrialModel.trial_id == row.trial_id)
        .where(TrialModel.study_id == study.optuna._study_id)
    )
    with storage.engine.connect() as connection:
        reports = {(number, step): float(place) for number, step, place in connection.execute(query)}
    last: dict[int, float] = defaultdict(float)
    for (number, _), place in reports.items():
        last[number] = max(last[number], place)
    return Moments(reports, {number: place + 0.5 for number, place in last.items()})


def _of_clock(study: Study) -> Moments:
    """A trial's epochs spread evenly over its time."""
    reports: dict[tuple[int, int], float] = {}
    ends: dict[int, float] = {}
    for trial in study.trials():
        if trial.ended is not None:
            ends[trial.number] = trial.ended
        span = (trial.ended or trial.began) - trial.began
        for epoch in trial.reports:
            reports[trial.number, epoch] = trial.began + span * epoch / trial.epochs
    return Moments(reports, ends)
