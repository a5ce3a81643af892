"""Links of notes, and notes whose runs arrive later."""

from pathlib import Path
from typing import Any

from nnops.tracking.delivery import NOTE, NOTE_LENGTH, Delivery
from nnops.tracking.link import resolve, uids_of
from nnops.tracking.segment import Source
from nnops.tracking.spool import SpoolTracker, spool_folder
from nnops.tracking.tracker import RunInfo

TEXT = (
    "[a](run:s/1) [b](run:s/2) [c](compare:s/1,s/2) ![d](image:figures/x y.png) [e](artifact:figures/h.png)"
    " [f](children:val_loss:minimize) [g](view:s-1) [h](https://example.org)"
)


def test_every_kind_of_link() -> None:
    text = resolve(TEXT, "3", "me", {"s/1": "one"}.get)
    assert "[a](#/experiments/3/runs/one?workflowType=machine_learning)" in text
    assert (
        "[b](#/experiments/3/runs?workflowType=machine_learning&searchFilter=tags.%60nnops.uid%60%3D%22s%2F2%22)"
        in text
    )
    assert "[c](#/compare-runs?runs=%5B%22one%22%5D&experiments=%5B%223%22%5D&workflowType=machine_learning)" in text
    assert "[e](#/experiments/3/runs/me/artifacts/figures/h.png)" in text
    assert "parentRunId%3D%27me%27" in text
    assert "[g](#/experiments/3/runs?workflowType=machine_learning&viewStateShareKey=s-1)" in text
    assert "[h](https://example.org)" in text
    assert resolve("![x](image:figures/history.png)", "3", "me", {}.get) == (
        "![x](get-artifact?path=figures%2Fhistory.png&run_uuid=me)"
    )


def test_what_only_looks_like_a_link_stays() -> None:
    assert uids_of(r"a \](run:x) and [b](runs:y)") == set()
    assert resolve(r"a \](run:x)", "3", "me", {}.get) == r"a \](run:x)"


class FakeStore:
    """Takes what a delivery writes."""

    experiment_id = "3"

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, str]] = {}
        self.views: dict[str, Any] = {}

    def find(self, uid: str) -> None:
        return None

    def create(self, name: str, started_ms: int, tags: dict[str, str]) -> str:
        self.tags[f"id-{name}"] = dict(tags)
        return f"id-{name}"

    def write(self, run_id: str, params: Any, tags: dict[str, str], points: Any) -> list[str]:
        self.tags[run_id] |= tags
        return []

    def set_state(self, run_id: str, state: str, ended_ms: int | None = None) -> None: ...

    def view(self, key: str, state: Any) -> None:
        self.views[key] = state


def test_a_note_is_written_anew_once_its_runs_are_there(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("nnops.tracking.spool.wake", lambda *_: False)
    tracker = SpoolTracker(tmp_path)
    runs = {name: tracker.open(RunInfo(name, name, "study")) for name in ("parent", "child")}
    runs["parent"].note("[best](run:child)\n" + "line\n" * 3000)
    runs["parent"].view("key", {"selectedColumns": []})
    for run in runs.values():
        run.finish("FINISHED")
    store = FakeStore()
    delivery = Delivery(spool_folder(tmp_path), None, "nnops", store)  # type: ignore[arg-type]
    for name in ("parent", "child"):
        source = Source(runs[name].segment.path)
        source.poll()
        delivery.deliver(source)
        if name == "parent":
            assert "searchFilter" in store.tags["id-parent"][NOTE]
            delivery.settle()
            assert "searchFilter" in store.tags["id-parent"][NOTE]
    delivery.settle()
    note = store.tags["id-parent"][NOTE]
    assert note.startswith("[best](#/experiments/3/runs/id-child?")
    assert len(note) <= NOTE_LENGTH
    assert note.endswith("line")
    assert store.views == {"key": {"selectedColumns": []}}
