"""Compression: smaller and faster variants of a trained model, each proved and measured beside it."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.compression.method import Method

METHODS: "Catalog[Method]" = Catalog(
    "compression method",
    {
        "quantize": "nnops.compression.quantize:Quantize",
    },
)

#: The variants that every compression has: the trained module, the reference of all others, and its plain export.
REFERENCE = "torch_fp32"
EXPORTED = "onnx_fp32"
