"""A shelf: where the trials of a study keep their checkpoints, so that another worker can go on with them.

On a folder that all machines share a trial writes there itself. Where it is an S3 address, a trial writes beside
itself as ever, and a thread brings its newest checkpoint to the address while the training goes on.
"""

import logging
import shutil
import tempfile
import threading
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from nnops.errors import NnopsError
from nnops.sweep.bucket import SCHEME, Bucket

#: Seconds between two looks for a newer checkpoint to bring away.
LOOK_S = 1.0

logger = logging.getLogger("nnops")


class Shelf(Protocol):
    """What a worker and a driver do with checkpoints; trials go by number."""

    def take(self, number: int) -> Path:
        """The folder in which a trial, whose training begins now, finds and keeps its checkpoints."""
        ...

    def look(self, number: int) -> Path:
        """A folder with the newest checkpoint of a trial that nobody trains."""
        ...

    def leave(self, number: int, keep: bool) -> None:
        """A training has ended here; ``keep`` says that somebody may go on with its last checkpoint."""
        ...

    def put(self, number: int, path: Path) -> None:
        """A checkpoint of another training, the same so far, is one of this trial's from now on."""
        ...

    def drop(self, number: int) -> None:
        """Nobody will go on with this trial; its checkpoints are deleted."""
        ...

    def clean(self, needed: Collection[int]) -> None:
        """Delete all checkpoints but those of the trials that are needed, and wait for that."""
        ...

    def delete(self) -> None:
        """Delete the whole shelf."""
        ...


def open_shelf(address: str) -> Shelf:
    """The shelf at an address, a folder or one of S3."""
    return BucketShelf(Bucket(address)) if address.startswith(SCHEME) else FolderShelf(Path(address))


class FolderShelf:
    """A folder that every machine sees under the same path.

    Args:
        folder: Holds a folder for each trial.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, number: int) -> Path:
        """See :class:`Shelf`."""
        return self._folder / str(number)

    def look(self, number: int) -> Path:
        """See :class:`Shelf`."""
        return self._folder / str(number)

    def leave(self, number: int, keep: bool) -> None:
        """Nothing to do: all of it is there."""

    def put(self, number: int, path: Path) -> None:
        """See :class:`Shelf`; a link does not do, for the two studies may be deleted and changed on their own."""
        place = self._folder / str(number) / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)

    def drop(self, number: int) -> None:
        """See :class:`Shelf`."""
        shutil.rmtree(self._folder / str(number), ignore_errors=True)

    def clean(self, needed: Collection[int]) -> None:
        """See :class:`Shelf`."""
        for folder in self._folder.glob("*"):
            if not (folder.name.isdigit() and int(folder.name) in needed):
                shutil.rmtree(folder, ignore_errors=True)

    def delete(self) -> None:
        """See :class:`Shelf`."""
        shutil.rmtree(self._folder, ignore_errors=True)


class BucketShelf:
    """An S3 address, and room on this machine while the process lives.

    Args:
        bucket: Holds a folder for each trial.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._room: Path | None = None
        self._carriers: dict[int, Carrier] = {}
        self._dropped: SimpleQueue[int | None] = SimpleQueue()
        self._dropper: threading.Thread | None = None

    def take(self, number: int) -> Path:
        """See :class:`Shelf`."""
        folder = self.look(number)
        self._carriers[number] = Carrier(self._bucket, str(number), folder)
        return folder

    def look(self, number: int) -> Path:
        """See :class:`Shelf`; where the address does not answer, the training begins anew, to the same bits."""
        if self._room is None:
            self._room = Path(tempfile.mkdtemp(prefix="nnops-checkpoints-"))
            weakref.finalize(self, shutil.rmtree, self._room, ignore_errors=True)
        folder = self._room / str(number)
        try:
            names = [name for name in self._bucket.names(str(number)) if name.endswith(".safetensors")]
            # The newest is the last by name; one that is damaged is told by the checksum in its name.
            for name in names[-2:]:
                if not (folder / name).exists():
                    self._bucket.get(f"{number}/{name}", folder / name)
        except NnopsError as error:
            logger.warning("no checkpoint of trial %d can be fetched: %s", number, error)
        return folder

    def leave(self, number: int, keep: bool) -> None:
        """See :class:`Shelf`."""
        carrier = self._carriers.pop(number, None)
        if carrier is not None:
            carrier.close(keep)
            # With what was only looked at.
            for folder in carrier.folder.parent.iterdir():
                if folder.name.isdigit() and int(folder.name) not in self._carriers:
                    shutil.rmtree(folder, ignore_errors=True)

    def put(self, number: int, path: Path) -> None:
        """See :class:`Shelf`."""
        self._bucket.put(path, f"{number}/{path.name}")

    def drop(self, number: int) -> None:
        """See :class:`Shelf`; it happens in a thread, so that nobody waits for the network."""
        if self._dropper is None:
            self._dropper = threading.Thread(target=self._drop, name="shelf", daemon=True)
            self._dropper.start()
        self._dropped.put(number)

    def clean(self, needed: Collection[int]) -> None:
        """See :class:`Shelf`."""
        if self._dropper is not None:
            self._dropped.put(None)
            self._dropper.join()
            self._dropper = None
        with _told("checkpoints that nobody needs stay"):
            names = self._bucket.names()
            self._bucket.drop(*(name for name in names if not (name.isdigit() and int(name) in needed)))

    def delete(self) -> None:
        """See :class:`Shelf`."""
        with _told("its checkpoints stay"):
            self._bucket.drop("")

    def _drop(self) -> None:
        while (number := self._dropped.get()) is not None:
            with _told(f"checkpoints of trial {number} stay"):
                self._bucket.drop(str(number))


class Carrier:
    """Brings the newest checkpoint of one training away, in a thread, whenever there is a newer one.

    Args:
        bucket: Where to.
        name: The folder there.
        folder: Where the training writes.
    """

    def __init__(self, bucket: Bucket, name: str, folder: Path) -> None:
        self._bucket, self._name, self.folder = bucket, name, folder
        self._there = {path.name for path in _found(folder)}
        self._warned = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="carrier", daemon=True)
        self._thread.start()

    def close(self, keep: bool) -> None:
        """Wait for what is on its way; with ``keep``, the last checkpoint goes, too."""
        self._ended.set()
        self._thread.join()
        if keep:
            self._carry()

    def _work(self) -> None:
        while not self._ended.wait(LOOK_S):
            self._carry()

    def _carry(self) -> None:
        paths = _found(self.folder)
        if not paths or paths[-1].name in self._there:
            return
        newest = paths[-1].name
        try:
            self._bucket.put(paths[-1], f"{self._name}/{newest}")
            older, self._there = self._there, {newest}
            self._bucket.drop(*(f"{self._name}/{name}" for name in older))
        except FileNotFoundError:
            # The training has written a newer one meanwhile; the next look finds that.
            return
        except NnopsError as error:
            # As with a full disk: it costs the chance to go on from here, not the training.
            if not self._warned:
                logger.warning("no checkpoint can be brought away: %s; training goes on.", error)
            self._warned = True


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Let an error of the address pass with a warning: what stays there costs room and nothing else."""
    try:
        yield
    except NnopsError as error:
        logger.warning("%s: %s", what, error)


def _found(folder: Path) -> list[Path]:
    # Loads torch, which a driver need not have.
    from nnops.training.checkpoint import found

    return found(folder)
