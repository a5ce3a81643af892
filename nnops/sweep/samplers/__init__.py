"""Samplers: what to try next."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.sweep.samplers.base import Sampler

SAMPLERS: "Catalog[Sampler]" = Catalog(
    "sampler",
    {
        "grid": "nnops.sweep.samplers.grid:Grid",
        "random": "nnops.sweep.samplers.random:Random",
        "tpe": "nnops.sweep.samplers.tpe:Tpe",
    },
)
