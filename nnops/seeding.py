"""Streams of random numbers: one seed in params.yaml, one independent stream for each named purpose.

A stream's seed is the first 8 bytes of sha256("seed/name"), so adding a stream never shifts another one.
"""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


def derive(seed: int, name: str) -> int:
    """Derive the seed of the stream ``name``, in [0, 2**63).

    >>> derive(7, "init") == derive(7, "init"), derive(7, "init") == derive(7, "shuffle")
    (True, False)
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def numpy_stream(seed: int, name: str) -> "np.random.Generator":
    """A NumPy generator (PCG64) of the stream ``name``."""
    import numpy as np

    return np.random.default_rng(derive(seed, name))


def torch_stream(seed: int, name: str) -> "torch.Generator":
    """A CPU torch generator of the stream ``name``."""
    import torch

    return torch.Generator().manual_seed(derive(seed, name))
