"""The picture of a study on its tracked run: figures, the page, the note that shows them.

Drawing takes seconds that a sweep need not wait for, so where runs go through the spool a process of its own draws.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from nnops.sweep.figures.seen import Seen
from nnops.sweep.insight import draw
from nnops.sweep.note import PAGE, SHOWN, SMALL, describe
from nnops.sweep.study import Study
from nnops.tracking.record import command_line
from nnops.tracking.spool import SpoolTracker
from nnops.tracking.tracker import Run, RunInfo, State, now_ms

#: How far the process gives way to others.
NICE = 10


def put_picture(run: Run, study: Study) -> None:
    """Draw a study and put it on its run."""
    from nnops.sweep.page.build import write_page

    seen = Seen(study, study.trials(), study.repeats())
    paths = draw(seen, study.folder / "figures", SHOWN)
    write_page(seen, study.folder / PAGE, "complete" if study.attrs.get("ended") else "stopped")
    run.file(study.folder / PAGE)
    for path in paths:
        run.file(path, "figures")
    for path in paths:
        if path.stem in SHOWN:
            run.file(path.parent / "small" / path.name, SMALL)
    run.note(describe(seen, tuple(path.stem for path in paths)))


def draw_later(tracker: SpoolTracker, root: Path, study: Study, state: State) -> None:
    """Start a process that puts the picture on a study's run, which ended with ``state`` just now; returns at once."""
    order = {
        "root": str(root.resolve()),
        "study": study.name,
        "state": state,
        "ended_ms": now_ms(),
        "source": command_line(),
        **tracker.target,
    }
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH")])
        ),
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
    }
    with (study.folder / "picture.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "nnops.sweep.picture"],
            cwd=root.resolve(),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    assert process.stdin is not None
    # Not among its arguments, which every user of the machine can read: an address may hold a password.
    process.stdin.write(json.dumps(order).encode())
    process.stdin.close()
    threading.Thread(target=process.wait, daemon=True, name="nnops-picture").start()


def main(order: dict[str, Any]) -> None:
    """Put the picture of one study on its run, unless somebody drives it again and will do so at its end."""
    os.nice(NICE)
    study = Study.open(Path(order["root"]), order["study"])
    tracker = SpoolTracker(Path(order["root"]), uri=order["uri"], experiment=order["experiment"])
    if study.holder is not None:
        return
    # Opened anew, the run must go on saying what started the sweep.
    run = tracker.open(RunInfo(study.uid, study.name, "study", tags={"mlflow.source.name": order["source"]}))
    put_picture(run, study)
    run.finish(order["state"], order["ended_ms"])


if __name__ == "__main__":
    main(json.load(sys.stdin))
