"""Prepared data on disk: arrays that map into memory, and the schema that says what they are.

    FOLDER/schema.json              kinds of columns, classes, Spec, rows of each split, hash
    FOLDER/preprocess.json          the fitted preprocessing (see nnops.data.preprocess)
    FOLDER/report.json .html .png   what the data looks like
    FOLDER/{train,val,test}/NAME.npy  one array per input of the Spec, target.npy, groups.npy where asked for
    FOLDER/train/kin.npy              which rows stay together, where some do
    FOLDER/graph/NAME.npy             where rows are linked: row, column (int64) and weight (float32) of each link

A series stores ``series`` and ``target`` as float32 [T, V]; :meth:`Prepared.tensors` lays windows over them.
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

    from nnops.data.groups import Grouping

SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
#: The folder of what belongs to no split.
GRAPH = "graph"


@dataclass(frozen=True)
class Tensors:
    """One split: inputs in the order of the Spec, and the target.

    A split that stays on disk has :class:`nnops.data.disk.OnDisk` as inputs and says how many rows lie in a ``block``;
    in memory that is 0.

    ``target_B`` is int64 codes for multiclass, float32 for binary (0 or 1) and regression (scaled), ``target_BC``
    float32 for multilabel (0 or 1) and forecasting (scaled), ``target_BHW`` int64 codes for segmentation,
    ``target_BT`` int64 tokens, 0 where none is told, for language_model and sequence. Windows of one series are views
    that share their steps.
    """

    inputs: "tuple[torch.Tensor, ...]"
    target: "torch.Tensor"
    block: int = 0

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
    def target_scale(self) -> "tuple[float | np.ndarray, float | np.ndarray]":
        """(mean, deviation) that undo the target's scaling: y = mean + deviation * output; (0, 1) if not scaled.

        Of a forecast they are arrays, one value for each output.
        """
        mean, std = self.schema["target_mean"], self.schema["target_std"]
        if not isinstance(mean, list):
            return mean, std
        import numpy as np

        return np.tile(mean, self.spec.horizon), np.tile(std, self.spec.horizon)

    @property
    def characters(self) -> "np.ndarray | None":
        """Characters that begin in each token, int64, of a language model's data."""
        import numpy as np

        count = self.schema.get("characters")
        return None if count is None else np.asarray(count, np.int64)

    def arrays(self, split: SplitName) -> "dict[str, np.ndarray]":
        """The arrays of one split as stored, mapped read-only into memory."""
        import numpy as np

        folder = self.folder / split
        return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in (*self.spec.inputs, "target")}

    def graph(self) -> "dict[str, torch.Tensor]":
        """The whole graph where rows are linked, else nothing.

        Returns:
            ``row`` and ``column`` int64 ``[L]`` and ``weight`` float32 ``[L]`` of each link, by rows; ``numeric`` and
            ``categories`` of all nodes by number, those that the Spec has.
        """
        import numpy as np
        import torch

        if not self.spec.nodes:
            return {}
        found = {name: np.load(self.folder / GRAPH / f"{name}.npy") for name in ("row", "column", "weight")}
        for split in SPLITS:
            part = self.arrays(split)
            for name in ("numeric", "categories"):
                if name in part:
                    every = found.setdefault(name, np.zeros((self.spec.nodes, part[name].shape[1]), part[name].dtype))
                    every[part["node"]] = part[name]
        return {name: torch.from_numpy(array) for name, array in found.items()}

    def mapped(self, split: SplitName) -> "tuple[np.ndarray, ...]":
        """The inputs of one split as stored, mapped into memory; what is written to them stays in this process."""
        import numpy as np

        # Torch wants arrays that may be written to.
        paths = (self.folder / split / f"{name}.npy" for name in self.spec.inputs)
        return tuple(np.asarray(np.load(path, mmap_mode="c")) for path in paths)

    @property
    def groupings(self) -> "list[Grouping]":
        """The columns whose groups are compared."""
        from nnops.data.groups import Grouping

        return [Grouping.from_json(record) for record in self.schema.get("groups", ())]

    def groups(self, split: SplitName) -> "np.ndarray":
        """The group of each row of a split by each of :attr:`groupings`, int64 ``[N, columns]``."""
        import numpy as np

        return np.load(self.folder / split / "groups.npy", allow_pickle=False)

    @property
    def kin(self) -> "np.ndarray | None":
        """What each row of train belongs with, int64 ``[N]``, where some stay together: groups, copies of texts."""
        import numpy as np

        path = self.folder / "train" / "kin.npy"
        return np.load(path, allow_pickle=False) if path.exists() else None

    @property
    def white(self) -> float:
        """The brightest value of an image, in units of 255: 1, or less where images hold smaller numbers alone.

        Such as scikit-learn's digits, whose ink goes from 0 to 16. It is looked for in at most 4,096 images of train.
        """
        images = self.arrays("train")["image"]
        brightest = int(images[:: -(-len(images) // 4096)].max())
        return 1.0 if brightest >= 128 else max(brightest, 1) / 255

    def rows(self, split: SplitName) -> int:
        """Number of rows of a split."""
        return self.schema["rows"][split]

    def streamed(self, split: SplitName, device: str = "cpu") -> Tensors:
        """One split whose inputs stay on disk; images are scaled as they are read."""
        import numpy as np
        import torch

        from nnops.data.disk import OnDisk

        inputs: list[Any] = []
        for name in self.spec.inputs:
            finish = (lambda tensor: self._scaled(tensor, device)) if name == "image" else None
            inputs.append(OnDisk(self.folder / split / f"{name}.npy", device, finish))
        target = torch.from_numpy(np.load(self.folder / split / "target.npy", allow_pickle=False))
        return Tensors(tuple(inputs), self._codes(target).to(device), min(column.block for column in inputs))

    def _codes(self, target: "torch.Tensor") -> "torch.Tensor":
        """A target as a loss takes it: masks lie on disk as uint8."""
        return target.long() if self.spec.task == "segmentation" else target

    def _scaled(self, pixels: "torch.Tensor", device: str) -> "torch.Tensor":
        import torch

        mean = torch.tensor(self.schema["image_mean"], device=device).view(1, -1, 1, 1)
        std = torch.tensor(self.schema["image_std"], device=device).view(1, -1, 1, 1)
        return pixels.to(torch.float32).div_(255.0).sub_(mean).div_(std)

    def tensors(self, split: SplitName, device: str = "cpu") -> Tensors:
        """One split as tensors on a device; images are scaled here."""
        import numpy as np
        import torch

        arrays = self.arrays(split)
        if self.spec.series:
            return self._windows(arrays, split, device)
        inputs: list[torch.Tensor] = []
        for name in self.spec.inputs:
            tensor = torch.from_numpy(np.array(arrays[name])).to(device)
            if name == "image":
                tensor = self._scaled(tensor, device)
            inputs.append(tensor)
        return Tensors(tuple(inputs), self._codes(torch.from_numpy(np.array(arrays["target"]))).to(device))

    def _windows(self, arrays: "dict[str, np.ndarray]", split: SplitName, device: str) -> Tensors:
        import numpy as np
        import torch

        from nnops.data.windows import Shape, view

        series_TV, target_TV = (torch.from_numpy(np.array(arrays[name])).to(device) for name in ("series", "target"))
        kept = self.schema["series"]
        shape = Shape(self.spec.shapes[0][0], self.spec.horizon, kept["stride"])
        series_NLV, target_NC = view(series_TV, target_TV, [(a, b) for a, b in kept["spans"][split]], shape)
        return Tensors((series_NLV,), target_NC)
