"""Samplers: what to try next."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.sweep.samplers.base import Sampler

SAMPLERS: "Catalog[Sampler]" = Catalog(
    "sampler",
    {
        "auto": "nnops.sweep.samplers.auto:Auto",
        "bohb": "nnops.sweep.samplers.bohb:Bohb",
        "cmaes": "nnops.sweep.samplers.cmaes:Cmaes",
        "gp": "nnops.sweep.samplers.gp:Gp",
        "grid": "nnops.sweep.samplers.grid:Grid",
        "mobster": "nnops.sweep.samplers.mobster:Mobster",
        "nsga2": "nnops.sweep.samplers.nsga2:Nsga2",
        "nsga3": "nnops.sweep.samplers.nsga3:Nsga3",
        "pbt": "nnops.sweep.samplers.pbt:Pbt",
        "qmc": "nnops.sweep.samplers.qmc:Qmc",
        "random": "nnops.sweep.samplers.random:Random",
        "tpe": "nnops.sweep.samplers.tpe:Tpe",
    },
)
