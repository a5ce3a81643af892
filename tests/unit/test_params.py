"""params.yaml: parsed once, unknown keys named, written with its comments."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnops import params as params_file
from nnops.errors import ParamsError

TEXT = """\
# the whole project
seed: 7 # one seed
train:
  epochs: 1e1 # a YAML 1.2 float that is whole
  optimizer: { name: adamw, options: { lr: 1e-3 } } # rate
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(TEXT)
    return path


def test_floats_are_yaml_1_2(file: Path) -> None:
    params = params_file.load(file)
    assert params.train.optimizer.options["lr"] == 0.001
    assert params.train.epochs == 10


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("train.epoch=3", "unknown key 'epoch'; did you mean 'epochs'?"),
        ("trian.epochs=3", "unknown key 'trian'; did you mean 'train'?"),
        ("train.optimizer.naem=sgd", "unknown key 'naem'; did you mean 'name'?"),
        ("train.epochs=ten", "train.epochs must be a whole number"),
        ("train.epochs=0", "train.epochs must be greater than or equal to 1, got 0."),
        ("train.epochs.more=1", "holds a value and has no keys below it"),
        ("seed=true", "seed: must be a whole number"),
        ("data.split.by=grouped", "needs column: NAME"),
        ("data.split.val=0.9", "val + test must be below 1"),
        ("sweep.budget.time=2hours", "sweep.budget.time"),
        ("register.name=../x", "register.name"),
        ("sweep.budget.trials=0", "sweep.budget.trials must be greater than or equal to 1"),
        ("noequals", "--set wants dotted.key=value"),
        ("train.epochs=[", "not valid YAML"),
        ("register.name=2024-01-01", "dates must be quoted"),
    ],
)
def test_wrong_input_is_one_sentence(file: Path, text: str, sentence: str) -> None:
    with pytest.raises(ParamsError) as caught:
        params_file.load(file, [text])
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_no_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="nnops init"):
        params_file.load(tmp_path / "params.yaml")


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2\n", "\tseed: 1", "seed: 1\nseed: 2\n"])
def test_not_a_params_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=r"params\.yaml"):
        params_file.load(path)


def test_keys_of_several_words_survive_being_written(file: Path) -> None:
    """A line break inside such a key, in a mapping on one line, is no YAML."""
    kinds = {f"mean of column {place}": "numeric" for place in range(40)}
    params = params_file.parse({"data": {"kinds": kinds}})
    file.write_text(params_file.dump(params.record()))
    assert params_file.load(file) == params
    assert "    mean of column 39: numeric\n" in file.read_text()
    line = "{" + ", ".join(f"{key}: {kind}" for key, kind in kinds.items()) + "}"
    file.write_text(f"seed: 7\ndata:\n  kinds: {line}\n")
    params_file.write(file, {"train.epochs": 3})
    assert params_file.load(file).data.kinds == kinds
    # Short ones stay together.
    assert "    options: {set: digits}\n" in params_file.dump(params_file.parse({}).record())


def test_write_keeps_comments_and_judges_first(file: Path) -> None:
    params_file.write(file, {"train.optimizer.options.lr": 0.5, "train.batch_size": 32, "model.options.hidden": [8, 4]})
    text = file.read_text()
    assert "# the whole project" in text
    assert "# one seed" in text
    params = params_file.load(file)
    assert (params.train.optimizer.options["lr"], params.train.batch_size) == (0.5, 32)
    assert (params.model.name, params.model.options["hidden"]) == ("mlp", [8, 4])
    before = file.read_bytes()
    with pytest.raises(ParamsError):
        params_file.write(file, {"train.epochs": -1})
    assert file.read_bytes() == before


def test_another_component_drops_the_options_of_the_first() -> None:
    params = params_file.parse({"model": {"name": "mlp", "options": {"hidden": [8]}}})
    changed = params_file.overlay(params, {"model.options.channels": [4], "model.name": "cnn"})
    assert changed.model.options == {"channels": [4]}


@given(st.integers(0, 2**63 - 1), st.integers(1, 10**6), st.floats(1e-9, 1e3))
def test_overlay_then_record_round_trips(seed: int, epochs: int, rate: float) -> None:
    config = {"seed": seed, "train.epochs": epochs, "train.optimizer.options.lr": rate}
    params = params_file.overlay(params_file.parse({}), config)
    assert params_file.parse(params.record()) == params
    flat = params_file.flatten(params.record())
    assert {key: flat[key] for key in config} == config


def test_schema_describes_every_section() -> None:
    schema = params_file.schema()
    assert set(schema["properties"]) == set(params_file.parse({}).record())
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n", "---\n"])
def test_an_empty_file_is_not_a_project_of_defaults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=r"params\.yaml is empty; write at least 'data:'"):
        params_file.load(path)
    with pytest.raises(ParamsError, match="is empty"):
        params_file.write(path, {"seed": 3})
    assert path.read_text() == text
