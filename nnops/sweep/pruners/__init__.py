"""Pruners: when to stop a trial that will not win."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.sweep.pruners.base import Pruner

PRUNERS: "Catalog[Pruner]" = Catalog(
    "pruner",
    {
        "asha": "nnops.sweep.pruners.asha:Asha",
        "hyperband": "nnops.sweep.pruners.hyperband:Hyperband",
        "median": "nnops.sweep.pruners.median:Median",
        "none": "nnops.sweep.pruners.none:NoPruner",
        "patient": "nnops.sweep.pruners.patient:Patient",
    },
)
