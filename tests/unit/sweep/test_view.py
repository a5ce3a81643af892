import io
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.console import Console
from sweeps import LR, project, sweep, sweep_params
from told import tell_study

from nnops.errors import InputError
from nnops.sweep.board import Board
from nnops.sweep.event import Closed
from nnops.sweep.holder import this_process
from nnops.sweep.lines import line
from nnops.sweep.plan import make_plan
from nnops.sweep.show import list_studies, show_study
from nnops.sweep.study import Study
from nnops.sweep.table import draw, open_view
from nnops.sweep.words import duration, size


def text_of(renderable: object, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("view")
    params = sweep_params({"sweep.budget.trials": 30})
    sweep(project(folder, params), params)
    return folder


def test_show_prints_what_machines_read(root: Path) -> None:
    shown = json.loads(json.dumps(show_study(sweep_params(), root, "s").to_json(), allow_nan=False))
    assert {"name", "state", "objective", "trials", "best"} <= set(shown)
    assert shown["name"] == "s"
    assert shown["state"] == "complete"
    assert shown["objective"] == {"metric": "val_loss", "direction": "minimize"}
    assert [trial["number"] for trial in shown["trials"]] == list(range(30))
    assert set(shown["trials"][0]) >= {"number", "state", "value", "epochs", "config", "seconds", "run_id"}
    assert set(shown["best"]) >= {"number", "value", "config", "weights_sha256"}
    complete = [trial for trial in shown["trials"] if trial["state"] == "complete"]
    assert shown["best"]["value"] == min(trial["value"] for trial in complete)


def test_show_for_people(root: Path) -> None:
    shown = show_study(sweep_params(), root, "s")
    text = text_of(shown.table())
    best = shown.to_json()["best"]
    assert f"by trial {best['number']}" in text
    assert "30 trials" in text
    assert "and 10 more" in text
    assert "dropout" in text
    assert max(len(row) for row in text.splitlines()) <= 160


def test_an_open_trial_of_a_study_that_nobody_drives_is_unfinished(tmp_path: Path) -> None:
    study = tell_study(tmp_path, 2)
    study.begin({LR: 0.01}, {LR: 0.01}, {LR: study.space.by_key[LR].distribution()})
    text = text_of(show_study(study.params, tmp_path, "s").table())
    assert "1 unfinished" in text
    assert "running" not in text
    closed = Closed("s", "stopped", "asked", {"complete": 2, "running": 1}, None, None, 3.0)
    assert line(closed, Board()) == "s is stopped (asked) after 3.0 s: 2 complete, 1 unfinished"
    study.set("driver", json.dumps(asdict(this_process())))
    study.flush()
    assert "1 running" in text_of(show_study(study.params, tmp_path, "s").table())


def test_list(root: Path, tmp_path: Path) -> None:
    (record,) = list_studies(root)
    assert record["name"] == "s"
    assert record["trials"] == 30
    assert record["state"] == "complete"
    assert list_studies(tmp_path) == []
    with pytest.raises(InputError, match="no study 'x'"):
        show_study(sweep_params(), root, "x")


def test_the_live_table_tells_every_moment_and_never_breaks(tmp_path: Path) -> None:
    _, events = sweep(project(tmp_path))
    board = Board()
    assert "getting ready" in text_of(draw(board))
    for event in events:
        board.take(event)
        for width in (160, 60, 20):
            text_of(draw(board), width)
    text = text_of(draw(board))
    assert "6 of 6" in text
    assert "best" in text
    assert board.ended == 6
    lines = [line(event, board) for event in events]
    assert lines[0] == "s begins: minimize val_loss, 6 trials, random + asha, engine inline x 1"
    assert lines[-1] is not None
    assert lines[-1].startswith("s is complete (trials) after")
    assert any(each is not None and each.endswith("best so far") for each in lines)


def test_bars_count_the_trials_that_came_to_an_epoch_across_a_resume(tmp_path: Path) -> None:
    _, events = sweep(project(tmp_path))
    _, more = sweep(tmp_path, resume=True, trials=9)
    for told in (events, more):
        board = Board()
        for event in told:
            board.take(event)
        ended = [trial.epochs for trial in Study.open(tmp_path, "s").trials()[: board.ended]]
        assert board.reached == [sum(epochs >= epoch for epochs in ended) for epoch in range(1, max(ended) + 1)]


def test_plain_lines_where_output_is_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, events = sweep(project(tmp_path))
    with open_view() as view:
        for event in events:
            view(event)
    out, err = capsys.readouterr()
    assert out.startswith("s begins")
    assert err == ""
    with open_view(json=True) as view:
        for event in events:
            view(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(each)["event"] for each in err.splitlines()] == [event.kind for event in events]


def test_a_plan_starts_nothing_and_adds_up(tmp_path: Path) -> None:
    params = sweep_params({"sweep.engine": "auto", "sweep.budget.trials": 40, "sweep.pruner.name": "none"})
    plan = make_plan(params, project(tmp_path, params))
    assert not (tmp_path / ".nnops" / "studies").exists()
    assert plan.trials == 40
    assert plan.epochs_expected == 240
    assert plan.engine == "inline"
    assert 240 * plan.epoch_s <= plan.seconds <= 240 * plan.epoch_s + 5
    assert plan.gpus == plan.gpu_hours == 0
    record = json.loads(json.dumps(plan.to_json()))
    assert {"trials", "seconds", "memory_bytes", "disk_bytes", "gpus"} <= set(record)
    text = text_of(plan.table())
    assert "about" in text
    assert "40" in text


def test_auto_takes_the_engine_that_is_done_first(tmp_path: Path) -> None:
    many = sweep_params(
        {"sweep.engine": "auto", "sweep.workers": 64, "sweep.budget.trials": 100_000, "train.epochs": 500},
        {LR: {"float": [1e-4, 1e-1]}},
    )
    plan = make_plan(many, project(tmp_path, many))
    assert (plan.engine, plan.workers) == ("ray", 64)
    limited = make_plan(sweep_params({"sweep.budget.time": "2s", "sweep.budget.trials": 100_000}), tmp_path)
    assert limited.seconds == 2.0
    assert limited.budget_s == 2.0


def test_a_long_epoch_is_reckoned_from_its_beginning(tmp_path: Path) -> None:
    params = sweep_params({"train.batch_size": 1})
    whole = make_plan(params, project(tmp_path, params)).epoch_s
    assert whole > 0


def test_words() -> None:
    assert duration(59.6) == "60 s"
    assert duration(7260) == "2 h 1 min"
    assert size(0) == "0 B"
    assert size(1.5e9) == "1.5 GB"
