"""Checkpoints: the whole state of a training at the end of an epoch, written beside the training, never half.

A file is called ``epoch-000012-1f0a9c3e.safetensors``, the last part being the checksum of its bytes. It is written
under another name and renamed, so a kill at any moment leaves whole files. Once a second a file is also flushed to the
disk, and kept until a later one is flushed, so that a loss of power costs about a second
(infra/adr/0003-checkpoint-cadence.md).
"""

import logging
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import monotonic, thread_time

from nnops.errors import IntegrityError
from nnops.training.state import Image, State, decode

#: Saving takes at most this share of a core, as long as a save each LONGEST_S is not more.
SHARE = 0.1
#: Least often that a state is saved and flushed, in seconds, if epochs are not longer.
LONGEST_S = 1.0

logger = logging.getLogger("nnops")


class Checkpoints:
    """The checkpoint folder of one training; saving happens in a thread while the training goes on.

    Args:
        folder: Where checkpoints of this training lie; made at the first save.
        every_s: Least seconds between two saves.
    """

    def __init__(self, folder: Path, every_s: float = 0.0) -> None:
        self.folder = folder
        self._every_s = every_s
        self._next_s = monotonic() + every_s
        self._flush_s = monotonic() + LONGEST_S
        self._files: list[Path] | None = None
        self._flushed: Path | None = None
        self._image: Image | None = None
        self._busy = False
        self._warned = False
        self._error: BaseException | None = None
        self._wake: SimpleQueue[bool] = SimpleQueue()
        self._thread: Thread | None = None

    def offer(self, state: Callable[[], State]) -> None:
        """Save ``state()`` in the background, unless the last save is still under way or it is too soon for another."""
        if self._error is not None:
            raise self._error
        if self._busy or monotonic() < self._next_s:
            return
        self._take(state())
        if self._thread is None:
            self._thread = Thread(target=self._work, name="checkpoint", daemon=True)
            self._thread.start()
        self._busy = True
        self._wake.put(True)

    def save(self, state: State) -> None:
        """Save a state now, and wait for it; a full disk is said, as ever, and costs nothing else."""
        self.close()
        self._take(state)
        try:
            self._save()
        except (OSError, MemoryError) as error:
            self._warn(error)

    def close(self) -> None:
        """Wait for the last save."""
        if self._thread is not None:
            self._wake.put(False)
            self._thread.join()
            self._thread = None
        if self._error is not None:
            raise self._error

    def clear(self) -> None:
        """Delete the checkpoints of this training, and those of its members: it is complete."""
        for path in self.folder.glob("member-*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in (*found(self.folder), *_parts(self.folder)):
            path.unlink(missing_ok=True)
        if self.folder.exists() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _work(self) -> None:
        while self._wake.get():
            start_s, cpu_s = monotonic(), thread_time()
            wait_s = LONGEST_S
            try:
                self._save()
                wait_s = min((thread_time() - cpu_s) / SHARE, LONGEST_S)
            except (OSError, MemoryError) as error:
                # A full disk costs the chance to go on from here, not the training: the next epochs try again.
                self._warn(error)
            except BaseException as error:
                self._error = error
                return
            self._next_s = start_s + max(self._every_s, wait_s)
            self._busy = False

    def _take(self, state: State) -> None:
        if self._image is None or not self._image.fits(state):
            self._image = Image(state.tensors)
        self._image.take(state)

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            logger.warning("%s: no checkpoint could be written: %s; training goes on.", self.folder, error)
        self._warned = True

    def _save(self) -> None:
        assert self._image is not None
        if self._files is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            for part in _parts(self.folder):
                part.unlink(missing_ok=True)
            self._files = found(self.folder)
            self._flushed = self._files[-1] if self._files else None
        header, data, checksum = self._image.encode()
        path = self.folder / f"epoch-{self._image.epoch:06d}-{checksum:08x}.safetensors"
        flush = monotonic() >= self._flush_s
        _write(path, header, data, flush)
        if flush:
            self._flushed = path
            self._flush_s = monotonic() + LONGEST_S
        for older in self._files:
            if older not in (path, self._flushed):
                older.unlink(missing_ok=True)
        self._files = list({self._flushed or path, path})


def found(folder: Path) -> list[Path]:
    """Checkpoint files in a folder, oldest first."""
    return sorted(folder.glob("epoch-*.safetensors"))


def read(folder: Path) -> State | None:
    """Read the newest whole checkpoint, or None where there is none at all.

    Raises:
        IntegrityError: There are files, but the bytes of none are those that were written.
    """
    paths = found(folder)
    for path in reversed(paths):
        content = path.read_bytes()
        if f"{zlib.crc32(content):08x}" == path.stem.rpartition("-")[2]:
            return decode(content)
        logger.warning("%s: this checkpoint is damaged; looking for one before it.", path)
    if paths:
        raise IntegrityError(
            f"{paths[-1]}: the checkpoint is damaged (its checksum is not the one in its name);"
            " delete it to start this training anew."
        )
    return None


def _parts(folder: Path) -> list[Path]:
    return list(folder.glob(".epoch-*.part"))


def _write(path: Path, header: bytes, data: memoryview, flush: bool) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.write(header)
            stream.write(data)
            if flush:
                stream.flush()
                os.fsync(stream.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if flush and os.name == "posix":
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
