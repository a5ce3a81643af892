"""Families of networks; one family a file, each built for the Spec of the data."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.models.base import Model

MODELS: "Catalog[Model]" = Catalog(
    "model",
    {
        "cnn": "nnops.models.cnn:Cnn",
        "mlp": "nnops.models.mlp:Mlp",
        "resnet": "nnops.models.resnet:Resnet",
    },
)
