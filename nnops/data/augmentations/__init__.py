"""Augmentations: what is done to the rows of a batch while a network trains on it; val and test stay as they are."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.data.augmentations.base import Augmentation

AUGMENTATIONS: "Catalog[Augmentation]" = Catalog(
    "augmentation",
    {
        "colour_jitter": "nnops.data.augmentations.colour_jitter:ColourJitter",
        "crop": "nnops.data.augmentations.crop:Crop",
        "cut_out": "nnops.data.augmentations.cut_out:CutOut",
        "cutmix": "nnops.data.augmentations.cutmix:CutMix",
        "flip": "nnops.data.augmentations.flip:Flip",
        "mixup": "nnops.data.augmentations.mixup:Mixup",
        "noise": "nnops.data.augmentations.noise:Noise",
        "pitch_shift": "nnops.data.augmentations.pitch_shift:PitchShift",
        "random_deletion": "nnops.data.augmentations.random_deletion:RandomDeletion",
        "random_swap": "nnops.data.augmentations.random_swap:RandomSwap",
        "rotation": "nnops.data.augmentations.rotation:Rotation",
        "synonyms": "nnops.data.augmentations.synonyms:Synonyms",
        "time_stretch": "nnops.data.augmentations.time_stretch:TimeStretch",
    },
)
