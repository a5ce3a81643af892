"""Engines: where trials run. One contract suite covers all of them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnops.sweep.engines.base import Engine

#: Import paths by name; "auto" in params.yaml chooses one of them.
ENGINES: dict[str, str] = {
    "inline": "nnops.sweep.engines.inline:Inline",
    "ray": "nnops.sweep.engines.ray:RayEngine",
}


def build_engine(name: str, workers: int | None, cpus: float, gpus: float, address: str | None) -> "Engine":
    """Build an engine; nothing starts yet."""
    import importlib

    module, _, attribute = ENGINES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)(workers, cpus, gpus, address)
