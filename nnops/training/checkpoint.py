"""Checkpoints: the whole state of a training at the end of an epoch, written beside the training, never half.

A checkpoint is one safetensors file, ``epoch-000012-<sha256[:16]>.safetensors``: the name carries the hash of its
bytes, so damage is seen, and no pickle is read. A file is written under another name, flushed and renamed; the one
before it is deleted after that.
"""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from nnops.errors import IntegrityError
from nnops.files import write_bytes


@dataclass(frozen=True)
class State:
    """Everything that a training needs to go on: named tensors, and a record of plain JSON values."""

    tensors: dict[str, Tensor]
    record: dict[str, Any]


class Checkpoints:
    """The checkpoint folder of one training; saving happens in a thread, and the newest state wins.

    Args:
        folder: Where checkpoints of this training lie; made at the first save.
        every_s: Least seconds between two saves; 0 saves as often as the disk keeps up, every epoch if it can.
    """

    def __init__(self, folder: Path, every_s: float = 0.0) -> None:
        self.folder = folder
        self._every_s = every_s
        self._next_s = monotonic() + every_s
        self._wake = threading.Condition()
        self._pending: State | None = None
        self._closing = False
        self._error: OSError | None = None
        self._thread: threading.Thread | None = None

    def offer(self, state: Callable[[], State]) -> None:
        """Save ``state()`` in the background, unless the last save is still under way or not long ago.

        Raises:
            OSError: An earlier save failed, for instance because the disk is full.
        """
        if self._error:
            raise self._error
        now_s = monotonic()
        if now_s < self._next_s or self._pending is not None:
            return
        self._next_s = now_s + self._every_s
        snapshot = state()
        with self._wake:
            self._pending = snapshot
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="checkpoint", daemon=True)
                self._thread.start()
            self._wake.notify()

    def save(self, state: State) -> None:
        """Save now, in this thread."""
        write(self.folder, state)

    def close(self) -> None:
        """Wait for the last save."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        if self._error:
            raise self._error

    def _work(self) -> None:
        while True:
            with self._wake:
                while self._pending is None and not self._closing:
                    self._wake.wait()
                state = self._pending
            if state is None:
                return
            try:
                write(self.folder, state)
            except OSError as error:
                self._error = error
                return
            with self._wake:
                self._pending = None

    def clear(self) -> None:
        """Delete the checkpoints of this training: it is complete."""
        for path in found(self.folder):
            path.unlink(missing_ok=True)
        if self.folder.exists() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def write(folder: Path, state: State) -> Path:
    """Write one checkpoint and delete the ones before it."""
    content = save(
        {name: tensor.contiguous() for name, tensor in state.tensors.items()},
        {"nnops": json.dumps(state.record, sort_keys=True)},
    )
    digest = hashlib.sha256(content).hexdigest()[:16]
    path = folder / f"epoch-{state.record['epoch']:06d}-{digest}.safetensors"
    write_bytes(path, content)
    for older in found(folder):
        if older != path:
            older.unlink(missing_ok=True)
    return path


def found(folder: Path) -> list[Path]:
    """Checkpoint files in a folder, oldest first."""
    return sorted(folder.glob("epoch-*.safetensors"))


def read(folder: Path) -> State | None:
    """Read the newest checkpoint, or None where there is none.

    Raises:
        IntegrityError: The file's bytes are not those that were written.
    """
    paths = found(folder)
    if not paths:
        return None
    content = paths[-1].read_bytes()
    if hashlib.sha256(content).hexdigest()[:16] != paths[-1].stem.rpartition("-")[2]:
        raise IntegrityError(
            f"{paths[-1]}: the checkpoint is damaged (its sha256 is not the one in its name);"
            " delete it to start this training anew."
        )
    header_size = int.from_bytes(content[:8], "little")
    record = json.loads(json.loads(content[8 : 8 + header_size])["__metadata__"]["nnops"])
    return State(load(content), record)
