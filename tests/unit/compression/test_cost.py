from dataclasses import replace
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from nnops.compression.cost import BATCH, Subject, measure_costs, take_rows

INPUTS = (np.arange(6, dtype=np.float32).reshape(3, 2),)


class Counting:
    """A variant that knows how many rows it was called with."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.rows: list[int] = []
        self.seconds = seconds

    def __call__(self, inputs: tuple[np.ndarray, ...]) -> None:
        self.rows.append(len(inputs[0]))
        sleep(self.seconds)


def test_measured_once_for_each_file(tmp_path: Path) -> None:
    call = Counting()
    subject = Subject({"file": "abc", "runtime": "r 1"}, 1234, call)
    first = measure_costs({"a": subject}, INPUTS, tmp_path)
    assert set(call.rows) == {1, BATCH}
    calls = len(call.rows)

    assert measure_costs({"b": subject}, INPUTS, tmp_path)["b"] == first["a"]
    assert len(call.rows) == calls
    measure_costs({"a": replace(subject, identity={"file": "abc", "runtime": "r 2"})}, INPUTS, tmp_path)
    assert len(call.rows) > calls


def test_numbers_fit_together(tmp_path: Path) -> None:
    costs = measure_costs(
        {"slow": Subject({"file": "s"}, 10, Counting(0.004)), "fast": Subject({"file": "f"}, 20, Counting())},
        INPUTS,
        tmp_path,
    )
    slow, fast = costs["slow"], costs["fast"]
    assert slow.size_bytes == 10
    assert slow.latency_p50_ms >= 4.0 > fast.latency_p50_ms
    assert slow.latency_p95_ms >= slow.latency_p50_ms
    assert np.isclose(slow.throughput_rows_per_s, 1000 * BATCH / slow.batch_latency_p50_ms, rtol=1e-2)


def test_a_slow_variant_is_timed_a_few_times_only(tmp_path: Path) -> None:
    call = Counting(0.15)
    start_s = perf_counter()
    measure_costs({"a": Subject({"file": "x"}, 1, call)}, INPUTS, tmp_path)
    assert 5 <= call.rows.count(BATCH) <= 8
    assert perf_counter() - start_s < 5


def test_rows_are_repeated_where_there_are_too_few() -> None:
    (taken,) = take_rows(INPUTS, 5)
    np.testing.assert_array_equal(taken, [[0, 1], [2, 3], [4, 5], [0, 1], [2, 3]])
