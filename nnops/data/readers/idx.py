"""IDX, the format of MNIST: one file of images, one of labels, plain or compressed."""

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Self

from nnops.data.reader import Images, Reader, existing
from nnops.data.text import read_packed
from nnops.errors import DataError

if TYPE_CHECKING:
    import numpy as np

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class Idx(Reader):
    """Two files, such as ``train-images-idx3-ubyte.gz`` and ``train-labels-idx1-ubyte.gz``."""

    images: str
    labels: str

    @classmethod
    def examples(cls) -> list[Self]:
        """Both files are needed."""
        return [cls(images="train-images-idx3-ubyte.gz", labels="train-labels-idx1-ubyte.gz")]

    def read(self, root: Path, target: str) -> Images:
        """See :class:`Reader`; images [N, H, W] or [N, C, H, W], labels [N]."""
        import numpy as np
        import pandas as pd

        pixels, labels = read_idx(existing(root, self.images)), read_idx(existing(root, self.labels))
        name = Path(self.images).name
        if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4):
            raise DataError(f"{name}: must hold uint8 images of 3 or 4 axes, got {pixels.dtype} of {pixels.ndim}.")
        if labels.ndim != 1 or len(labels) != len(pixels):
            raise DataError(
                f"{Path(self.labels).name}: must hold one label for each of the {len(pixels)} images in {name}, "
                f"got {' x '.join(map(str, labels.shape))}."
            )
        pixels = pixels[:, None] if pixels.ndim == 3 else pixels
        return Images(pixels, pd.Series(labels.astype(labels.dtype.newbyteorder("=")), name=target), name)

    def files(self, root: Path) -> list[Path]:
        """See :class:`Reader`."""
        return [existing(root, self.images), existing(root, self.labels)]


def read_idx(path: Path) -> "np.ndarray":
    """The array of one IDX file.

    Raises:
        DataError: Not IDX, or cut off.
    """
    import numpy as np

    content = read_packed(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES or not 1 <= content[3] <= 4:
        raise DataError(
            f"{path.name}: must be an IDX file, which starts with 00 00, got {content[:4].hex(' ') or 'none'}."
        )
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise DataError(f"{path.name}: the file is cut off in its header; get it again.")
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    kind = np.dtype(_TYPES[content[2]])
    wanted = int(np.prod(shape)) * kind.itemsize
    if len(content) - start != wanted:
        raise DataError(
            f"{path.name}: must hold {wanted} bytes after its header, got {len(content) - start}; get it again."
        )
    return np.frombuffer(content, kind, offset=start).reshape(shape)
