"""The writer: the one process of a spool that brings its segments to MLflow, at low priority, and then ends.

    python -m nnops.tracking.writer SPOOL

It is started by :mod:`nnops.tracking.wake`. It may be killed at any moment: what it had not noted as delivered is
delivered again by the next one, which changes nothing in MLflow (see :mod:`nnops.tracking.delivery`).
"""

import argparse
import contextlib
import json
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from nnops.errors import InputError, TrackingError
from nnops.files import write_json
from nnops.tracking.address import is_database, opened_uri
from nnops.tracking.border import DamagedError
from nnops.tracking.delivery import Delivery
from nnops.tracking.segment import Source, ops_folder, segments, sweep_leftovers
from nnops.tracking.task import GATHER_S, Task
from nnops.tracking.trouble import Target, Troubles
from nnops.tracking.wake import Manner, hold

if TYPE_CHECKING:
    from nnops.tracking.mlflow import Store

#: How often the spool is looked at, in seconds.
TICK_S = 0.1
#: After so many runs failed in a row the others are not tried in this round.
_FAILURES_IN_A_ROW = 3
#: So many requests to a server are under way at once; a SQLite file takes one at a time.
_AT_ONCE = 8
#: SQLite counts its tables after so many new runs.
_ANALYZE_RUNS = 50

_log = logging.getLogger("nnops.tracking.writer")


class Writer:
    """Reads segments, delivers them, and knows when to end.

    Args:
        spool: The spool's folder.
        manner: How long to stay and to try.
        store: Makes a store from its address, the experiment and the project's folder.
    """

    def __init__(self, spool: Path, manner: Manner, store: "Callable[[str, str, Path], Store]") -> None:
        self._spool, self._manner, self._store = spool, manner, store
        self._root = spool.parent.parent
        self._tasks: dict[str, Task] = {}
        self._deliveries: dict[Target, Delivery] = {}
        #: Stores that no patience brings back.
        self._damaged: set[Target] = set()
        self._state = spool / "offsets.json"
        self._offsets = self._read_offsets()
        self._pool = ThreadPoolExecutor(_AT_ONCE)  # Its threads begin when they are needed.
        self._gather_s = GATHER_S
        self._troubles = Troubles(spool)

    def run(self) -> None:
        """Work until there is nothing left to do, or nobody left to do it for."""
        sweep_leftovers(self._spool)
        active = time.monotonic()
        while True:
            try:
                self._scan()
            except FileNotFoundError:
                if not self._spool.is_dir():
                    break  # The whole project was deleted.
                raise
            began = time.monotonic()
            delivered = self._round(began)
            now = time.monotonic()
            # Never busy for more than a fifth of the time, however many runs there are.
            self._gather_s = max(GATHER_S, 5 * (now - began))
            if delivered or any(not task.source.ended for task in self._tasks.values()):
                active = now
            hope = any(task.target not in self._damaged for task in self._tasks.values())
            if now - active > (self._manner.patience_s if hope else self._manner.linger_s):
                break
            time.sleep(TICK_S)

    @property
    def known(self) -> set[str]:
        """The segments that it has seen and that are still to be delivered."""
        return set(self._tasks)

    def close(self) -> None:
        """Leave the stores in a good state."""
        for target, delivery in self._deliveries.items():
            if delivery.made >= _ANALYZE_RUNS:
                delivery.made = 0
                try:
                    delivery.store.analyze()
                except TrackingError as error:
                    self._troubles.put(target, str(error))

    def _scan(self) -> None:
        """Read what is new in the spool."""
        names = segments(self._spool)
        for name in self._tasks.keys() - set(names):
            del self._tasks[name]
        for name in names:
            try:
                if name not in self._tasks:
                    self._tasks[name] = Task(Source(ops_folder(self._spool) / name, self._offsets.get(name, 0)))
                self._tasks[name].source.poll()
            except FileNotFoundError:
                self._tasks.pop(name, None)
            except ValueError:
                _log.warning("%s is damaged at its first line and is put aside", name)
                path = ops_folder(self._spool) / name
                path.rename(path.with_suffix(".damaged"))

    def _round(self, now: float) -> int:
        """Deliver what is due: a run's segments in their order, parents before their children.

        Returns:
            How many segments were delivered.
        """
        heads: dict[str, Task] = {}  # The oldest segment of each run.
        for _, task in sorted(self._tasks.items()):
            heads.setdefault(task.source.header["uid"], task)
        due = [task for task in heads.values() if task.due(now)]
        delivered = 0
        for roots in (True, False):
            unborn = {uid for uid, task in heads.items() if not task.source.begun}
            wave = [task for task in due if (task.parent is None) == roots and task.parent not in unborn]
            for target in {task.target for task in wave}:
                delivered += self._deliver([task for task in wave if task.target == target], *target)
        if delivered:
            self._write_offsets()
            for delivery in self._deliveries.values():
                with contextlib.suppress(TrackingError):  # The links that are there search for their runs.
                    delivery.settle()
        return delivered

    def _deliver(self, tasks: "list[Task]", uri: str | None, experiment: str) -> int:
        """Deliver segments to one store; a server's answers are awaited several at a time."""
        try:
            delivery = self._delivery(uri, experiment)
            self._damaged.discard((uri, experiment))
        except TrackingError as error:
            if isinstance(error, DamagedError):
                self._damaged.add((uri, experiment))
            for task in tasks:
                task.fail(time.monotonic())
            self._troubles.put((uri, experiment), str(error))
            return 0
        width = 1 if is_database(opened_uri(uri, self._root)) else _AT_ONCE
        delivered = failed = 0
        for start in range(0, len(tasks), width):
            some = tasks[start : start + width]
            run = self._pool.map if width > 1 else map
            for task, trouble in zip(some, list(run(delivery.attempt, [task.source for task in some])), strict=True):
                self._troubles.put((uri, experiment), trouble)
                if trouble:
                    failed += 1
                    task.fail(time.monotonic())
                    continue
                failed = 0
                delivered += 1
                task.succeed(time.monotonic(), self._gather_s)
                task.source.delivered()
                if task.source.ended:
                    task.source.remove()
                    del self._tasks[task.source.path.name]
            if failed >= _FAILURES_IN_A_ROW:
                break
        return delivered

    def _delivery(self, uri: str | None, experiment: str) -> Delivery:
        key = (uri, experiment)
        if key not in self._deliveries:
            try:
                opened = opened_uri(uri, self._root)
            except InputError as error:
                raise TrackingError(str(error)) from error
            store = self._store(opened, experiment, self._root)
            self._deliveries[key] = Delivery(self._spool, uri, experiment, store)
        return self._deliveries[key]

    def _read_offsets(self) -> dict[str, int]:
        try:
            return dict(json.loads(self._state.read_text()))
        except (FileNotFoundError, ValueError):  # Without it everything is delivered again, which changes nothing.
            return {}

    def _write_offsets(self) -> None:
        self._offsets = {name: task.source.offset for name, task in self._tasks.items()}
        with contextlib.suppress(FileNotFoundError):  # The whole project was deleted.
            write_json(self._state, self._offsets)


def give_way(nice: int) -> None:
    """Lower the priority, also against other sessions, which Linux weighs as groups; any training comes first."""
    os.nice(nice)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice))


def main(arguments: list[str] | None = None) -> None:
    """Run one writer; ends at once where another one has the spool."""
    parser = argparse.ArgumentParser(prog="nnops.tracking.writer", description="Bring a spool to MLflow.")
    parser.add_argument("spool", type=Path)
    parser.add_argument("--lock", type=int, help="A file descriptor that holds the writer's lock")
    parser.add_argument("--linger-s", type=float, default=Manner.linger_s)
    parser.add_argument("--patience-s", type=float, default=Manner.patience_s)
    parser.add_argument("--nice", type=int, default=Manner.nice)
    chosen = parser.parse_args(arguments)
    lock = chosen.lock
    if lock is None:
        lock = hold(chosen.spool)
        if lock is None:
            return
    elif os.fork():
        # Nobody's child: whoever started it need not wait for it, and does not take it along when it ends.
        os._exit(0)
    give_way(chosen.nice)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    from nnops.tracking.border import configure
    from nnops.tracking.mlflow import Store

    configure(timeout_s=30, retries=0)
    writer = Writer(chosen.spool, Manner(chosen.linger_s, chosen.patience_s, chosen.nice), Store)
    while lock is not None:
        writer.run()
        writer.close()
        os.close(lock)
        # A producer that came in the meantime saw the lock held, and trusts us with its segment.
        with contextlib.suppress(FileNotFoundError):
            lock = hold(chosen.spool) if set(segments(chosen.spool)) - writer.known else None
            continue
        lock = None


if __name__ == "__main__":
    main()
