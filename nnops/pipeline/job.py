"""A job: one DVC stage at work, with its params, folders, lock and tracked run.

A stage module in pipelines/ holds a function of a job and hands it to :func:`execute`, which gives DVC an exit code
and the user one sentence when something is wrong.
"""

import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops import params as params_file
from nnops.errors import NnopsError, explain_refusal
from nnops.files import read_json, write_json
from nnops.params import Params
from nnops.pipeline.owner import Owner

if TYPE_CHECKING:
    from nnops.data.prepared import Prepared
    from nnops.tracking.tracker import Run, State, Tracker

#: Seconds that a stage waits for another one of the same name to end.
LOCK_WAIT_S = 15.0


@dataclass
class Job:
    """One stage at work.

    Attributes:
        stage: Its name in dvc.yaml.
        params: The whole of params.yaml.
        root: The project's folder.
        owner: Knows whether DVC still waits for this process.
    """

    stage: str
    params: Params
    root: Path
    owner: Owner
    started_s: float = field(default_factory=time.time)
    _tracker: "Tracker | None" = None
    _run: "Run | None" = None

    @property
    def out(self) -> Path:
        """The stage's output folder."""
        return self.folder(self.stage)

    def folder(self, stage: str) -> Path:
        """The output folder of any stage."""
        return self.root / "artifacts" / stage

    @property
    def private(self) -> Path:
        """The git-ignored folder for what is kept between runs."""
        return self.root / ".nnops"

    def fresh_out(self) -> Path:
        """The output folder, empty.

        Raises:
            StageGoneError: DVC no longer waits for this process, so the folder is another one's.
        """
        self.owner.check()
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        return self.out

    def track(self, uid: str, data: "Prepared") -> "Run":
        """Open the tracked run of the pipeline result ``uid``; all of its stages log on the same one."""
        from nnops.tracking.open import open_tracker
        from nnops.tracking.record import RECORDED, attach, collect, git_diff
        from nnops.tracking.tracker import RunInfo

        self._tracker = open_tracker(self.params, self.root)
        # Only what the fingerprint covers: a run's params never change, and evaluate's may for the same weights.
        record = self.params.record("seed", "data", "model", "loss", "train")
        info = RunInfo(
            uid=uid,
            name=f"{self.params.register_.name} {self.params.model.name} {uid[:8]}",
            kind="pipeline",
            parent=None,
            params=params_file.flatten(record),
            tags={"fingerprint": uid, "model": self.params.model.name, "task": data.spec.task},
            started_ms=int(self.started_s * 1000),
        )
        self._run = self._tracker.open(info)
        record = collect(
            self.root,
            seed=self.params.seed,
            data_hash=data.hash,
            params=self.params.record(*RECORDED),
            files=data.schema.get("files", ()),
        )
        attach(self._run, record, git_diff(self.root))
        source = self.params.data.source
        self._run.dataset(
            name=str(source.options.get("set") or source.options.get("path") or source.name),
            digest=data.hash,
            source=str(source.options.get("path", source.name)),
            rows=sum(data.schema["rows"].values()),
            columns={column["name"]: column["kind"] for column in data.schema["columns"]},
        )
        return self._run

    def remember_seconds(self, key: str) -> None:
        """Keep how long this stage took, for the stage that opens the run; never part of an output."""
        write_json(self.private / "seconds" / f"{self.stage}.json", {"key": key, "seconds": self.seconds})

    def recall_seconds(self, stage: str, key: str) -> float | None:
        """How long another stage took for the same ``key``."""
        path = self.private / "seconds" / f"{stage}.json"
        if not path.exists():
            return None
        kept: dict[str, Any] = read_json(path)
        return kept["seconds"] if kept["key"] == key else None

    @property
    def seconds(self) -> float:
        """Seconds since the stage began."""
        return time.time() - self.started_s

    def prepared(self) -> "Prepared":
        """The prepared data."""
        from nnops.data.prepared import Prepared

        return Prepared.open(self.folder("prepare"))

    def code(self) -> dict[str, str]:
        """Git commit and whether files differ from it, as tags; empty outside a repository."""
        from nnops.tracking.record import git_state

        git = git_state(self.root)
        if not git or not git["commit"]:
            return {}
        return {"git.commit": git["commit"], "git.dirty": str(bool(git["changed"])).lower()}

    def finish(self, state: "State" = "FINISHED", wait_s: float = 0.0) -> None:
        """Finish the tracked run, once; the background writer sends what has not arrived after ``wait_s`` seconds."""
        run, tracker = self._run, self._tracker
        self._run = self._tracker = None
        if run is not None:
            if state == "FINISHED":
                run.numbers({f"seconds/{self.stage}": self.seconds})
            run.finish(state)
        if tracker is not None and not tracker.close(wait_s) and run is not None:
            self._say_unsent()

    def _say_unsent(self) -> None:
        """Tell where a server does not answer; a file that is written a moment later is no news."""
        from nnops.tracking.reach import explain_unsent

        why = explain_unsent(self.params, self.root)
        if why is not None:
            print(f"{self.stage}: {why}", file=sys.stderr)


def execute(stage: str, work: Callable[[Job], None]) -> int:
    """Run a stage in the current folder.

    Returns:
        The exit code: 0 done, 1 failed or refused, 2 wrong input.
    """
    from filelock import FileLock, Timeout

    root = Path()
    lock = root / ".nnops" / "locks" / f"{stage}.lock"
    job: Job | None = None
    state: State = "FAILED"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=LOCK_WAIT_S):
            job = Job(stage, params_file.load(root / params_file.FILE), root, Owner.find())
            work(job)
            job.finish()
            return 0
    except Timeout:
        print(f"{stage}: another {stage} stage works in this folder; wait for it or end it.", file=sys.stderr)
        return 1
    except NnopsError as error:
        if os.environ.get("NNOPS_DEBUG"):
            traceback.print_exc()
        print(f"{stage}: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        refusal = explain_refusal(error)
        if refusal is None or os.environ.get("NNOPS_DEBUG"):
            raise
        print(f"{stage}: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        state = "KILLED"
        print(f"{stage}: interrupted; 'dvc repro' goes on from the last checkpoint.", file=sys.stderr)
        return 130
    finally:
        if job is not None:
            job.finish(state)
