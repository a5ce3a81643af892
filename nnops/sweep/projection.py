"""The projection: what happens in a sweep, put down as tracked runs; a study is the parent run of its trials.

A sweep never needs it: where the spool cannot be written, one note says so and the sweep goes on.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnops.data.prepared import Prepared
from nnops.errors import TrackingError
from nnops.params import flatten
from nnops.sweep.event import Asked, Closed, Ended, Event, Note, Opened, Reported
from nnops.sweep.figures.seen import Seen
from nnops.sweep.lineage import in_force
from nnops.sweep.note import TABLE, describe, describe_trial, view_key, view_of
from nnops.sweep.picture import draw_later, put_picture
from nnops.sweep.rows import write_table
from nnops.sweep.study import Study, TrialRecord
from nnops.tracking.null import NullTracker
from nnops.tracking.spool import SpoolTracker
from nnops.tracking.tracker import Run, RunInfo, State, Tracker

#: A trial with one of these states has done what was asked of it.
FINE = ("complete", "pruned")


class Projection:
    """Listens to a sweep and writes its runs.

    Args:
        tracker: Where runs go.
        study: The study.
        data: Its prepared data.
        root: The project's folder.
    """

    def __init__(self, tracker: Tracker, study: Study, data: Prepared, root: Path) -> None:
        self._tracker, self._study, self._data, self._root = tracker, study, data, root
        self._parent: Run | None = None
        self._children: dict[int, Run] = {}
        self._ended = 0
        self._best: float | None = None
        self.trouble: str | None = None

    def __call__(self, event: Event) -> None:
        """Put one event down."""
        if self.trouble is not None:
            return
        try:
            match event:
                case Opened():
                    self._open(event)
                case Asked():
                    self._children[event.number] = self._child(event)
                case Reported():
                    self._children[event.number].log(event.epoch, event.metrics)
                case Ended():
                    self._end(event)
                case Closed():
                    self._close(event)
                case Note():
                    pass
        except TrackingError as error:
            self.trouble = f"the sweep is no longer tracked: {error}"

    def _open(self, event: Opened) -> None:
        from nnops.tracking.record import RECORDED, attach, collect, git_diff, keep

        study, params = self._study, self._study.params
        records = study.trials()
        best = study.best(records)
        self._ended = sum(record.state != "running" for record in records)
        self._best = best.value if best else None
        shown = flatten(params.record("seed", "data", "model", "loss", "train"))
        shown |= {key: value for key, value in flatten(params.record("sweep")).items() if ".space." not in key}
        shown |= {f"sweep.space.{key}": _short(entry) for key, entry in study.space.record().items()}
        tags = {
            "nnops.study": study.name,
            "nnops.seed": str(params.seed),
            "nnops.data_hash": self._data.hash,
            "nnops.engine": event.engine,
            "nnops.space_hash": study.space.hash,
        }
        self._parent = self._tracker.open(
            RunInfo(study.uid, study.name, "study", None, shown, tags, int(study.attrs["created"] * 1000))
        )
        record = collect(
            self._root,
            seed=params.seed,
            data_hash=self._data.hash,
            params=params.record(*RECORDED),
            files=self._data.schema.get("files", ()),
        )
        diff = git_diff(self._root)
        attach(self._parent, record, diff)
        keep(study.folder / "record", record, diff)
        source = params.data.source
        self._parent.dataset(
            str(source.options.get("set") or source.options.get("path") or source.name),
            self._data.hash,
            str(source.options.get("path", source.name)),
            sum(self._data.rows(split) for split in ("train", "val", "test")),
            {column["name"]: column["kind"] for column in self._data.schema["columns"]},
        )
        # A driver that was killed may have ended one trial in the study that its run does not know of.
        last = max(
            (record for record in study.records() if record.ended), key=lambda record: record.ended or 0, default=None
        )
        # A trial of the study that this one grew from has its run there.
        if event.resumed and last is not None and last.uid == f"{study.uid}/{last.number}":
            self._say_again(last)

    def _child(self, trial: Asked) -> Run:
        study, number, config = self._study, trial.number, in_force(trial.config)
        seed = config.get("seed", study.params.seed)
        shown: dict[str, Any] = {**trial.config, **config, "seed": seed}
        for key, value in config.items():
            # The UI draws linear axes only.
            if key in study.space.by_key and study.space.by_key[key].log:
                shown[f"log10_{key}"] = round(math.log10(value), 6)
        tags = {
            "nnops.study": study.name,
            "nnops.trial": str(number),
            "nnops.seed": str(seed),
            "nnops.data_hash": self._data.hash,
        }
        if trial.repeat is not None:
            tags["nnops.repeats_trial"] = str(trial.repeat)
        if trial.parent is not None:
            tags["nnops.parent_trial"] = str(trial.parent)
        info = RunInfo(f"{study.uid}/{number}", f"{study.name}/{number}", "trial", study.uid, shown, tags)
        return self._tracker.open(info)

    def _end(self, event: Ended) -> None:
        run = self._children.pop(event.number)
        self._finish(
            run, event.state, event.value, event.epochs, event.seconds, event.fingerprint, event.weights_sha256
        )
        run.numbers(_measured(event.measures))
        run.note(describe_trial(self._study, event))
        run.finish(_run_state(event.state))
        if event.repeat is not None:
            return
        self._ended += 1
        if event.best:
            self._best = event.value
        if self._parent is not None and len(self._study.objectives) > 1:
            self._parent.log(self._ended, {"front/trials": float(event.front)})
        elif self._parent is not None and self._best is not None:
            self._parent.log(self._ended, {f"best/{self._study.objective.metric}": self._best})

    def _finish(
        self,
        run: Run,
        state: str,
        value: float | None,
        epochs: int,
        seconds: float,
        fingerprint: str | None,
        weights_sha256: str | None,
    ) -> None:
        numbers = {"epochs": float(epochs), "seconds": seconds}
        if value is not None:
            numbers[f"best/{self._study.objective.metric}" if state == "complete" else "last"] = value
        run.numbers(numbers)
        tags = {"nnops.state": state, "nnops.fingerprint": fingerprint, "nnops.weights_sha256": weights_sha256}
        run.tag({key: text for key, text in tags.items() if text})

    def _say_again(self, record: TrialRecord) -> None:
        config = record.config if record.seed is None else {**record.config, "seed": record.seed}
        run = self._child(Asked(record.number, config, again=True, repeat=record.repeat, parent=record.parent))
        for epoch, value in record.reports.items():
            run.log(epoch, {self._study.objective.metric: value})
        study, seconds, sha256 = self._study, record.seconds or 0.0, record.weights_sha256
        self._finish(run, record.state, record.value, record.epochs, seconds, record.fingerprint, sha256)
        run.numbers(_measured(record.measures))
        ended = Ended(
            record.number, record.state, record.value, record.epochs, seconds, record.config, record.reason,
            repeat=record.repeat,
        )  # fmt: skip
        run.note(describe_trial(study, ended))
        run.finish(_run_state(record.state), int((record.ended or 0.0) * 1000))

    def _close(self, event: Closed) -> None:
        if self._parent is None:
            return
        study = self._study
        seen = Seen(study, study.trials(), study.repeats())
        write_table(seen, study.folder / TABLE)
        self._parent.file(study.folder / TABLE)
        # With this tag the UI shows the file as a table.
        self._parent.tag({"mlflow.loggedArtifacts": json.dumps([{"path": TABLE, "type": "table"}])})
        self._parent.view(view_key(study), view_of(study))
        if isinstance(self._tracker, SpoolTracker):
            self._parent.note(describe(seen))
        elif not isinstance(self._tracker, NullTracker):
            put_picture(self._parent, study)
        numbers = {f"trials/{state}": float(count) for state, count in event.trials.items()}
        self._parent.numbers(numbers | {"seconds": float(study.attrs.get("spent_s", event.seconds))})
        best = seen.best
        if best is not None:
            self._parent.tag(
                {"nnops.best_trial": str(best.number), "nnops.best_weights_sha256": best.weights_sha256 or ""}
            )
        state: State = "FINISHED" if event.state == "complete" else "KILLED"
        self._parent.finish(state)
        if isinstance(self._tracker, SpoolTracker):
            draw_later(self._tracker, self._root, study, state)


def _run_state(state: str) -> State:
    return "FINISHED" if state in FINE else "FAILED"


def _measured(measures: Mapping[str, float]) -> dict[str, float]:
    """What was measured once; metrics of epochs are there already, as curves."""
    return {name: value for name, value in measures.items() if not name.startswith(("val_", "train_"))}


def _short(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value not in (None, False)}
