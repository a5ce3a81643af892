import pytest

from nnops.errors import ParamsError
from nnops.sweep.space import Space

FLOAT = {"float": [0.0, 1.0]}


def test_dimensions_stand_after_those_they_depend_on() -> None:
    space = Space.parse(
        {
            "a": {**FLOAT, "when": {"z": "on"}},
            "b": {**FLOAT, "when": {"a": [0.0, 1.0]}},
            "c": FLOAT,
            "z": {"choice": ["on", "off"]},
        }
    )
    assert [dimension.key for dimension in space.dimensions] == ["c", "z", "a", "b"]


def test_hash_does_not_depend_on_the_order_of_keys_and_sees_every_value() -> None:
    one = Space.parse({"a": FLOAT, "b": {"choice": [1, 2]}})
    two = Space.parse({"b": {"choice": [1, 2]}, "a": {"log": False, "float": [0.0, 1.0]}})
    other = Space.parse({"a": FLOAT, "b": {"choice": [1, 3]}})
    assert one.hash == two.hash
    assert one.hash != other.hash


def test_record_can_be_parsed_again() -> None:
    space = Space.parse(
        {
            "hidden": {"choice": [[64], [128, 64]]},
            "rate": {"float": [1e-5, 1e-1], "log": True},
            "deep": {"int": [1, 9], "step": 2, "when": {"hidden": [128, 64]}},
        }
    )
    again = Space.parse(space.record())
    assert again == space
    assert again.by_key["deep"].when == (("hidden", ([128, 64],)),)


def test_nested_conditions_decide_what_is_active() -> None:
    space = Space.parse(
        {
            "model": {"choice": ["mlp", "cnn"]},
            "norm": {"choice": [True, False], "when": {"model": "cnn"}},
            "momentum": {**FLOAT, "when": {"norm": True}},
        }
    )
    assert space.contains({"model": "mlp"})
    assert space.contains({"model": "cnn", "norm": False})
    assert space.contains({"model": "cnn", "norm": True, "momentum": 0.5})
    assert not space.contains({"model": "mlp", "momentum": 0.5})
    assert not space.contains({"model": "cnn", "norm": True})
    # True is not 1.
    assert not space.contains({"model": "cnn", "norm": 1, "momentum": 0.5})


def test_grid_leaves_out_what_conditions_exclude() -> None:
    space = Space.parse(
        {"model": {"choice": ["mlp", "cnn"]}, "width": {"int": [1, 3], "when": {"model": "mlp"}}, "rate": FLOAT}
    )
    configs = list(space.grid(3))
    assert len(configs) == 3 * 3 + 3
    assert all(space.contains(config) for config in configs)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({}, "must be one of"),
        ({"real": [0, 1]}, "got real"),
        ({"float": [0, 1], "int": [0, 1]}, "got float and int"),
        ({"float": [0, 1], "stp": 1}, "did you mean 'step'?"),
        ({"float": [1, 0]}, "write [0, 1]"),
        ({"float": [0]}, "two numbers [low, high]"),
        ({"float": ["a", "b"]}, "two numbers"),
        ({"float": [0.0, float("inf")]}, "two numbers"),
        ({"int": [0.5, 2]}, "two whole numbers"),
        ({"float": [0, 1], "log": True}, "needs a low above 0"),
        ({"float": [0, 1], "log": "yes"}, "must be true or false"),
        ({"float": [1, 2], "log": True, "step": 0.5}, "exclude each other"),
        ({"float": [0, 1], "step": -1}, "number above 0"),
        ({"float": [0.0, 0.5], "step": 0.2}, "write [0.0, 0.4]"),
        ({"choice": []}, "at least one value"),
        ({"choice": "abc"}, "at least one value"),
        ({"choice": [1, 1]}, "stands there twice"),
        ({"choice": [float("nan")]}, "not finite"),
        ({"float": [0, 1], "when": "x"}, "must be {other.key: value}"),
        ({"float": [0, 1], "when": {"bb": 1}}, "did you mean 'b'?"),
        ({"float": [0, 1], "when": {"b": 7}}, "must be one of [1, 2], got 7"),
        ({"float": [0, 1], "when": {"b": []}}, "at least one value"),
    ],
)
def test_a_bad_dimension_is_answered_in_one_sentence(entry: dict[str, object], says: str) -> None:
    with pytest.raises(ParamsError) as error:
        Space.parse({"a": entry, "b": {"choice": [1, 2]}})
    assert "sweep.space.a" in str(error.value)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_space_a_circle_and_a_key_inside_another_are_refused() -> None:
    with pytest.raises(ParamsError, match="at least one key to tune"):
        Space.parse({})
    with pytest.raises(ParamsError, match="circle: a -> b -> a"):
        Space.parse({"a": {"choice": [1], "when": {"b": 1}}, "b": {"choice": [1], "when": {"a": 1}}})
    with pytest.raises(ParamsError, match="tuned as a whole"):
        Space.parse({"a": {"choice": [[1], [2]]}, "a.b": FLOAT})
