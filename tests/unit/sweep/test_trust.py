"""A rung whose order does not foretell the end stops nobody."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from nnops.params import Named
from nnops.sweep.pruners.asha import Asha
from nnops.sweep.pruners.base import Curve
from nnops.sweep.pruners.crowd import Crowd, Settled, reached
from nnops.sweep.pruners.patient import Patient
from nnops.sweep.pruners.trust import LEAST, MOST, foresight, spearman


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30))
def test_it_is_the_rank_correlation_of_scipy(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs, float).T
    expected = 0.0 if len(set(a)) == 1 or len(set(b)) == 1 else spearmanr(a, b)[0]
    assert spearman(a, b) == pytest.approx(expected, abs=1e-12)


def curves(count: int, last: int, turned: int = 0) -> list[Curve]:
    """Trials that came to an epoch; from epoch ``turned`` on their order is turned round."""
    return [
        Curve(number, {epoch: float(-number if turned and epoch >= turned else number) for epoch in range(1, last + 1)})
        for number in range(count)
    ]


def test_a_rung_is_held_against_the_latest_fidelity_that_enough_came_to() -> None:
    few, many = curves(LEAST - 1, 9, turned=9), [Curve(100 + c.number, c.values) for c in curves(LEAST, 3)]
    # Too few came to 9, so 3 counts; there nothing is turned.
    assert foresight([*few, *many], 1, [3, 9]) == pytest.approx(1.0)
    assert foresight(curves(LEAST, 9, turned=9), 1, [3, 9]) == pytest.approx(-1.0)
    assert foresight(few, 1, [3, 9]) is None


def test_the_latest_trials_count() -> None:
    old = curves(200, 3, turned=3)
    new = [Curve(200 + curve.number, curve.values) for curve in curves(MOST, 3)]
    assert foresight([*new, *old], 1, [3]) == pytest.approx(1.0)
    mixed = foresight([*new[:-1], *old], 1, [3])
    assert mixed is not None
    assert mixed < 1.0


def test_equal_values_foretell_nothing() -> None:
    assert foresight([Curve(number, {1: 0.5, 3: float(number)}) for number in range(20)], 1, [3]) == 0.0


def test_what_the_crowd_keeps_is_what_a_look_at_all_gives() -> None:
    luck = random.Random(2)
    every = [
        Curve(number, {epoch: luck.random() for epoch in range(1, luck.choice([2, 4, 10]))}) for number in range(90)
    ]
    settled = Settled()
    for curve in every[:30]:
        settled.add(curve)
    # Asked before more are settled, and again behind them.
    assert reached(Crowd(settled), 3) == [curve for curve in every[:30] if 3 in curve.values]
    for curve in every[30:70]:
        settled.add(curve)
    crowd = Crowd(settled, more=every[70:], less=every[10:20])
    left = [*every[:10], *every[20:]]
    assert reached(crowd, 3) == [curve for curve in left if 3 in curve.values]
    assert foresight(crowd, 1, [3, 9]) == foresight(left, 1, [3, 9])


def test_patience_before_asha_says_what_asha_does_not_believe() -> None:
    others = curves(LEAST, 9, turned=3)
    own = Curve(99, {1: 5.0})
    inside = Patient(patience=0, pruner=Named(name="asha"))
    assert inside.disbelieves(own, others, 9) == Asha().disbelieves(own, others, 9) == pytest.approx(-1.0)
    assert Asha(trust=-1.0).disbelieves(own, others, 9) is None
    assert Patient(patience=0, pruner=None).disbelieves(own, others, 9) is None
