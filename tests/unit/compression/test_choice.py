import math

import pytest

from nnops.compression.choice import Candidate, choose, measure_drop, read_limits
from nnops.compression.cost import Cost
from nnops.errors import ParamsError
from nnops.params import parse

LIMITS = {"accuracy": 0.005}


def candidate(latency_ms: float, size: int, drop: float = 0.0, batch_ms: float = 1.0) -> Candidate:
    return Candidate(Cost(size, latency_ms, latency_ms, batch_ms, batch_ms, 1.0), {"accuracy": drop})


def test_fastest_wins() -> None:
    choice = choose({"a": candidate(2.0, 10), "b": candidate(1.0, 40)}, LIMITS, fallback="a")
    assert choice.variant == "b"
    assert {name: judged.verdict for name, judged in choice.judged.items()} == {"a": "fit", "b": "chosen"}


@pytest.mark.parametrize(("fast", "slow"), [(1.0, 1.09), (0.010, 0.055)])
def test_of_equally_fast_ones_the_smallest_wins(fast: float, slow: float) -> None:
    assert choose({"a": candidate(fast, 40), "b": candidate(slow, 10)}, LIMITS, fallback="a").variant == "b"


def test_of_equally_fast_ones_with_one_row_the_batch_decides_before_the_size() -> None:
    slow_batch = candidate(1.0, 10, batch_ms=2.0)
    assert choose({"a": candidate(1.0, 40), "b": slow_batch}, LIMITS, fallback="a").variant == "a"
    assert choose({"a": candidate(2.0, 40), "b": slow_batch}, LIMITS, fallback="a").variant == "b"


def test_not_equal_beyond_both_margins() -> None:
    assert choose({"a": candidate(1.0, 40), "b": candidate(1.2, 10)}, LIMITS, fallback="a").variant == "a"


@pytest.mark.parametrize("drop", [0.006, math.nan])
def test_a_variant_that_drops_too_much_is_refused_and_said(drop: float) -> None:
    choice = choose({"exact": candidate(2.0, 40), "int8": candidate(1.0, 10, drop)}, LIMITS, fallback="exact")
    assert choice.variant == "exact"
    assert choice.judged["int8"].verdict == "refused"
    assert "accuracy" in choice.judged["int8"].why


def test_a_drop_equal_to_the_limit_is_allowed() -> None:
    drop = measure_drop("accuracy", 0.95, 0.945)
    assert drop > 0.005, "or the case shows nothing"
    assert choose({"a": candidate(2.0, 40), "b": candidate(1.0, 10, drop)}, LIMITS, fallback="a").variant == "b"


def test_drop_follows_the_direction_of_the_metric() -> None:
    assert measure_drop("accuracy", 0.9, 0.8) == pytest.approx(0.1)
    assert measure_drop("rmse", 4.0, 5.0) == pytest.approx(1.0)


def test_limits_of_params_and_their_defaults() -> None:
    assert read_limits(parse({}), "multiclass") == {"accuracy": 0.005}
    assert read_limits(parse({}), "regression") == {"r2": 0.005}
    assert read_limits(parse({"compress": {"max_drop": {"f1": 0.1}}}), "binary") == {"f1": 0.1}


@pytest.mark.parametrize(
    ("name", "task", "hint"), [("acuracy", "binary", "accuracy"), ("accuracy", "regression", "rmse")]
)
def test_a_limit_on_another_metric_is_answered(name: str, task: str, hint: str) -> None:
    with pytest.raises(ParamsError, match=rf"compress\.max_drop\.{name}.*{hint}"):
        read_limits(parse({"compress": {"max_drop": {name: 0.1}}}), task)  # pyright: ignore[reportArgumentType]
