"""A study grows: by wider bounds, where its trials are kept, and by more epochs, where its best go on."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from sweeps import DROPOUT, LR, project, sweep, sweep_params

from nnops.errors import InputError
from nnops.params import Params, overlay
from nnops.sweep.event import Event
from nnops.sweep.grow import more_epochs
from nnops.sweep.run import run_sweep
from nnops.sweep.show import show_study
from nnops.sweep.study import Study, TrialRecord
from nnops.tracking.null import NullTracker

HIDDEN = "model.options.hidden"
SPACE: dict[str, Any] = {LR: {"float": [1e-3, 1e-2], "log": True}, HIDDEN: {"choice": [[4], [8]]}}
WIDER: dict[str, Any] = {
    LR: {"float": [1e-4, 1e-1], "log": True},
    HIDDEN: {"choice": [[16], [8], [4]]},
    DROPOUT: {"float": [0.0, 0.5]},
}


def params_of(config: dict[str, Any] | None = None, space: dict[str, Any] | None = None) -> Params:
    base = {"sweep.sampler": {"name": "tpe", "options": {"startup_trials": 4}}, "sweep.budget.trials": 8}
    return sweep_params(base | (config or {}), space or SPACE)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    params = params_of()
    root = project(tmp_path_factory.mktemp("ended"), params)
    sweep(root, params, name="old")
    return root


@pytest.fixture
def root(ended: Path, tmp_path: Path) -> Path:
    shutil.copytree(ended, tmp_path / "root")
    return tmp_path / "root"


def table(root: Path, name: str) -> list[Any]:
    return [
        (t.number, t.state, t.value, t.reports, t.weights_sha256, t.seconds, t.values, t.began, t.ended, t.uid)
        for t in Study.open(root, name).trials()
    ]


@pytest.mark.parametrize("order", ["async", "fixed"])
def test_wider_bounds_keep_all_trials_also_across_a_stop(root: Path, order: str) -> None:
    before = table(root, "old")
    params = params_of({"sweep.order": order, "sweep.lag": 3, "sweep.budget.trials": 12}, WIDER)
    summary, events = sweep(root, params, name="new", grows="old")
    assert next(event.text for event in events if event.kind == "note") == (
        "'old' grows; its 8 trials are trials of this study."
    )
    assert table(root, "new")[:8] == table(root, "old") == before
    assert len(table(root, "new")) == 12
    assert sum(event.kind == "asked" for event in events) == 4
    assert summary.best is not None
    best = Study.open(root, "old").best()
    assert best is not None
    assert (summary.best.value or 0) <= (best.value or 0)
    # A key that is tuned now had one value before.
    assert [trial.config[DROPOUT] for trial in Study.open(root, "new").trials()[:8]] == [0.0] * 8
    shown = show_study(params, root, "new").to_json()
    assert shown["budget"]["trials"] == len(shown["trials"]) == 12

    sweep(root, overlay(params, {"sweep.budget.trials": 9}), name="part", grows="old")
    Study.open(root, "old").delete()
    sweep(root, params, name="part", resume=True, trials=12)
    assert [row[:5] for row in table(root, "part")] == [row[:5] for row in table(root, "new")]


def from_the_start(root: Path, params: Params, name: str) -> list[Any]:
    """The trials of a grown study, each trained by itself from its first epoch on."""
    found: list[Any] = []
    for trial in Study.open(root, name).trials():
        alone = overlay(params, {"sweep.warm_start.configs": [trial.config], "sweep.budget.trials": 1})
        sweep(root, alone, name=f"{name}-{trial.number}")
        found += [bits(each) for each in Study.open(root, f"{name}-{trial.number}").trials()]
    return found


def bits(trial: TrialRecord) -> tuple[Any, ...]:
    return (trial.config, trial.reports, trial.value, trial.best_epoch, trial.weights_sha256, trial.fingerprint)


def first_note(events: list[Event]) -> str:
    return next(event.text for event in events if event.kind == "note")


def trained(events: list[Event]) -> list[tuple[int, int]]:
    """Trial and epoch of what was trained and not only told again."""
    return [(event.number, event.epoch) for event in events if event.kind == "reported" and event.seconds > 0]


STEP = {"train.schedule": {"name": "step", "options": {"every_epochs": 4, "warmup_epochs": 1}}}


@pytest.mark.parametrize("schedule", [{}, STEP | {"train.early_stopping": {"metric": "val_loss", "patience": 2}}])
def test_more_epochs_for_the_best_go_on_to_the_bits_of_a_training_from_the_start(
    root: Path, schedule: dict[str, Any]
) -> None:
    if schedule:
        sweep(root, params_of(schedule), name="step")
    old = Study.open(root, "step" if schedule else "old")
    complete = sorted((t for t in old.trials() if t.state == "complete"), key=lambda t: (t.value or 0.0, t.number))
    assert sorted(path.name for path in Path(old.checkpoints).iterdir()) == sorted(str(t.number) for t in complete[:3])
    base = params_of({"train.epochs": 10, **schedule})
    longer = more_epochs(base, old, 2, None)
    assert (longer.sweep.budget.trials, longer.sweep.pruner.name) == (2, "none")
    summary, events = sweep(root, longer, name="new", grows=old.name, top=2)
    trials = Study.open(root, "new").trials()
    assert [trial.config for trial in trials] == [trial.config for trial in complete[:2]]
    assert [bits(trial) for trial in trials] == from_the_start(root, longer, "new")
    assert trained(events) == [
        (t.number, epoch) for t in trials for epoch in range(complete[0].epochs + 1, t.epochs + 1)
    ]
    numbers = " and ".join(str(trial.number) for trial in complete[:2])
    assert first_note(events) == (
        f"'{old.name}' grows from 6 to 10 epochs, with which its trials do not compare; trials {numbers} go on where"
        " they ended."
    )
    assert summary.actual is not None
    assert summary.actual.epochs == len(trained(events))
    assert summary.plan is not None
    assert (summary.plan.epochs_expected, summary.plan.kept) == (8, 2)
    # More trials than the best are searched for as usual.
    assert more_epochs(base, old, 2, 20).sweep.budget.trials == 8
    assert more_epochs(params_of(schedule), old, 2, None) == params_of(schedule)
    # It grows again.
    further = more_epochs(overlay(longer, {"train.epochs": 12}), Study.open(root, "new"), 1, None)
    sweep(root, further, name="third", grows="new", top=1)
    assert [bits(trial) for trial in Study.open(root, "third").trials()] == from_the_start(root, further, "third")


def test_a_schedule_that_depends_on_the_epochs_is_trained_anew_and_so_is_what_was_not_kept(root: Path) -> None:
    cosine = {"train.schedule": {"name": "cosine"}}
    sweep(root, params_of(cosine | {"sweep.budget.trials": 2}), name="cosine")
    longer = more_epochs(params_of({"train.epochs": 8} | cosine), Study.open(root, "cosine"), 1, None)
    _, events = sweep(root, longer, name="new", grows="cosine", top=1)
    assert "is trained anew, since the schedule cosine depends on train.epochs." in first_note(events)
    assert len(trained(events)) == 8
    assert [bits(trial) for trial in Study.open(root, "new").trials()] == from_the_start(root, longer, "new")

    lost, damaged, _ = sorted(Path(Study.open(root, "old").checkpoints).iterdir())
    shutil.rmtree(lost)
    state = next(damaged.iterdir())
    state.write_bytes(b"\0" + state.read_bytes()[1:])
    longer = more_epochs(params_of({"train.epochs": 7}), Study.open(root, "old"), 8, None)
    _, events = sweep(root, longer, name="all", grows="old", top=8)
    assert first_note(events).endswith(
        f"go on where they ended; trial {lost.name} is trained anew, since no last state was kept (sweep.keep is 3)."
    )
    assert sorted(epoch for _, epoch in trained(events)) == sorted([*range(1, 8), *range(1, 8), 7])
    assert [bits(trial) for trial in Study.open(root, "all").trials()] == from_the_start(root, longer, "all")


def test_another_version_of_a_package_trains_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnops.training.train.environment", lambda threads, device: {"torch": "0"})
    longer = more_epochs(params_of({"train.epochs": 7}), Study.open(root, "old"), 1, None)
    _, events = sweep(root, longer, name="new", grows="old", top=1)
    assert first_note(events).endswith("is trained anew, since code, data or packages have changed.")
    assert len(trained(events)) == 7


def test_trials_that_another_version_made_are_kept_and_it_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = table(root, "old")
    monkeypatch.setattr("nnops.training.train.environment", lambda threads, device: {"torch": "0"})
    _, events = sweep(root, params_of({"sweep.budget.trials": 9}, WIDER), name="new", grows="old")
    assert first_note(events) == (
        "'old' grows; its 8 trials are trials of this study; code, data or packages have changed since, so their"
        " configs would come to other bits today."
    )
    assert table(root, "new")[:8] == before


def test_a_growth_that_is_killed_goes_on_without_the_old_study(root: Path) -> None:
    longer = more_epochs(params_of({"train.epochs": 40}), Study.open(root, "old"), 2, None)
    child = os.fork()
    if not child:

        def listen(event: Event) -> None:
            if event.kind == "reported" and (event.number, event.epoch) == (0, 9):
                os.kill(os.getpid(), signal.SIGKILL)

        run_sweep(longer, root, "new", on_event=listen, grows="old", top=2, tracker=NullTracker())
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    Study.open(root, "old").delete()
    _, events = sweep(root, longer, name="new", resume=True)
    # Neither the trial that ran nor the one that did not begins at its beginning.
    assert min(epoch for number, epoch in trained(events) if number == 0) >= 7
    assert min(epoch for number, epoch in trained(events) if number == 1) == 7
    assert [event for event in events if event.kind == "note"] == []
    assert [bits(trial) for trial in Study.open(root, "new").trials()] == from_the_start(root, longer, "new")


def test_a_beginning_that_was_cut_off_leaves_no_state_to_another_study(root: Path) -> None:
    longer = more_epochs(params_of({"train.epochs": 7}), Study.open(root, "old"), 1, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Study, "create", None)
        with pytest.raises(TypeError):
            sweep(root, longer, name="new", grows="old", top=1)
    folder = root / ".nnops" / "studies" / "new" / "checkpoints"
    assert list(folder.glob("0/*"))
    other = params_of({"sweep.budget.trials": 1, "sweep.keep": 0})
    _, events = sweep(root, other, name="new")
    assert trained(events) == [(0, epoch) for epoch in range(1, 7)]
    assert not list(folder.glob("*"))


def refused(root: Path, params: Params, match: str, name: str = "old") -> None:
    with pytest.raises(InputError, match=match) as error:
        sweep(root, params, name="new", grows=name)
    assert "\n" not in str(error.value)
    assert not (root / ".nnops" / "studies" / "new" / "study.json").exists()


def test_what_cannot_grow_is_said(root: Path) -> None:
    more = {"sweep.budget.trials": 12}
    first = Study.open(root, "old").trials()[0].config
    one = {HIDDEN: {"choice": [other for other in [[4], [8], [16]] if other != first[HIDDEN]]}}
    refused(
        root, params_of(more, SPACE | one), rf"drops model\.options\.hidden: \[{first[HIDDEN][0]}\], which trial 0 of"
    )
    refused(root, params_of(more, SPACE | {LR: {"float": [0.5, 0.9]}}), r"drops .*\.lr: 0\.00.*, so keep it\.")
    refused(root, params_of(more, {HIDDEN: SPACE[HIDDEN]}), r"sweep\.space drops .*\.lr")
    refused(root, params_of(None, WIDER), r"has 8 trials and sweep\.budget\.trials is 8, .* write --trials 16\.")
    refused(root, params_of(more | {"train.batch_size": 16}, WIDER), r"other params \(train\.batch_size\), so nothing")
    refused(root, params_of(more | {"seed": 9}), r"other params \(seed\)|other data")
    other = {"sweep.objective": {"metric": "val_accuracy", "direction": "maximize"}}
    refused(root, params_of(more | other, WIDER), "has another objective, so nothing of it compares; put that back, or")
    refused(root, params_of(more, WIDER), "no study 'odl'", name="odl")


def test_a_population_does_not_grow(root: Path) -> None:
    pbt = {"name": "pbt", "options": {"population": 2, "generations": 2}}
    params = params_of({"sweep.sampler": pbt, "sweep.pruner.name": "none", "sweep.budget.trials": 4})
    sweep(root, params, name="pbt")
    refused(root, params_of({"sweep.budget.trials": 12}, WIDER), "study 'pbt' is a population", name="pbt")


def test_a_study_that_has_not_ended_cannot_grow(root: Path) -> None:
    study = Study.open(root, "old", drive=True)
    config = study.trials()[0].config
    values = {key: study.space.by_key[key].encode(value) for key, value in config.items()}
    study.begin(config, values, {key: study.space.by_key[key].distribution() for key in config})
    study.flush()
    refused(root, params_of({"sweep.budget.trials": 12}, WIDER), "has 1 trial that has not ended; go on with 'nnops")
