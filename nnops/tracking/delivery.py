"""Delivery: what one segment says is made true in MLflow, however often it is said.

a run        found by its uid, or made                      so no run is made twice
a point      sent unless the store has its metric and step  so no point is shown twice
a parameter  kept as first sent; a change goes in a tag     since MLflow refuses changes
a tag        the last one holds
an end       told by the run, or KILLED where its process died without a word
"""

import logging
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnops.errors import TrackingError
from nnops.tracking.border import DeletedError, MissingError, RejectedError
from nnops.tracking.index import RunIndex
from nnops.tracking.link import resolve, uids_of
from nnops.tracking.mlflow import UID, Point, Store
from nnops.tracking.segment import Source, staged_folder

#: The tag that the UI shows as a run's description, and how many characters of it the store takes.
NOTE, NOTE_LENGTH = "mlflow.note.content", 8000

_log = logging.getLogger(__name__)


@dataclass
class Shown:
    """What the store shows of a run, as far as it is known here.

    Attributes:
        run_id: MLflow's id.
        status: MLflow's word.
        params: Its parameters.
        points: ``{metric: {step: value}}``.
        whole: Whether :attr:`points` is complete; else a metric that is not in it has to be asked for.
    """

    run_id: str
    status: str = "RUNNING"
    params: dict[str, str] = field(default_factory=dict[str, str])
    points: dict[str, dict[int, float]] = field(default_factory=dict[str, dict[int, float]])
    whole: bool = False


@dataclass
class Change:
    """What a segment wants to see changed in its run, gathered from its lines."""

    params: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    points: dict[tuple[str, int], Point] = field(default_factory=dict[tuple[str, int], Point])
    datasets: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    files: list[tuple[Path, str]] = field(default_factory=list[tuple[Path, str]])


class Delivery:
    """Brings segments to one experiment of one store.

    Args:
        spool: The spool's folder.
        uri: The store, None being the project's own.
        experiment: The experiment.
        store: Where to.
    """

    def __init__(self, spool: Path, uri: str | None, experiment: str, store: Store) -> None:
        self.store = store
        self.made = 0
        self._index = RunIndex(spool, uri, experiment)
        self._shown: dict[str, Shown] = {}
        #: Parents that were made here: their children can be nowhere yet, so nobody has to look for them.
        self._born: set[str] = set()
        self._doubtful: set[str] = set()
        #: Notes by run id that link to runs which have not arrived.
        self._early: dict[str, str] = {}

    def attempt(self, source: Source) -> str:
        """Deliver, and say what went wrong, or nothing."""
        try:
            self.deliver(source)
        except TrackingError as error:
            return str(error)
        except Exception as error:  # One run with a fault of ours must not keep the others from arriving.
            _log.exception("%s cannot be delivered", source.path.name)
            return f"{type(error).__name__}: {error}"
        return ""

    def settle(self) -> None:
        """Write notes anew whose links lead to runs that have arrived since; till then a link searches for its run.

        Raises:
            TrackingError: The store does not answer.
        """
        for run_id, note in list(self._early.items()):
            if all(map(self._index.get, uids_of(note))):
                self.store.write(run_id, {}, {NOTE: self._note(note, run_id)}, [])
                del self._early[run_id]

    def deliver(self, source: Source) -> None:
        """Make true what a segment has said since the last time.

        Raises:
            TrackingError: The store does not answer; nothing is lost, and it may be said again.
        """
        uid = source.header["uid"]
        try:
            self._deliver(source)
        except DeletedError:
            _log.warning("run %s was deleted in the store; what came after that is dropped", uid)
        except MissingError:
            # The run was deleted for good, or the whole store was, behind our back.
            _log.warning("run %s is gone from the store and is made again", uid)
            self._index.forget(uid)
            self._born.clear()
            self._shown.pop(uid, None)
            source.restart()
            self._deliver(source)
        if source.ended:
            self._shown.pop(uid, None)

    def _deliver(self, source: Source) -> None:
        header = source.header
        shown = self._shown.get(header["uid"]) or self._show(header)
        change = Change()
        if not source.begun:
            self._add_header(change, header, shown)
        for op in source.ops:
            self._add(change, op, shown, source)
        if NOTE in change.tags:
            note = change.tags[NOTE]
            change.tags[NOTE] = self._note(note, shown.run_id)
            self._early.pop(shown.run_id, None)
            if not all(map(self._index.get, uids_of(note))):
                self._early[shown.run_id] = note
        rejected = self.store.write(shown.run_id, change.params, change.tags, change.points.values())
        shown.params |= change.params
        for name, value, _, step in change.points.values():
            shown.points[name][step] = value
        for entry in change.datasets:
            try:
                self.store.dataset(shown.run_id, entry)
            except RejectedError as error:
                rejected.append(str(error))
        if rejected:
            _log.warning("run %s: refused by the store: %s", header["uid"], "; ".join(rejected))
            self.store.write(shown.run_id, {}, {"nnops.rejected": "; ".join(rejected)[:5000]}, [])
        self._set_state(shown, *_ending(source))
        for path, folder in change.files:
            if path.exists():
                self.store.artifact(shown.run_id, path, folder)
            else:
                _log.warning("run %s: the copy of %s is gone from the spool", header["uid"], path.name)
        source.begun = True

    def _show(self, header: Mapping[str, Any]) -> Shown:
        """Find the run of a header, or make it."""
        uid, parent = header["uid"], header["parent"]
        run_id = self._index.get(uid)
        if run_id is None and (parent not in self._born or uid in self._doubtful):
            run_id = self.store.find(uid)
        if run_id is not None:
            found = self.store.read(run_id)
            if found.alive:
                self._index.put(uid, run_id, self.store.experiment_id)
                shown = self._shown[uid] = Shown(run_id, found.status, dict(found.params))
                return shown
        tags = {UID: uid, "nnops.kind": header["kind"]} | header["tags"]
        if parent is not None:
            tags |= {"nnops.parent": parent, "mlflow.parentRunId": self._parent_id(parent)}
        try:
            run_id = self.store.create(header["name"], header["t"], {key: tag for key, tag in tags.items() if tag})
        except TrackingError:
            self._doubtful.add(uid)  # It may have been made all the same: look before the next try.
            raise
        self._index.put(uid, run_id, self.store.experiment_id)
        if parent is None:
            self._born.add(uid)
        self.made += 1
        shown = self._shown[uid] = Shown(run_id, whole=True)
        return shown

    def _parent_id(self, uid: str) -> str:
        return self._index.get(uid) or self.store.find(uid) or ""

    def _add_header(self, change: Change, header: Mapping[str, Any], shown: Shown) -> None:
        differing = {}
        for key, text in header["params"].items():
            if key not in shown.params:
                change.params[key] = text
            elif shown.params[key] != text:
                differing[key] = f"{key}: {shown.params[key]} -> {text}"
        if not shown.whole:  # Otherwise they came with the run.
            change.tags |= header["tags"]
        if differing:
            change.tags["nnops.params_changed"] = "\n".join(differing[key] for key in sorted(differing))

    def _add(self, change: Change, op: Mapping[str, Any], shown: Shown, source: Source) -> None:
        if op["op"] == "log":
            for name, value in op["m"].items():
                if op["s"] not in self._points(shown, name):
                    change.points.setdefault((name, op["s"]), (name, value, op["t"], op["s"]))
        elif op["op"] == "numbers":
            for name, value in op["m"].items():
                if not _same(self._points(shown, name).get(0), value):
                    change.points[name, 0] = (name, value, op["t"], 0)
        elif op["op"] == "tag":
            change.tags |= op["tags"]
        elif op["op"] == "dataset":
            change.datasets.append(dict(op))
        elif op["op"] == "view":
            self.store.view(op["key"], op["state"])
        elif op["op"] == "file":
            change.files.append((staged_folder(source.path) / op["path"], op["folder"]))

    def _note(self, markdown: str, run_id: str) -> str:
        """A note with links that lead somewhere, cut to what the store takes at a line's end."""
        text = resolve(markdown, self.store.experiment_id, run_id, self._index.get)
        return text if len(text) <= NOTE_LENGTH else text[: text.rfind("\n", 0, NOTE_LENGTH)]

    def _points(self, shown: Shown, metric: str) -> dict[int, float]:
        if metric not in shown.points:
            shown.points[metric] = {} if shown.whole else self.store.points(shown.run_id, metric)
        return shown.points[metric]

    def _set_state(self, shown: Shown, state: str, ended_ms: int | None) -> None:
        if state != "RUNNING" or shown.status != state:
            try:
                self.store.set_state(shown.run_id, state, ended_ms)
            except RejectedError as error:
                if self.store.read(shown.run_id).alive:
                    raise
                raise DeletedError(str(error)) from error
            shown.status = state


def _ending(source: Source) -> tuple[str, int | None]:
    """The state that a segment leaves its run in, and since when."""
    last = source.ops[-1] if source.ops else source.header
    if last["op"] == "finish":
        return last["state"], last["t"]
    if source.ended and last["op"] != "leave":
        return "KILLED", source.touched_ms
    return "RUNNING", None


def _same(stored: float | None, value: float) -> bool:
    """Whether the store has this value; SQL has no infinity, so MLflow keeps the largest number instead."""
    if stored is None or math.isnan(stored):
        return stored is not None and math.isnan(value)
    return stored == (math.copysign(sys.float_info.max, value) if math.isinf(value) else value)
