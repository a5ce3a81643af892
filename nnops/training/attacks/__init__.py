"""Attacks: small changes of inputs that are meant to mislead a network, measured in evaluate and trained against."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.training.attacks.base import Attack

ATTACKS: "Catalog[Attack]" = Catalog(
    "attack",
    {
        "fgsm": "nnops.training.attacks.fgsm:Fgsm",
        "pgd": "nnops.training.attacks.pgd:Pgd",
    },
)
