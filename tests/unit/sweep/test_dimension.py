import pytest

from nnops.sweep.dimension import parse_dimension


def test_choices_that_optuna_cannot_store_are_their_json_text_there() -> None:
    dimension = parse_dimension("a", {"choice": [[64], [128, 64], None]})
    codes = dimension.distribution().choices  # type: ignore[attr-defined]
    assert codes == ("[64]", "[128, 64]", "null")
    assert [dimension.decode(code) for code in codes] == [[64], [128, 64], None]
    assert [dimension.encode(value) for value in dimension.choices] == list(codes)


def test_true_and_one_are_two_choices() -> None:
    dimension = parse_dimension("a", {"choice": [True, 1]})
    codes = [dimension.encode(True), dimension.encode(1)]
    assert len(set(codes)) == 2
    assert dimension.decode(codes[0]) is True
    assert type(dimension.decode(codes[1])) is int


def test_plain_choices_stay_as_they_are() -> None:
    assert parse_dimension("a", {"choice": ["relu", "gelu"]}).distribution().choices == ("relu", "gelu")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"float": [0.0, 1.0]}, [0.0, 0.5, 1.0]),
        ({"float": [0.0, 1.0], "step": 0.25}, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ({"int": [1, 9], "step": 4}, [1, 5, 9]),
        ({"int": [1, 2]}, [1, 2]),
        ({"int": [0, 100]}, [0, 50, 100]),
        ({"int": [3, 3]}, [3]),
        ({"choice": ["a", "b"]}, ["a", "b"]),
    ],
)
def test_points_of_a_grid(record: dict[str, object], expected: list[object]) -> None:
    assert parse_dimension("a", record).points(3) == expected


def test_points_of_a_logarithmic_range_are_even_on_that_scale_and_end_exactly() -> None:
    points = parse_dimension("a", {"float": [1e-5, 1e-1], "log": True}).points(5)
    assert points[0] == 1e-5
    assert points[-1] == 1e-1
    assert points == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 1e-1])


def test_holds() -> None:
    whole = parse_dimension("a", {"int": [1, 4]})
    assert whole.holds(2)
    assert not whole.holds(2.5)
    assert not whole.holds(5)
    assert not whole.holds(True)
    assert not parse_dimension("a", {"choice": [[1]]}).holds([2])
