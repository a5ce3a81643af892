"""Starting the writer: one process a spool, held by a file lock, that nobody waits for."""

import fcntl
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

_MAX_LOG_BYTES = 2**20


def hold(spool: Path) -> int | None:
    """Take the writer's lock: the file descriptor that holds it, or None where a writer lives."""
    fd = os.open(spool / "writer.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


@dataclass(frozen=True)
class Manner:
    """How a writer behaves.

    Attributes:
        linger_s: How long it stays when there is nothing to do; the stages of a pipeline follow each other sooner.
        patience_s: How long it goes on trying a dead server after the last producer has gone; the next start of any
            producer tries again.
        nice: How far it gives way to others, 0 to 19; 10 leaves it a tenth of a core where all are busy.
    """

    linger_s: float = 5.0
    patience_s: float = 300.0
    nice: int = 10


def wake(spool: Path, manner: Manner) -> bool:
    """Start the writer unless it runs; returns at once.

    The lock is taken here and handed to the new process, so there is no moment in which two could start.

    Args:
        spool: The folder.
        manner: How it behaves.

    Returns:
        Whether one was started.
    """
    lock = hold(spool)
    if lock is None:
        return False
    log = spool / "writer.log"
    mode = "ab" if log.exists() and log.stat().st_size < _MAX_LOG_BYTES else "wb"
    package = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")])),
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("PYTEST_CURRENT_TEST", None)  # MLflow's SQL store behaves differently when it is set.
    command = [sys.executable, "-m", "nnops.tracking.writer", str(spool), "--lock", str(lock)]
    command += ["--linger-s", str(manner.linger_s), "--patience-s", str(manner.patience_s), "--nice", str(manner.nice)]
    try:
        with log.open(mode) as stream:
            process = subprocess.Popen(
                command,
                cwd=spool,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
                start_new_session=True,
            )
    finally:
        os.close(lock)
    # The process forks itself off and ends at once; somebody has to take its exit code.
    threading.Thread(target=process.wait, daemon=True, name="nnops-wake").start()
    return True
