"""Optuna's version is pinned, so what it calls experimental does not change under us and need not be warned of."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pinned() -> Iterator[None]:
    """Build a sampler without Optuna's warning that its interface may change."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
