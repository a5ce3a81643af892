"""NPZ: NumPy arrays in one file, images or a table of numbers, with their labels."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from nnops.catalog import unknown
from nnops.data.reader import Images, Reader, Table, existing
from nnops.errors import DataError

if TYPE_CHECKING:
    import numpy as np

_INPUTS = ("x", "X", "x_train", "images", "data", "features")
_LABELS = ("y", "Y", "y_train", "labels", "target", "targets")


class Npz(Reader):
    """An array of inputs (two axes: a table of numbers; three or four: images) and one of labels."""

    path: str
    inputs: str = "auto"
    labels: str = "auto"
    layout: Literal["auto", "channels_first", "channels_last"] = "auto"

    @classmethod
    def examples(cls) -> list[Self]:
        """Names found, and names said."""
        return [cls(path="images.npz"), cls(path="images.npz", inputs="x_test", labels="y_test")]

    def read(self, root: Path, target: str) -> Table | Images:
        """See :class:`Reader`; columns of a table are called ``feature_0`` and so on."""
        import numpy as np
        import pandas as pd

        name = Path(self.path).name
        arrays = load_npz(existing(root, self.path))
        inputs = pick_inputs(arrays, name, self.inputs)
        labels = _pick(arrays, self.labels, _LABELS, "labels", name).squeeze()
        if labels.ndim != 1 or len(labels) != len(inputs):
            raise DataError(
                f"{name}: labels must be one for each of the {len(inputs)} inputs, "
                f"got {' x '.join(map(str, labels.shape)) or 'one'}."
            )
        labels = labels.astype(str) if labels.dtype.kind in "SU" else labels
        answers = pd.Series(labels, name=target)
        if inputs.ndim == 2:
            if inputs.dtype.kind not in "biuf":
                raise DataError(f"{name}: inputs must be numbers, got {inputs.dtype}.")
            frame = pd.DataFrame(inputs, columns=[f"feature_{index}" for index in range(inputs.shape[1])])
            return Table(frame.assign(**{target: answers}), name)
        return Images(np.ascontiguousarray(as_images(inputs, self.layout, name)), answers, name)

    def files(self, root: Path) -> list[Path]:
        """See :class:`Reader`."""
        return [existing(root, self.path)]


def load_npz(path: Path) -> "dict[str, np.ndarray]":
    """All arrays of a file; pickled ones are refused.

    Raises:
        DataError: Not NPZ, or an array of Python objects.
    """
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            if isinstance(archive, np.ndarray):
                raise DataError(f"{path.name}: must be an .npz file with inputs and labels, got one array.")
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        why = "it holds Python objects" if "allow_pickle" in str(error) else str(error).splitlines()[0]
        raise DataError(f"{path.name}: must be an .npz file of plain arrays ({why}).") from error


def pick_inputs(arrays: "dict[str, np.ndarray]", name: str, wanted: str = "auto") -> "np.ndarray":
    """The array of inputs: the one that is named, else one with a usual name, else the only one.

    Raises:
        DataError: No such array.
    """
    if wanted == "auto" and len(arrays) == 1:
        return next(iter(arrays.values()))
    return _pick(arrays, wanted, _INPUTS, "inputs", name)


def as_images(array: "np.ndarray", layout: str, name: str) -> "np.ndarray":
    """Images of any usual layout as uint8 [N, C, H, W].

    Args:
        array: [N, H, W], [N, C, H, W] or [N, H, W, C]; uint8, whole numbers 0 .. 255, or fractions k / 255.
        layout: ``channels_first``, ``channels_last``, or ``auto``: the axis whose length looks more like channels.
        name: The source, for messages.

    Raises:
        DataError: Other axes, or values that uint8 cannot hold.
    """
    import numpy as np

    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim != 4:
        raise DataError(f"{name}: images must have 3 or 4 axes, got {' x '.join(map(str, array.shape))}.")
    elif layout == "channels_last" or (layout == "auto" and _channels(array.shape[3]) > _channels(array.shape[1])):
        array = array.transpose(0, 3, 1, 2)
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "biuf" or array.size == 0 or not np.isfinite(array).all():
        raise DataError(f"{name}: images must be finite numbers, got {array.dtype}.")
    levels = array * 255.0 if array.dtype.kind == "f" and array.max() <= 1.0 else array
    whole = np.rint(levels)
    if whole.min() < 0 or whole.max() > 255 or np.abs(levels - whole).max() > 1e-3:
        raise DataError(
            f"{name}: images must be whole numbers 0 .. 255 or fractions k/255, got values from {array.min():g} to "
            f"{array.max():g}; save them as uint8."
        )
    return whole.astype(np.uint8)


def _channels(length: int) -> int:
    """How much an axis looks like channels: grey or color 2, color with transparency 1, else 0."""
    return 2 if length in (1, 3) else int(length == 4)


def _pick(arrays: "dict[str, np.ndarray]", wanted: str, usual: tuple[str, ...], option: str, name: str) -> "np.ndarray":
    if wanted != "auto":
        if wanted not in arrays:
            raise DataError(f"{name}: {unknown('array', wanted, arrays)}")
        return arrays[wanted]
    found = next((key for key in usual if key in arrays), None)
    if found is None:
        raise DataError(
            f"{name}: holds the arrays {', '.join(sorted(arrays)) or 'none'}; name the one with the {option} in "
            f"data.source.options.{option}."
        )
    return arrays[found]
