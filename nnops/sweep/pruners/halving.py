"""Rungs of successive halving, asynchronous: the pure rules that ASHA and Hyperband share.

Symbols of Li et al. 2020 (A System for Massively Parallel Hyperparameter Tuning): r least fidelity, R full fidelity,
eta reduction factor, s least early-stopping rate; rung k compares trials at epoch r * eta**(s + k).
"""

from bisect import bisect_left
from collections.abc import Sequence


def rungs(r: int, R: int, eta: int, s: int = 0) -> list[int]:
    """The epochs below the full fidelity at which trials are compared.

    >>> rungs(1, 20, 3), rungs(1, 20, 3, s=1), rungs(1, 9, 3)
    ([1, 3, 9], [3, 9], [1, 3])
    """
    found: list[int] = []
    epoch = r * eta**s
    while epoch < R:
        found.append(epoch)
        epoch *= eta
    return found


def survives(value: float, peers: Sequence[float], eta: int) -> bool:
    """Whether a trial is among the best 1/eta of all that reached its rung, at least the best one of them.

    The others are not waited for (Li et al. 2020, algorithm 2): it is judged by those that were there before it.

    Args:
        value: Its own; more is worse.
        peers: The others', sorted.
        eta: The reduction factor.

    >>> survives(0.3, [0.1, 0.2], 3), survives(0.1, [0.1, 0.2, 0.3], 3), survives(0.5, [], 3)
    (False, True, True)
    """
    kept = max((len(peers) + 1) // eta, 1)
    return bisect_left(peers, value) < kept


def expected(r: int, R: int, eta: int, s: int = 0) -> float:
    """Epochs that a trial spends on average if each rung keeps 1/eta of those that reach it.

    >>> round(expected(1, 9, 3), 2)
    2.33
    """
    spent, share, last = 0.0, 1.0, 0
    for epoch in [*rungs(r, R, eta, s), R]:
        spent += share * (epoch - last)
        share, last = share / eta, epoch
    return spent
