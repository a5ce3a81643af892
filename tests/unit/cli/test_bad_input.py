"""What a person may get wrong: one sentence that says what to write instead, exit code 2, and nothing lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nnops.__main__ import main

Nnops = Callable[..., tuple[int, str]]
GOOD = "age,city,outcome\n" + "".join(f"{20 + n},{'ab'[n % 2]},{'yes' if n % 3 else 'no'}\n" for n in range(60))


@pytest.fixture
def nnops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Nnops:
    """Runs a command line in an empty folder; gives its exit code and what it said on standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NNOPS_TRACKING", "off")

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["nnops", *words])
        capfd.readouterr()
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
            return code, capfd.readouterr().err
        return 0, capfd.readouterr().err

    return run


def refused(answer: tuple[int, str], *parts: str) -> None:
    code, said = answer
    assert code == 2, said
    assert said.count("\n") == 1, said
    assert "Traceback" not in said
    for part in parts:
        assert part in said


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["empty"]),
        (b"age,outcome\n", ["row"]),
        (b"age,outcome\n7,yes\n2,yes\n9,yes\n", ["class"]),
        (b"age,outcome\n1,yes\n2\n3,no\n", ["line 3"]),
        (b"age,outcome\n7,\n2,\n9,\n", ["outcome"]),
        (b"age,income\n1,yes\n2,no\n", ["outcome"]),
    ],
    ids=["empty", "header only", "one class", "ragged", "no labels", "no target"],
)
def test_files_that_are_wrong(nnops: Nnops, content: bytes, parts: list[str]) -> None:
    Path("people.csv").write_bytes(content)
    refused(nnops("init", "new", "--data", "people.csv", "--target", "outcome"), "people.csv", *parts)
    assert not Path("new", "params.yaml").exists()


def test_no_such_file(nnops: Nnops) -> None:
    refused(nnops("init", "--data", "nowhere.csv", "--target", "x"), "nowhere.csv")


def test_nearest_target_is_named(nnops: Nnops) -> None:
    Path("people.csv").write_text(GOOD)
    refused(nnops("init", "new", "--data", "people.csv", "--target", "outcom"), "outcome")


def test_a_project_is_never_overwritten(nnops: Nnops) -> None:
    Path("people.csv").write_text(GOOD)
    assert nnops("init", "new", "--data", "people.csv", "--target", "outcome")[0] == 0
    before = Path("new/params.yaml").read_bytes()
    refused(nnops("init", "new", "--data", "people.csv", "--target", "outcome"), "exists")
    assert Path("new/params.yaml").read_bytes() == before


@pytest.fixture
def project(nnops: Nnops, monkeypatch: pytest.MonkeyPatch) -> Path:
    Path("people.csv").write_text(GOOD)
    assert nnops("init", "new", "--data", "people.csv", "--target", "outcome")[0] == 0
    monkeypatch.chdir("new")
    return Path("new")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["params", "check", "--set", "train.epoch=3"], ["epoch", "did you mean 'epochs'"]),
        (["params", "check", "--set", "train.epochs=many"], ["train.epochs"]),
        (["params", "check", "--set", "train.epochs=0"], ["train.epochs"]),
        (["params", "check", "--set", "model.name=mpl"], ["model.name", "mlp"]),
        (["params", "check", "--set", "model.options.hiden=[3]"], ["model.options.hiden", "hidden"]),
        (["params", "check", "--set", "train.optimizer.options.lr=-1"], ["train.optimizer.options.lr"]),
        (["params", "check", "--set", "loss.name=mes"], ["loss.name", "mse"]),
        (["params", "check", "--set", "evaluate.metrics=[rmse]"], ["rmse"]),
        (["params", "check", "--set", "train.early_stopping.metric=val_rmse"], ["train.early_stopping.metric"]),
        (["params", "check", "--set", "register.gate=[acuracy >= 1]"], ["acuracy", "accuracy"]),
        (["params", "check", "--set", "register.gate=[accuracy]"], ["register.gate"]),
        (["params", "check", "--set", "train.device=cuda"], ["train.device", "GPU"]),
        (["params", "check", "--set", "sweep.space.train.lr={float: [1, 2]}"], ["train.optimizer.options.lr"]),
        (["params", "check", "--set", "sweep.space.train.epochs={int: [5, 2]}"], ["train.epochs"]),
        (["params", "check", "--set", "sweep.sampler.name=tep"], ["tpe"]),
        (["sweep", "start", "--set", "sweep.objective.metric=val_rmse"], ["val_rmse"]),
        (["sweep", "start", "--set", "sweep.resources.gpus=1"], ["gpus"]),
        (["sweep", "start", "--set", "sweep.budget.trials=0"], ["sweep.budget.trials"]),
        (["sweep", "resume", "nothing"], ["nothing"]),
        (["sweep", "apply", "nothing"], ["nothing"]),
        (["sweep", "show", "nothing"], ["nothing"]),
        (["model", "show", "nothing@champion"], ["nothing"]),
        (["model", "predict", "nothing@champion", "../people.csv"], ["nothing"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value[0] in ("params", "sweep", "model") else "",
)
def test_words_that_are_wrong(nnops: Nnops, project: Path, words: list[str], parts: list[str]) -> None:
    before = Path("params.yaml").read_bytes()
    refused(nnops(*words), *parts)
    assert Path("params.yaml").read_bytes() == before


def test_no_params_file(nnops: Nnops) -> None:
    refused(nnops("params", "check"), "params.yaml", "nnops init")
    refused(nnops("sweep", "start"), "params.yaml")


def test_a_study_name_with_another_direction(nnops: Nnops, project: Path) -> None:
    small = ["--set", "train.epochs=1", "--engine", "inline", "--trials", "1"]
    nnops("sweep", "start", "one", *small)
    refused(nnops("sweep", "start", "one", *small), "one", "resume")
    other = ["--set", "sweep.objective.metric=val_loss", "--set", "sweep.objective.direction=minimize"]
    refused(nnops("sweep", "start", "one", *small, *other), "one", "val_roc_auc")
    space = ["--set", "sweep.space.train.batch_size={choice: [8]}"]
    refused(nnops("sweep", "start", "one", *small, *space), "train.batch_size")
