"""Corruptions: damage that inputs come with in the world, each in five severities."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.evaluation.corruptions.base import Corruption

CORRUPTIONS: "Catalog[Corruption]" = Catalog(
    "corruption",
    {
        "brightness": "nnops.evaluation.corruptions.images:Brightness",
        "contrast": "nnops.evaluation.corruptions.images:Contrast",
        "gaps": "nnops.evaluation.corruptions.series:Gaps",
        "gaussian_blur": "nnops.evaluation.corruptions.images:GaussianBlur",
        "gaussian_noise": "nnops.evaluation.corruptions.noise:GaussianNoise",
        "impulse_noise": "nnops.evaluation.corruptions.noise:ImpulseNoise",
        "missing_cells": "nnops.evaluation.corruptions.tables:MissingCells",
        "missing_columns": "nnops.evaluation.corruptions.tables:MissingColumns",
        "missing_words": "nnops.evaluation.corruptions.texts:MissingWords",
        "occlusion": "nnops.evaluation.corruptions.images:Occlusion",
        "pixelate": "nnops.evaluation.corruptions.images:Pixelate",
        "rotation": "nnops.evaluation.corruptions.images:Rotation",
        "swapped_cells": "nnops.evaluation.corruptions.tables:SwappedCells",
        "swapped_words": "nnops.evaluation.corruptions.texts:SwappedWords",
        "unknown_words": "nnops.evaluation.corruptions.texts:UnknownWords",
    },
)
