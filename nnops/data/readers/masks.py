"""A folder of images and one of masks: each pixel has a class, which is written in the mask of the same name."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field

from nnops.data.reader import Masks, Reader, existing
from nnops.data.readers.images import Side, find_images, read_images
from nnops.errors import DataError

if TYPE_CHECKING:
    import numpy as np

#: More different values than this are no classes: a photo, or a mask that a lossy format has changed.
MOST_VALUES = 64
#: What a mask may be: grey of one bit or more, or a palette, whose places count and not their colours.
_VALUES = {"1", "L", "P", "I;16", "I"}


class MaskFolders(Reader):
    """``images/NAME.jpg`` and ``masks/NAME.png``; masks are grey or have a palette, and their values are classes."""

    images: str
    masks: str
    classes: tuple[str, ...] = Field(default=(), description="Names of the values 0, 1, ...; else the values found")
    size: tuple[Side, Side] | None = Field(default=None, description="Height and width to resize to; else all alike")

    @classmethod
    def examples(cls) -> list[Self]:
        """As they are, and with names and a size."""
        return [
            cls(images="images", masks="masks"),
            cls(images="images", masks="masks", classes=("ground", "road"), size=(64, 64)),
        ]

    def read(self, root: Path, target: str) -> Masks:
        """See :class:`Reader`; in the order of names."""
        del target
        images, masks = self._pairs(root)
        folder, beside = existing(root, self.images), existing(root, self.masks)
        pixels = read_images(images, self.size, "auto", folder)
        values = read_masks(masks, tuple(pixels.shape[2:]), self.size, beside)
        names = self._names(values, masks, beside)
        return Masks(pixels, values, names, tuple(path.name for path in images), folder.parent.name)

    def files(self, root: Path) -> list[Path]:
        """See :class:`Reader`."""
        images, masks = self._pairs(root)
        return [*images, *masks]

    def _pairs(self, root: Path) -> tuple[list[Path], list[Path]]:
        folders = [existing(root, self.images), existing(root, self.masks)]
        found: list[dict[str, Path]] = []
        for folder, said in zip(folders, (self.images, self.masks), strict=True):
            if not folder.is_dir():
                raise DataError(f"{said}: must be a folder of images, got a file.")
            named: dict[str, Path] = {}
            for path in find_images(folder, "*"):
                if path.stem in named:
                    raise DataError(f"{said}: names must differ, but there is {named[path.stem].name} and {path.name}.")
                named[path.stem] = path
            if not named:
                raise DataError(f"{said}: must hold images, found none.")
            found.append(named)
        images, masks = found
        for name, path in images.items():
            if name not in masks:
                raise DataError(
                    f"{path.name}: an image must have a mask of the same name, but {self.masks} has none; add it, or"
                    " remove the image."
                )
        for name, path in masks.items():
            if name not in images:
                raise DataError(
                    f"{path.name}: a mask must have an image of the same name, but {self.images} has none; add it, or"
                    " remove the mask."
                )
        return list(images.values()), [masks[name] for name in images]

    def _names(self, values_NHW: "np.ndarray", files: list[Path], base: Path) -> dict[int, str]:
        """The classes: a name for each value of a mask."""
        import numpy as np

        if not self.classes:
            found = np.unique(values_NHW)
            if len(found) > MOST_VALUES:
                raise DataError(
                    f"{base.name}: values of masks must be classes, but there are {len(found)} different ones; are they"
                    " photos, or saved as JPEG? Name classes in data.source.options.classes if they are right."
                )
            if len(found) < 2:
                raise DataError(f"{base.name}: masks must have at least two classes, but every pixel is {found[0]}.")
            return {int(value): str(value) for value in found}
        for mask, path in zip(values_NHW, files, strict=True):
            if mask.max() >= len(self.classes):
                row, place = np.argwhere(mask >= len(self.classes))[0]
                raise DataError(
                    f"{path.relative_to(base)}: values must be below {len(self.classes)}, the number of classes, but"
                    f" row {row + 1}, column {place + 1} has {mask[row, place]}; correct it, or name more classes in"
                    " data.source.options.classes."
                )
        return dict(enumerate(self.classes))


def read_masks(files: list[Path], shape: tuple[int, ...], size: tuple[int, int] | None, base: Path) -> "np.ndarray":
    """Read masks, uint8 ``[N, H, W]``.

    Args:
        files: At least one.
        shape: Height and width of the images.
        size: Height and width to resize to, the nearest pixel being taken, or None.
        base: Files are named from here in messages.

    Raises:
        DataError: A file that is no mask, has colours or values above 255, or is not of its image's size.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    values = np.empty((len(files), *shape), np.uint8)
    for place, path in enumerate(files):
        name = path.relative_to(base)
        try:
            with Image.open(path) as image:
                mode = image.mode
                image.load()
                mask = np.asarray(image).astype(np.int64)
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(
                f"{name}: must be a mask, but it cannot be read ({error}); remove or replace it."
            ) from error
        if mode not in _VALUES:
            raise DataError(
                f"{name}: a mask must have one value a pixel (grey or a palette), got colours ({mode}); save it as a"
                " grey PNG."
            )
        if mask.max() > 255:
            raise DataError(f"{name}: values of a mask must be at most 255, got {mask.max()}; renumber the classes.")
        if size is not None and mask.shape != size:
            mask = np.asarray(
                Image.fromarray(mask.astype(np.uint8)).resize((size[1], size[0]), Image.Resampling.NEAREST)
            )
        if mask.shape != shape:
            raise DataError(
                f"{name}: a mask must have the size of its image, but it has {mask.shape[0]} x {mask.shape[1]} and the"
                f" image {shape[0]} x {shape[1]} (height x width)."
            )
        values[place] = mask
    return values
