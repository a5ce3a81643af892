"""Population based training: who goes on with whose training, and the same bits alone, killed, resumed, on workers."""

import io
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from rich.console import Console
from sweeps import DROPOUT, LR, project, sweep, sweep_params

from nnops.data.prepare import cached
from nnops.errors import InputError
from nnops.params import Params, load, overlay
from nnops.sweep.actual import measure_actual
from nnops.sweep.apply import apply_trial
from nnops.sweep.event import Reported
from nnops.sweep.figures.lineage import draw_lineage
from nnops.sweep.figures.seen import Seen
from nnops.sweep.lineage import ancestors, generations, in_force
from nnops.sweep.names import studies
from nnops.sweep.page.build import build_page
from nnops.sweep.run import run_sweep
from nnops.sweep.samplers.pbt import Pbt, explore
from nnops.sweep.show import show_study, show_trial
from nnops.sweep.space import Space
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.trial import data_cache
from nnops.tracking.null import NullTracker
from nnops.training.train import train

POPULATION, GENERATIONS = 4, 3


def pbt(config: dict[str, Any] | None = None, space: dict[str, Any] | None = None) -> Params:
    options = {"population": POPULATION, "generations": GENERATIONS, "worst": 0.5}
    return sweep_params(
        {
            "sweep.sampler": {"name": "pbt", "options": options},
            "sweep.pruner.name": "none",
            "sweep.budget.trials": POPULATION * GENERATIONS,
            "train.epochs": 7,
        }
        | (config or {}),
        space,
    )


def table(trials: list[TrialRecord]) -> list[tuple[Any, ...]]:
    return [(t.number, t.state, t.config, t.parent, t.reports, t.value, t.weights_sha256) for t in trials]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[TrialRecord]]:
    root = project(tmp_path_factory.mktemp("whole"), pbt())
    summary, _ = sweep(root, pbt())
    assert (summary.state, summary.why) == ("complete", "generations")
    return root, Study.open(root, "s").trials()


def test_generations_end_where_they_should(whole: tuple[Path, list[TrialRecord]]) -> None:
    _, trials = whole
    assert [trial.number for trial in trials] == list(range(12))
    assert [trial.epochs for trial in trials] == [2] * 4 + [4] * 4 + [7] * 4
    assert [trial.state for trial in trials] == ["pruned"] * 8 + ["complete"] * 4
    assert trials[0].reason == "paused after epoch 2"
    assert all(list(trial.reports) == list(range(1, trial.epochs + 1)) for trial in trials)


def test_the_worst_go_on_from_the_best(whole: tuple[Path, list[TrialRecord]]) -> None:
    _, trials = whole
    replaced = 0
    for generation in (1, 2):
        before = trials[(generation - 1) * POPULATION : generation * POPULATION]
        ranked = sorted(before, key=lambda trial: trial.reports[trial.epochs])
        best, worst = ranked[:2], ranked[2:]
        for trial in trials[generation * POPULATION : (generation + 1) * POPULATION]:
            own = trials[trial.number - POPULATION]
            parent = trials[trial.parent] if trial.parent is not None else None
            assert parent is not None
            # The way so far is the parent's, and so are the reports.
            assert list(trial.reports.items())[: parent.epochs] == list(parent.reports.items())
            way = trial.config["train.changes"]
            if own in best:
                assert parent == own
                assert trial.config == own.config
            else:
                assert own in worst
                assert parent in best
                replaced += 1
                assert way[:-1] == parent.config["train.changes"]
                assert way[-1]["after"] == parent.epochs
                assert way[-1]["set"].keys() <= {LR, DROPOUT}
                assert in_force(trial.config) != in_force(parent.config)
    assert replaced == 4


def test_a_config_trained_alone_from_the_start_has_the_bits_of_the_trial(
    whole: tuple[Path, list[TrialRecord]],
) -> None:
    root, trials = whole
    params = pbt()
    data = cached(params, root, data_cache(root))
    changed = 0
    for trial in trials[-POPULATION:]:
        alone = train(overlay(params, trial.config), data)
        assert alone.weights_sha256 == trial.weights_sha256
        assert alone.fingerprint == trial.fingerprint
        assert [row["val_loss"] for row in alone.history] == list(trial.reports.values())
        changed += bool(trial.config["train.changes"])
    assert changed


def test_what_is_applied_is_the_whole_way(whole: tuple[Path, list[TrialRecord]]) -> None:
    root, trials = whole
    number = next(trial.number for trial in trials[-POPULATION:] if trial.config["train.changes"])
    applied = apply_trial(root, "s", number)
    assert applied.notes == ()
    params = load(root / "params.yaml")
    assert [change.model_dump() for change in params.train.changes] == trials[number].config["train.changes"]
    data = cached(params, root, data_cache(root))
    assert train(params, data).weights_sha256 == trials[number].weights_sha256


def test_lineage(whole: tuple[Path, list[TrialRecord]]) -> None:
    _, trials = whole
    found = ancestors(trials, 11)
    assert [trial.epochs for trial in found] == [4, 2]
    assert found[0].number == trials[11].parent
    assert ancestors(trials, 0) == []


def test_the_tree_is_drawn_and_its_generations_are_told(whole: tuple[Path, list[TrialRecord]]) -> None:
    root, trials = whole
    found = generations(trials)
    assert [trial.number for each in found for trial in each.members] == list(range(12))
    assert [each.epochs for each in found] == [2, 4, 7]
    # In place of the worse half, trainings of the better half are taken over.
    assert [each.taken for each in found] == [0, 2, 2]
    assert generations([replace(trial, parent=None) for trial in trials]) == []
    study = Study.open(root, "s")
    seen = Seen(study, trials)
    figure = draw_lineage(seen)
    assert figure is not None
    best = study.best(trials)
    assert best is not None
    line = [best.number, *(each.number for each in ancestors(trials, best.number))]
    axes = figure.axes[0]
    assert sorted(text.get_text() for text in axes.texts) == sorted(map(str, line))
    assert sum(len(each.get_paths()) for each in axes.collections if isinstance(each, LineCollection)) == 12
    shown = show_study(pbt(), root, "s")
    text = io.StringIO()
    Console(file=text, width=160).print(shown.table())
    rows = text.getvalue().splitlines()
    head = next(place for place, row in enumerate(rows) if row.startswith("generation"))
    assert [row.split()[:2] for row in rows[head + 1 : head + 4]] == [["1", "2"], ["2", "4"], ["3", "7"]]
    # What was inherited is trained once.
    assert measure_actual(study, trials).epochs == 4 * 7
    page = build_page(seen, "complete")
    assert "The population as a tree" in page
    for row in ("<dt></dt><dt>trials</dt>", "<dt>plan</dt><dd>12</dd>", "<dt>actual</dt><dd>12</dd>"):
        assert row in page


def test_what_is_shown_are_the_values_at_the_end_and_the_lineage(whole: tuple[Path, list[TrialRecord]]) -> None:
    root, trials = whole
    shown = show_trial(pbt(), root, "s", 11)
    last, first = trials[11], ancestors(trials, 11)[-1]
    assert shown.lineage == f"goes on with {last.parent} after epoch 4, {first.number} after epoch 2"
    assert shown.to_json()["parent"] == last.parent
    assert last.now[LR] == in_force(last.config)[LR]


@pytest.mark.parametrize("ended", [1, 6, 9])
@pytest.mark.parametrize("lost", [False, True])
def test_a_study_stopped_and_resumed_is_as_if_nothing_was(
    tmp_path: Path, whole: tuple[Path, list[TrialRecord]], ended: int, lost: bool
) -> None:
    root, stop = project(tmp_path, pbt()), threading.Event()

    def listen(event: Any) -> None:
        if isinstance(event, Reported) and event.number == ended and not event.replayed:
            stop.set()

    run_sweep(pbt(), root, "s", on_event=listen, stop=stop, tracker=NullTracker())
    assert Study.open(root, "s").state == "stopped"
    folder = studies(root) / "s" / "checkpoints"
    assert list(folder.iterdir())
    if lost:
        shutil.rmtree(folder)
    sweep(root, pbt(), resume=True)
    assert table(Study.open(root, "s").trials()) == table(whole[1])
    assert list(folder.glob("*")) == []


@pytest.mark.slow
def test_workers_train_the_same_ways(tmp_path: Path, whole: tuple[Path, list[TrialRecord]]) -> None:
    params = pbt({"sweep.order": "fixed", "sweep.lag": 3})
    tables = []
    for engine, workers in (("ray", 2), ("inline", 1)):
        root = project(tmp_path / engine, params)
        summary, _ = sweep(root, params, engine=engine, workers=workers)
        assert summary.why == "generations"
        tables.append(table(Study.open(root, "s").trials()))
    assert tables[0] == tables[1]


def test_members_that_cannot_be_trained_are_replaced(tmp_path: Path) -> None:
    params = pbt(space={LR: {"choice": [0.01, 1e30]}, "model.options.hidden": {"choice": [[4], [8]]}})
    sweep(project(tmp_path, params), params)
    trials = Study.open(tmp_path, "s").trials()
    assert {trial.state for trial in trials[:POPULATION]} == {"pruned", "infeasible"}
    lost = {trial.number for trial in trials if trial.state == "infeasible"}
    assert not lost & {trial.parent for trial in trials}
    assert trials[-1].state in ("complete", "infeasible")
    for trial in trials[POPULATION:]:
        assert trial.parent is not None
        hidden = trials[trial.parent].config["model.options.hidden"]
        assert trial.config["model.options.hidden"] == hidden


def test_explore_moves_numbers_and_keeps_the_shape() -> None:
    space = Space.parse(
        {
            LR: {"float": [0.001, 0.1], "log": True},
            "train.batch_size": {"int": [8, 64], "step": 8},
            "train.clip_norm": {"choice": [1.0, 2.0]},
            "model.options.hidden": {"int": [4, 64]},
        }
    )
    values = {LR: 0.09, "train.batch_size": 8, "train.clip_norm": 1.0, "model.options.hidden": 5}
    moved = [explore(space, values, np.random.RandomState(seed), anew=0.0) for seed in range(40)]
    assert {each["model.options.hidden"] for each in moved} == {5}
    assert {round(each[LR], 9) for each in moved} == {0.072, 0.1}
    assert {each["train.batch_size"] for each in moved} == {8, 16}
    assert all(isinstance(each["train.batch_size"], int) and "train.clip_norm" not in each for each in moved)
    anew = [explore(space, values, np.random.RandomState(seed), anew=1.0) for seed in range(5)]
    assert anew == [{"model.options.hidden": 5}] * 5


def test_generations_divide_the_epochs() -> None:
    sampler = Pbt(population=2, generations=4)
    assert [sampler.until(number, 10) for number in range(0, 8, 2)] == [2, 5, 7, None]


@pytest.mark.parametrize(
    ("config", "space", "words"),
    [
        ({"sweep.pruner.name": "asha"}, None, r"write pruner: \{name: none\}, got asha"),
        ({"sweep.budget.trials": 11}, None, "write sweep.budget.trials: 12 or a smaller population, got 11"),
        ({"train.epochs": 2}, None, "write fewer generations"),
        ({"train.early_stopping": {"patience": 2}}, None, "write train.early_stopping: null"),
        ({"train.changes": [{"after": 2, "set": {LR: 0.1}}]}, None, "decides train.changes itself"),
        ({"sweep.order": "fixed"}, None, "sweep.lag must be at most population=4, got 16"),
        ({}, {"model.options.hidden": {"choice": [[4], [8]]}}, "needs a key that a training can change"),
        ({}, {LR: {"float": [0.1, 1]}, "seed": {"int": [1, 3]}}, "take it out of sweep.space"),
        (
            {},
            {
                "train.batch_size": {"choice": [8, 16]},
                LR: {"float": [0.1, 1], "when": {"train.batch_size": 8}},
            },
            "take 'when' off",
        ),
        (
            {"sweep.objective": [{"metric": "val_loss"}, {"metric": "parameters"}]},
            None,
            "pbt optimises one objective, got 2",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    tmp_path: Path, config: dict[str, Any], space: dict[str, Any] | None, words: str
) -> None:
    params = pbt(config, space)
    with pytest.raises(InputError, match=words) as error:
        sweep(project(tmp_path, params), params)
    assert "\n" not in str(error.value)
    assert not (studies(tmp_path) / "s" / "study.json").exists()
