"""The range test reads a curve; budgets bound the work."""

import doctest
import importlib
import math
from types import SimpleNamespace
from typing import Any

import pytest
from small import params, small

from nnops.doctor.budget import bound_rows, bound_steps
from nnops.doctor.case import Case
from nnops.doctor.page import rate_line
from nnops.doctor.rate import read_rates

RATES = [10 ** (-6 + 7 * place / 99) for place in range(100)]


def curve(falls: float, best: float, breaks: float) -> list[float]:
    """Level 2, from ``falls`` down to 0.5 at ``best``, and up again beyond ``breaks``."""
    losses = []
    for rate in RATES:
        if rate < falls:
            losses.append(2.0)
        elif rate < best:
            losses.append(2.0 - 1.5 * math.log(rate / falls) / math.log(best / falls))
        else:
            losses.append(0.5 if rate < breaks else 5.0)
    return losses


def test_falls_best_and_breaks_are_read_off() -> None:
    found = read_rates(RATES, curve(1e-4, 1e-2, 1e-1), 32, 0.1)
    assert found.falls == pytest.approx(1.5e-4, rel=0.5)
    assert 5e-3 < found.best < 0.1
    assert found.breaks == pytest.approx(0.1, rel=0.8)
    assert found.suggested is not None
    assert found.falls <= found.suggested <= found.best
    assert found.moved == pytest.approx(sum(rate for rate in RATES if rate <= found.falls))


def test_a_level_curve_suggests_nothing() -> None:
    found = read_rates(RATES, [2.0 + 0.01 * (place % 2) for place in range(100)], 32, 0.1)
    assert (found.falls, found.suggested, found.breaks) == (None, None, None)


def test_a_curve_that_ends_is_followed_to_its_end() -> None:
    losses = curve(1e-4, 1e-2, 1e3)
    found = read_rates(RATES, [*losses[:80], *[math.inf] * 20], 32, 0.1)
    assert found.breaks == RATES[80]


def test_a_large_network_takes_fewer_steps_and_rows() -> None:
    assert (bound_rows(1e6, 64), bound_steps(1e6, 64)) == (64, 100)
    assert (bound_rows(1e9, 64), bound_steps(1e9, 8)) == (8, 40)


def test_the_order_of_looking_changes_nothing(tmp_path) -> None:
    data = small(tmp_path, "mixed")
    one, other = Case(params(), data), Case(params(), data)
    assert other.rates.losses
    other.fresh().train(*other.batch(0), 0.1)
    assert one.rates.losses == Case(params(), data).rates.losses
    assert [flow.norm for flow in one.flows] == [flow.norm for flow in other.flows]


@pytest.mark.parametrize("name", ["budget", "finding", "rate"])
def test_doctests(name) -> None:
    result = doctest.testmod(importlib.import_module(f"nnops.doctor.{name}"))
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize(("breaks", "says"), [(1e-1, "between learning rates of 0.0001"), (None, "from 0.0001")])
def test_rates_are_called_rates(breaks: float | None, says: str) -> None:
    rates = SimpleNamespace(falls=1e-4, breaks=breaks, suggested=1e-2)
    seen: Any = SimpleNamespace(looked=["learning_rate"], findings=[], case=SimpleNamespace(lr=3e-3, rates=rates))
    until = " and 0.1" if breaks else " on"
    said = f"the learning rate is 0.003; the loss falls {says}{until}, and the range test would take 0.01."
    assert rate_line(seen) == said
