"""A folder of images with one sub-folder for each class."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from nnops.data.reader import Images, Reader, existing
from nnops.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp"}
_GREY = {"1", "L", "I", "I;16", "LA"}

Side = Annotated[int, Field(ge=1, le=4096)]


class ImageFolder(Reader):
    """``path/CLASS/FILE.png``; hidden files and files that are no images are left alone."""

    path: str
    size: tuple[Side, Side] | None = Field(
        default=None, description="Height and width to resize to; else all must be alike"
    )
    mode: Literal["auto", "grey", "color"] = Field(default="auto", description="auto: grey if every image is")

    @classmethod
    def examples(cls) -> list[Self]:
        """As they are, and resized."""
        return [cls(path="images"), cls(path="images", size=(32, 32), mode="color")]

    def read(self, root: Path, target: str) -> Images:
        """See :class:`Reader`; labels are the names of the sub-folders."""
        import pandas as pd

        folder = existing(root, self.path)
        files = self.files(root)
        pixels = read_images(files, self.size, self.mode, folder)
        return Images(pixels, pd.Series([path.parent.name for path in files], name=target), folder.name)

    def files(self, root: Path) -> list[Path]:
        """See :class:`Reader`; in the order of class and name."""
        folder = existing(root, self.path)
        if not folder.is_dir():
            raise DataError(f"{self.path}: must be a folder with one sub-folder for each class, got a file.")
        files = find_images(folder, "*/*")
        if not files:
            raise DataError(f"{self.path}: must have one sub-folder of images for each class, found no image in any.")
        return files


def find_images(folder: Path, pattern: str) -> list[Path]:
    """Image files by name, in the order of their paths."""
    return sorted(
        path
        for path in folder.glob(pattern)
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _eight_bits(image: "PIL.Image.Image") -> "PIL.Image.Image":
    """An image as it is looked at: turned as its camera noted, and 16 bits brought to 8, which Pillow would clip."""
    import numpy as np
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers, not whole ones from 0 to 255 or 65535")
    if not image.mode.startswith("I"):
        return image
    pixels = np.asarray(image)
    return Image.fromarray((pixels // 256 if image.mode != "I" or pixels.max() > 255 else pixels).astype(np.uint8))


def read_images(files: list[Path], size: tuple[int, int] | None, mode: str, base: Path) -> "np.ndarray":
    """Read image files of one size.

    Args:
        files: At least one.
        size: Height and width to resize to, or None.
        mode: ``grey``, ``color``, or ``auto``: grey if every image is.
        base: Files are named from here in messages.

    Returns:
        uint8 [N, C, H, W], C being 1 or 3.

    Raises:
        DataError: A file that is no image, or images of several sizes.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    channels = 1 if mode == "grey" else 3
    shape: tuple[int, int] | None = size
    pixels: np.ndarray | None = None
    only_grey = mode == "auto"
    for index, path in enumerate(files):
        name = path.relative_to(base) if path.is_relative_to(base) else path
        try:
            with Image.open(path) as image:
                only_grey = only_grey and image.mode in _GREY
                plain = _eight_bits(image).convert("L" if channels == 1 else "RGB")
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(
                f"{name}: must be an image, but it cannot be read ({error}); remove or replace it."
            ) from error
        if size is not None and (plain.height, plain.width) != size:
            plain = plain.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        if shape is None:
            shape = (plain.height, plain.width)
        if (plain.height, plain.width) != shape:
            raise DataError(
                f"{name}: images must have one size, but this one has {plain.height} x {plain.width} and others "
                f"{shape[0]} x {shape[1]} (height x width); set data.source.options.size to [{shape[0]}, {shape[1]}]."
            )
        if pixels is None:
            pixels = np.empty((len(files), channels, *shape), np.uint8)
        pixels[index] = np.asarray(plain, np.uint8).reshape(*shape, channels).transpose(2, 0, 1)
    assert pixels is not None
    return np.ascontiguousarray(pixels[:, :1]) if only_grey else pixels
