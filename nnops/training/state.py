"""The state of a training at the end of an epoch, and the bytes that it is kept in.

A checkpoint is a safetensors file (8 bytes: the length of the header; the header in JSON; the tensors' bytes), whose
metadata holds the rest of the state as JSON: no pickle. Its checksum stands in its name, so damage is seen.
"""

import json
import zlib
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor

#: How safetensors calls the types.
TYPES: dict[torch.dtype, str] = {
    torch.float64: "F64",
    torch.int64: "I64",
    torch.float32: "F32",
    torch.int32: "I32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


@dataclass(frozen=True)
class State:
    """Everything that a training needs to go on.

    Attributes:
        tensors: The step's tensors, and the best weights so far under ``best.``.
        epoch: Epochs done.
        best_epoch: The best of them, from 1.
        history: A row of numbers for each of them.
    """

    tensors: dict[str, Tensor]
    epoch: int
    best_epoch: int
    history: list[dict[str, float]]


class Image:
    """Room in memory for one state after another of the same tensors: copied in one go, written without another copy.

    Args:
        tensors: Tensors of the names, types and shapes to come.

    Attributes:
        epoch: Of the state taken last.
    """

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        # Wide types first, so that every tensor starts at a multiple of its width.
        self._names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
        self._entries: dict[str, Any] = {}
        end = 0
        for name in self._names:
            tensor = tensors[name]
            start, end = end, end + tensor.numel() * tensor.element_size()
            self._entries[name] = {
                "dtype": TYPES[tensor.dtype],
                "shape": list(tensor.shape),
                "data_offsets": [start, end],
            }
        self._bytes = torch.empty(end, dtype=torch.uint8)
        self._places = [
            self._bytes[slice(*self._entries[name]["data_offsets"])].view(tensors[name].dtype).view(tensors[name].shape)
            for name in self._names
        ]
        self._rows: list[str] = []
        self._history: list[dict[str, float]] = []
        self._best_epoch = 0
        self.epoch = 0

    def fits(self, state: State) -> bool:
        """Whether a state has tensors of these names."""
        return state.tensors.keys() == set(self._names)

    def take(self, state: State) -> None:
        """Copy a state's tensors; what the training does to them later does not matter."""
        copy_tensors(self._places, [state.tensors[name] for name in self._names])
        self.epoch, self._best_epoch, self._history = state.epoch, state.best_epoch, list(state.history)

    def encode(self) -> tuple[bytes, memoryview, int]:
        """The file of the state taken last: header, tensors' bytes, checksum (CRC-32) over both."""
        # A row never changes, so each is encoded once.
        self._rows += [json.dumps(row) for row in self._history[len(self._rows) :]]
        record = f'{{"epoch":{self.epoch},"best_epoch":{self._best_epoch},"history":[{",".join(self._rows)}]}}'
        header = json.dumps({"__metadata__": {"nnops": record}, **self._entries}).encode()
        header += b" " * (-len(header) % 8)
        header = len(header).to_bytes(8, "little") + header
        data = self._bytes.numpy().data
        return header, data, zlib.crc32(data, zlib.crc32(header))


def decode(content: bytes) -> State:
    """The state in a checkpoint's bytes, which are whole."""
    header_size = int.from_bytes(content[:8], "little")
    record = json.loads(json.loads(content[8 : 8 + header_size])["__metadata__"]["nnops"])
    return State(load(content), record["epoch"], record["best_epoch"], record["history"])


@torch.no_grad()
def copy_tensors(to: list[Tensor], tensors: list[Tensor]) -> None:
    """Copy tensors in place, all in one call."""
    torch._foreach_copy_(to, tensors)  # pyright: ignore[reportPrivateImportUsage]
