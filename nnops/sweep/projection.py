"""The projection: what happens in a sweep, put down as tracked runs; a study is the parent run of its trials.

A sweep never needs it: where the spool cannot be written, one note says so and the sweep goes on.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnops.data.prepared import Prepared
from nnops.errors import TrackingError
from nnops.params import flatten
from nnops.sweep.event import Asked, Closed, Ended, Event, Note, Opened, Reported
from nnops.sweep.insight import describe, draw
from nnops.sweep.study import Study, TrialRecord
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
                    self._children[event.number] = self._child(event.number, event.config)
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
        from nnops.tracking.record import attach, collect, git_diff

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
        attach(self._parent, collect(self._root, seed=params.seed, data_hash=self._data.hash), git_diff(self._root))
        self._parent.dataset(
            params.data.source.name,
            self._data.hash,
            flatten(params.record("data")).get("data.source.options.path") or params.data.source.name,
            sum(self._data.rows(split) for split in ("train", "val", "test")),
            {},
        )
        # A driver that was killed may have ended one trial in the study that its run does not know of.
        last = max((record for record in records if record.ended), key=lambda record: record.ended or 0, default=None)
        if event.resumed and last is not None:
            self._say_again(last)

    def _child(self, number: int, config: Mapping[str, Any]) -> Run:
        study = self._study
        shown: dict[str, Any] = {**config, "seed": study.params.seed}
        for key, value in config.items():
            # The UI draws linear axes only.
            if study.space.by_key[key].log:
                shown[f"log10_{key}"] = round(math.log10(value), 6)
        tags = {
            "nnops.study": study.name,
            "nnops.trial": str(number),
            "nnops.seed": str(study.params.seed),
            "nnops.data_hash": self._data.hash,
        }
        info = RunInfo(f"{study.uid}/{number}", f"{study.name}/{number}", "trial", study.uid, shown, tags)
        return self._tracker.open(info)

    def _end(self, event: Ended) -> None:
        run = self._children.pop(event.number)
        self._finish(
            run, event.state, event.value, event.epochs, event.seconds, event.fingerprint, event.weights_sha256
        )
        if event.reason:
            run.note(event.reason)
        run.finish(_run_state(event.state))
        self._ended += 1
        if event.best:
            self._best = event.value
        if self._parent is not None and self._best is not None:
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
        run = self._child(record.number, record.config)
        for epoch, value in record.reports.items():
            run.log(epoch, {self._study.objective.metric: value})
        seconds, sha256 = record.seconds or 0.0, record.weights_sha256
        self._finish(run, record.state, record.value, record.epochs, seconds, record.fingerprint, sha256)
        run.finish(_run_state(record.state), int((record.ended or 0.0) * 1000))

    def _close(self, event: Closed) -> None:
        if self._parent is None:
            return
        study = self._study
        records = study.trials()
        for path in draw(study, records, study.folder / "figures"):
            self._parent.file(path, "figures")
        self._parent.note(describe(study, records))
        numbers = {f"trials/{state}": float(count) for state, count in event.trials.items()}
        self._parent.numbers(numbers | {"seconds": float(study.attrs.get("spent_s", event.seconds))})
        best = study.best(records)
        if best is not None:
            self._parent.tag(
                {"nnops.best_trial": str(best.number), "nnops.best_weights_sha256": best.weights_sha256 or ""}
            )
        self._parent.finish("FINISHED" if event.state == "complete" else "KILLED")


def _run_state(state: str) -> State:
    return "FINISHED" if state in FINE else "FAILED"


def _short(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value not in (None, False)}
