import math

import pytest

from nnops.errors import GateError, ParamsError
from nnops.registry.gate import judge, parse_gate

NUMBERS = {
    "test.accuracy": 0.97,
    "test.accuracy.low": 0.95,
    "baseline.linear.accuracy": 0.96,
    "onnx_fp32.test.accuracy": 0.97,
    "onnx_int8.test.accuracy": 0.96,
    "onnx_int8.latency_p50_ms": 0.02,
    "onnx_fp32.latency_p50_ms": 0.05,
    "onnx_int8.drop.test.accuracy": 0.01,
    "onnx_int8.test.log_loss": math.nan,
}


@pytest.mark.parametrize(
    ("condition", "value", "limit", "passed"),
    [
        ("accuracy >= 0.96", 0.96, 0.96, True),
        ("accuracy > 0.96", 0.96, 0.96, False),
        ("test.accuracy>=0.965", 0.97, 0.965, True),
        ("accuracy.low >= .9", 0.95, 0.9, True),
        ("test.accuracy >= baseline.linear.accuracy", 0.97, 0.96, True),
        ("accuracy > baseline.linear.accuracy", 0.96, 0.96, False),
        ("latency_p50_ms <= 1", 0.02, 1, True),
        ("onnx_int8.latency_p50_ms < onnx_fp32.latency_p50_ms", 0.02, 0.05, True),
        ("drop.test.accuracy <= 5e-3", 0.01, 0.005, False),
        ("log_loss < 1", math.nan, 1, False),
        ("accuracy == 0.96", 0.96, 0.96, True),
    ],
)
def test_conditions(condition: str, value: float, limit: float, passed: bool) -> None:
    (result,) = judge([condition], NUMBERS, "onnx_int8").results
    assert result.value == pytest.approx(value, nan_ok=True)
    assert result.limit == limit
    assert result.passed is passed


def test_plain_names_mean_the_variant_that_is_served() -> None:
    assert judge(["accuracy >= 0.97"], NUMBERS, "onnx_fp32").passed
    assert not judge(["accuracy >= 0.97"], NUMBERS, "onnx_int8").passed


def test_a_failed_gate_says_what_and_by_how_much() -> None:
    verdict = judge(["accuracy >= 0.99", "latency_p50_ms <= 1"], NUMBERS, "onnx_int8")
    with pytest.raises(GateError, match=r"accuracy >= 0\.99.*0\.96 against 0\.99"):
        verdict.check()
    assert "**fails**" in verdict.markdown()
    assert [result["passed"] for result in verdict.to_json()["results"]] == [False, True]


def test_no_conditions_let_everything_through() -> None:
    verdict = judge([], {}, "onnx_fp32")
    verdict.check()
    assert verdict.summary == "no conditions are set"


def test_nan_is_written_as_null() -> None:
    assert judge(["log_loss < 1"], NUMBERS, "onnx_int8").to_json()["results"][0]["value"] is None


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("accuracy", "must read like"),
        ("accuracy => 0.9", "no operator"),
        ("accuracy >= ", "must read like"),
        ("0.9 <= accuracy", "must read like"),
        ("accuracy >= 0.9 and f1 >= 1", "must read like"),
        ("accuracy >= __import__('os')", "neither a number nor a name"),
        ("accuracy >= 9_5%", "neither a number nor a name"),
        ("accuracy != 1", "no operator"),
    ],
)
def test_what_is_no_condition_is_answered(condition: str, words: str) -> None:
    with pytest.raises(ParamsError, match=rf"register\.gate\.1.*{words}"):
        parse_gate(["accuracy >= 0", condition])


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("acuracy >= 0.9", "did you mean 'accuracy'"),
        ("accuracy >= baseline.linea.accuracy", "did you mean 'baseline.linear.accuracy'"),
        ("zzz >= 1", "metrics.json"),
    ],
)
def test_unknown_numbers_are_answered_with_the_nearest(condition: str, words: str) -> None:
    with pytest.raises(ParamsError, match=rf"register\.gate\.0.*{words}"):
        judge([condition], NUMBERS, "onnx_int8")
