"""What a person may get wrong: one sentence that says what to write instead, exit code 2, and nothing lost."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from nnops.errors import REFUSALS

Nnops = Callable[..., tuple[int, str]]
GOOD = "age,city,outcome\n" + "".join(f"{20 + n},{'ab'[n % 2]},{'yes' if n % 3 else 'no'}\n" for n in range(60))


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


def test_no_data_named(nnops: Nnops) -> None:
    refused(nnops("init"), "--data FILE")


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
        (["params", "check", "--set", "register.card={notfor: x}"], ["register.card.notfor", "did you mean 'not_for'"]),
        (["params", "check", "--set", "train.device=cuda"], ["train.device", "GPU"]),
        (["params", "check", "--set", "sweep.space.train.lr={float: [1, 2]}"], ["train.optimizer.options.lr"]),
        (["params", "check", "--set", "sweep.space.train.epochs={int: [5, 2]}"], ["train.epochs"]),
        (["params", "check", "--set", "sweep.sampler.name=tep"], ["tpe"]),
        (["sweep", "start", "--set", "sweep.objective.metric=val_rmse"], ["val_rmse"]),
        (["sweep", "start", "--set", "sweep.resources.gpus=1"], ["gpus"]),
        (["sweep", "start", "--set", "sweep.budget.trials=0"], ["sweep.budget.trials"]),
        (["sweep", "start", "--set", "train.changes=[{after: 90, set: {}}]"], ["train.changes.0.after", "got 90"]),
        (["params", "check", "--set", "train.changes=[{after: 90, set: {}}]"], ["train.changes.0.after", "got 90"]),
        (["sweep", "start", "--trials", "0"], ["--trials", "got 0"]),
        (
            ["sweep", "start", "--trials", "many"],
            ["--trials must be a whole number, got 'many'; see 'nnops sweep start --help'"],
        ),
        (["sweep", "start", "--trails", "3"], ["no such option: --trails", "--trials"]),
        (["sweep", "start", "--workers", "0"], ["--workers must be greater than or equal to 1, got '0'"]),
        (["run", "reproduce", "one", "--tolerance", "lots"], ["--tolerance must be a number, got 'lots'"]),
        (["sweep", "show"], ["NAME", "see 'nnops sweep show --help'"]),
        (["sweep", "shw"], ["no such command 'shw'; did you mean 'show'?"]),
        (["sweep", "plan", "--time", "0s"], ["--time", "above zero", "'0s'"]),
        (["sweep", "plan", "--time", "-2h"], ["--time", "90s", "'-2h'"]),
        (["sweep", "resume", "nothing", "--epochs", "-1"], ["--epochs", "got -1"]),
        (["sweep", "start", "--from", "nothing"], ["nothing"]),
        (["sweep", "start", "--config", "{train.epoch: 3}"], ["train.epoch"]),
        (["sweep", "start", "--config", "{bad"], ["--config {bad", "not valid YAML", "close every bracket"]),
        (["sweep", "start", ""], ["a study's name must be", "got ''"]),
        (["sweep", "grow", "old", ""], ["no study 'old'"]),
        (["sweep", "start", "--trials="], ["--trials must not be empty", "leave it out"]),
        (
            ["sweep", "start", "--set", "sweep.space.train.optimizer.options.lr={float: [0.1, 0.2], step: 5}"],
            ["lr.step", "at most the range of 0.1, got 5"],
        ),
        (
            ["sweep", "start", "--set", "sweep.space={model.options.hidden: {choice: [[3]], when: {model.name: mlp}}}"],
            ["hidden.when: 'model.name' is not tuned itself", "give it values in sweep.space"],
        ),
        (
            ["sweep", "start", "--set", "sweep.constraints=[fairness_gap.sex <= 0.1]"],
            ["fairness_gap.sex", "no categorical column with two groups of 10 val rows", "leave it out"],
        ),
        (["sweep", "resume", "nothing"], ["nothing"]),
        (["sweep", "grow", "nothing"], ["nothing"]),
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


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("sweep.objective.metric=val_rocauc", "val_roc_auc"),
        ("data.target=outcom", "outcome"),
        ("data.kinds.agee=numeric", "age"),
        ("model.name=cnn", "image"),
        ("train=3", "must hold keys and values, got 3"),
        ("train.epochs=many", "must be a whole number, got 'many'"),
        ("data.positive=perhaps", "no, yes"),
    ],
)
def test_a_check_looks_at_the_data(nnops: Nnops, change: str, part: str) -> None:
    Path("people.csv").write_text(GOOD)
    assert nnops("init", "--data", "people.csv", "--target", "outcome")[0] == 0
    assert nnops("params", "check")[0] == 0
    refused(nnops("params", "check", "--set", change), part)


def test_a_class_of_one_row_is_split_at_random(nnops: Nnops) -> None:
    Path("people.csv").write_text(GOOD + "33,a,perhaps\n")
    assert nnops("init", "--data", "people.csv", "--target", "outcome")[0] == 0
    assert "by: random} # class 'perhaps' has one row" in Path("params.yaml").read_text()
    assert nnops("params", "check")[0] == 0


def test_there_is_no_ui_without_a_project(nnops: Nnops) -> None:
    refused(nnops("ui"), "no project", "params.yaml")


def test_tabs_are_named(nnops: Nnops) -> None:
    Path("params.yaml").write_text("train:\n\tepochs: 3\n")
    refused(nnops("params", "check"), "line 2", "a tab")


def test_what_a_machine_refuses_is_a_sentence(nnops: Nnops, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("people.csv").write_text(GOOD)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "params.yaml")

    monkeypatch.setattr("nnops.cli.scaffold.write_bytes", full)
    code, said = nnops("init", "new", "--data", "people.csv", "--target", "outcome")
    assert (code, said) == (1, f"nnops: params.yaml cannot be written: {REFUSALS[errno.ENOSPC]}.\n")
    monkeypatch.setattr(
        "nnops.cli.scaffold.write_bytes", lambda *args: (_ for _ in ()).throw(OSError(5, "disk on fire"))
    )
    with pytest.raises(OSError, match="disk on fire"):
        nnops("init", "new", "--data", "people.csv", "--target", "outcome")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--groups", "cty"], ["data.groups", "unknown column 'cty'", "did you mean 'city'"]),
        (["--groups", "one"], ["data.groups", "at least two groups", "every row holds 'x'"]),
        (["--groups", "city", "--time", "age"], ["--groups", "leave it out"]),
    ],
)
def test_groups_that_are_none(nnops: Nnops, words: list[str], parts: list[str]) -> None:
    Path("people.csv").write_text(GOOD.replace("\n", ",x\n").replace("outcome,x", "outcome,one"))
    refused(nnops("init", "new", "--data", "people.csv", "--target", "outcome", *words), *parts)
    assert not Path("new", "params.yaml").exists()


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("register.gate=['equalized_odds_gap <= 0.1']", ["register.gate", "name their columns in data.groups"]),
        ("evaluate.threshold=2", ["evaluate.threshold", "between 0 and 1"]),
        ("evaluate.threshold={by: city}", ["evaluate.threshold.by", "data.groups", "not set", "got 'city'"]),
        ("train.fairness={method: reweighing}", ["train.fairness.column", "data.groups", "not set"]),
        ("train.fairness={method: reweigh}", ["train.fairness.method", "reweighing"]),
    ],
)
def test_fairness_that_does_not_fit(nnops: Nnops, setting: str, parts: list[str]) -> None:
    Path("people.csv").write_text(GOOD)
    assert nnops("init", "--data", "people.csv", "--target", "outcome")[0] == 0
    refused(nnops("params", "check", "--set", setting), "params.yaml", *parts)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--target", ""], ["--target must not be empty"]),
        (["--target", "outcome", "--drop", "cty"], ["--drop: unknown column 'cty'", "did you mean 'city'"]),
        (["--target", "outcome", "--drop", "outcome"], ["--drop: 'outcome' is the target"]),
        (["--target", "outcome"], ["all 60 are missing", "--drop 'no thing'."]),
    ],
)
def test_a_project_that_is_being_made_is_told_its_own_options(nnops: Nnops, words: list[str], parts: list[str]) -> None:
    Path("people.csv").write_text(GOOD.replace("\n", ",\n").replace("outcome,", "outcome,no thing"))
    code, said = answer = nnops("init", "new", "--data", "people.csv", *words)
    refused(answer, *parts)
    assert "params.yaml" not in said
    assert "data.kinds" not in said, code


def test_a_file_of_another_encoding(nnops: Nnops) -> None:
    Path("params.yaml").write_bytes("seed: 7\n# Straße\n".encode("latin-1"))
    refused(nnops("params", "check"), "params.yaml: line 2", "0xdf", "save the file as UTF-8")
