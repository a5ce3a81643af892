"""Baselines: what a network has to beat to be worth its keep, each a model of scikit-learn or none at all."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.evaluation.baselines.base import Baseline

BASELINES: "Catalog[Baseline]" = Catalog(
    "baseline",
    {
        "boosted_trees": "nnops.evaluation.baselines.boosted_trees:BoostedTrees",
        "linear": "nnops.evaluation.baselines.linear:Linear",
        "majority": "nnops.evaluation.baselines.constant:Constant",
        "mean": "nnops.evaluation.baselines.constant:Constant",
    },
)
