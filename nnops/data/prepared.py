"""Prepared data on disk: arrays that map into memory, and the schema that says what they are.

    FOLDER/schema.json              kinds of columns, classes, Spec, rows of each split, hash
    FOLDER/preprocess.json          the fitted preprocessing (see nnops.data.preprocess)
    FOLDER/report.json report.png   what the data looks like
    FOLDER/{train,val,test}/NAME.npy  one array per input of the Spec, and target.npy

Tables store ``numeric`` float32 and ``categories`` int64, already scaled. Images store ``image`` uint8 [N, C, H, W];
:meth:`Prepared.tensors` scales them with the fitted statistics.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nnops.batch import Spec
from nnops.errors import DataError
from nnops.files import read_json

if TYPE_CHECKING:
    import numpy as np
    import torch

SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class Tensors:
    """One split in memory: inputs in the order of the Spec, and the target.

    ``target_B`` is int64 codes for multiclass, float32 for binary (0 or 1) and regression (scaled).
    """

    inputs: "tuple[torch.Tensor, ...]"
    target: "torch.Tensor"

    def __len__(self) -> int:
        return self.target.shape[0]


@dataclass(frozen=True)
class Prepared:
    """A folder of prepared data, opened for reading."""

    folder: Path
    schema: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> "Prepared":
        """Open a folder that the prepare stage wrote.

        Raises:
            DataError: There is no prepared data.
        """
        path = folder / "schema.json"
        if not path.exists():
            raise DataError(f"{folder}: no prepared data here; run 'dvc repro prepare' first.")
        return cls(folder, read_json(path))

    @property
    def spec(self) -> Spec:
        """What a model is told."""
        return Spec.from_json(self.schema["spec"])

    @property
    def hash(self) -> str:
        """The sha256 over all arrays and the preprocessing; names the data in fingerprints."""
        return self.schema["hash"]

    @property
    def classes(self) -> list[str]:
        """Class labels as text in the order of the codes; empty for regression."""
        return self.schema["classes"]

    @property
    def target_scale(self) -> tuple[float, float]:
        """(mean, deviation) that undo the target's scaling: y = mean + deviation * output; (0, 1) if not scaled."""
        return self.schema["target_mean"], self.schema["target_std"]

    def arrays(self, split: SplitName) -> "dict[str, np.ndarray]":
        """The arrays of one split as stored, mapped read-only into memory."""
        import numpy as np

        folder = self.folder / split
        return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in (*self.spec.inputs, "target")}

    def rows(self, split: SplitName) -> int:
        """Number of rows of a split."""
        return self.schema["rows"][split]

    def tensors(self, split: SplitName, device: str = "cpu") -> Tensors:
        """One split as tensors on a device; images are scaled here."""
        import numpy as np
        import torch

        arrays = self.arrays(split)
        inputs: list[torch.Tensor] = []
        for name in self.spec.inputs:
            tensor = torch.from_numpy(np.array(arrays[name])).to(device)
            if name == "image":
                mean = torch.tensor(self.schema["image_mean"], device=device).view(1, -1, 1, 1)
                std = torch.tensor(self.schema["image_std"], device=device).view(1, -1, 1, 1)
                tensor = tensor.to(torch.float32).div_(255.0).sub_(mean).div_(std)
            inputs.append(tensor)
        return Tensors(tuple(inputs), torch.from_numpy(np.array(arrays["target"])).to(device))
