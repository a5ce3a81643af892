import io
import math
from pathlib import Path
from typing import Any

import pytest
from sweeps import LR, project, sweep, sweep_params

from nnops.errors import InputError
from nnops.params import Params, overlay
from nnops.seeding import derive
from nnops.sweep.apply import apply_trial
from nnops.sweep.repeat import further_seeds, mean_interval, noise, summarize, winner
from nnops.sweep.show import show_study
from nnops.sweep.study import Study
from nnops.tracking.memory import MemoryTracker

REPEATS = {"sweep.repeats": {"top": 2, "seeds": 3}, "sweep.pruner.name": "none"}


def params_of(config: dict[str, Any] | None = None) -> Params:
    return sweep_params(REPEATS | (config or {}))


def runs_of(root: Path) -> list[Any]:
    study = Study.open(root, "s")
    return [(r.number, r.repeat, r.seed, r.state, r.values, r.reports, r.weights_sha256) for r in study.repeats()]


def test_the_winner_has_the_best_mean_over_further_seeds(tmp_path: Path) -> None:
    tracker = MemoryTracker()
    summary, events = sweep(project(tmp_path, params_of()), params_of(), tracker=tracker)
    study = Study.open(tmp_path, "s")
    trials, runs = study.trials(), study.repeats()
    assert (len(trials), len(runs)) == (6, 6)
    assert summary.trials["complete"] + summary.trials["pruned"] == 6
    best = sorted((t for t in trials if t.state == "complete"), key=lambda t: t.value or 0)[:2]
    seeds = [derive(3, f"repeat/{n}") % 2**31 for n in (1, 2, 3)]
    assert [(run.repeat, run.seed) for run in runs] == [(trial.number, seed) for trial in best for seed in seeds]
    # Every run spends its full fidelity, since nobody judges it on the way.
    assert {(run.state, run.epochs) for run in runs} == {("complete", 6)}
    repeated = summarize(study, trials, runs)
    won = winner(study, trials, repeated)
    assert won is not None
    assert won.means["val_loss"] == min(each.means["val_loss"] for each in repeated)
    assert summary.best is not None
    assert summary.best.number == won.trial.number == study.best().number  # type: ignore[union-attr]
    # Another seed gives other bits, so what was measured is noise.
    assert len({run.weights_sha256 for run in runs}) == 6
    assert noise(repeated)["val_loss"] > 0
    children = [run for run in tracker.runs.values() if run.info.kind == "trial"]
    assert len(children) == 12
    assert {run.info.tags["nnops.repeats_trial"] for run in children if "nnops.repeats_trial" in run.info.tags} == {
        str(trial.number) for trial in best
    }
    asked = [event for event in events if event.kind == "asked"]
    assert [event.repeat for event in asked] == [None] * 6 + [run.repeat for run in runs]


def test_a_repeat_is_what_that_seed_gives_by_itself(tmp_path: Path) -> None:
    from nnops.data.prepare import cached
    from nnops.sweep.trial import data_cache
    from nnops.training.train import train

    params = params_of()
    sweep(project(tmp_path, params), params)
    run = Study.open(tmp_path, "s").repeats()[0]
    alone = overlay(params, {**run.config, "seed": run.seed})
    trained = train(alone, cached(params, tmp_path, data_cache(tmp_path)))
    assert trained.weights_sha256 == run.weights_sha256


@pytest.mark.parametrize("cut", [7, 9])
def test_repeats_go_on_after_a_kill(tmp_path: Path, cut: int) -> None:
    params = params_of({"sweep.sampler.name": "tpe"})
    sweep(project(tmp_path / "whole", params), params)
    root = project(tmp_path / "cut", params)

    class Killed(BaseException):
        pass

    def listen(event: Any) -> None:
        if event.kind == "reported" and event.number == cut and event.epoch == 3:
            raise Killed

    from nnops.sweep.run import run_sweep
    from nnops.tracking.null import NullTracker

    with pytest.raises(Killed):
        run_sweep(params, root, "s", on_event=listen, tracker=NullTracker())
    summary, _ = sweep(root, params, resume=True)
    assert runs_of(root) == runs_of(tmp_path / "whole")
    assert summary.state == "complete"


def test_a_search_that_goes_on_does_not_see_repeats_and_repeats_the_new_best(tmp_path: Path) -> None:
    params = params_of({"sweep.sampler.name": "tpe", "sweep.sampler.options.startup_trials": 3})
    params = overlay(params, {"sweep.pruner.name": "asha"})
    root = project(tmp_path, params)
    sweep(root, params)
    sweep(root, params, resume=True, trials=14)
    study = Study.open(root, "s")
    plain = project(tmp_path / "plain", params)
    sweep(plain, overlay(params, {"sweep.repeats": None}), trials=14)
    assert [t.config for t in study.trials()] == [t.config for t in Study.open(plain, "s").trials()]
    tops = {each.trial.number for each in summarize(study, study.trials(), study.repeats())}
    assert all(sum(run.repeat == top for run in study.repeats()) == 3 for top in tops)
    assert winner(study, study.trials(), summarize(study, study.trials(), study.repeats())) is not None
    sweep(root, params, resume=True)
    assert len(study.repeats()) == len(Study.open(root, "s").repeats())


def test_repeats_of_a_front(tmp_path: Path) -> None:
    several = [{"metric": "val_loss"}, {"metric": "parameters"}]
    space = {LR: {"float": [1e-3, 1e-1], "log": True}, "model.options.hidden": {"choice": [[2], [8]]}}
    params = overlay(sweep_params(None, space), REPEATS | {"sweep.objective": several, "sweep.pruner.name": "none"})
    sweep(project(tmp_path, params), params)
    study = Study.open(tmp_path, "s")
    fronted = {trial.number for trial in study.front()}
    assert {run.repeat for run in study.repeats()} <= fronted
    best = study.best()
    assert best is not None
    assert best.number in {run.repeat for run in study.repeats()}


def test_what_is_shown_and_applied(tmp_path: Path) -> None:
    from rich.console import Console

    params = params_of()
    sweep(project(tmp_path, params), params)
    shown = show_study(params, tmp_path, "s")
    record = shown.to_json()
    assert len(record["trials"]) == 6
    assert len(record["repeats"]["trials"][0]["runs"]) == 3
    low, high = record["best"]["intervals"]["val_loss"]
    assert low < record["best"]["means"]["val_loss"] < high
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(shown.table())
    text = console.export_text()
    assert "repeated under 3 further seeds" in text
    assert "another seed moves val_loss by" in text
    assert "3/3" in text
    applied = apply_trial(tmp_path, "s")
    assert applied.number == record["best"]["number"]
    assert applied.why.startswith("best mean over 3 further seeds: val_loss ")
    with pytest.raises(InputError, match=r"trial 6 repeats trial . under another seed; apply that one"):
        apply_trial(tmp_path, "s", 6)
    with pytest.raises(InputError, match=r"write one of 0 to 5\."):
        apply_trial(tmp_path, "s", 66)


def test_a_lost_repeat_cannot_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnops.sweep import trial

    params = params_of()
    root = project(tmp_path, params)
    train = trial.Worker._train

    def flaky(self: Any, params: Params, data: Any, assignment: Any, report: Any) -> Any:
        if assignment.number == 6:
            raise ValueError("the moon is full")
        return train(self, params, data, assignment, report)

    monkeypatch.setattr(trial.Worker, "_train", flaky)
    summary, _ = sweep(root, params)
    study = Study.open(root, "s")
    assert study.repeats()[0].state == "failed"
    assert summary.best is not None
    assert summary.best.number == study.repeats()[-1].repeat != study.repeats()[0].repeat


def test_the_interval_is_students(tmp_path: Path) -> None:
    from scipy import stats

    values = [0.31, 0.28, 0.35, 0.30]
    mean, deviation, low, high = mean_interval(values)
    reference = stats.t.interval(0.95, 3, loc=mean, scale=deviation / math.sqrt(4))
    assert (low, high) == pytest.approx(reference)
    assert deviation == pytest.approx(stats.tstd(values))
    refused = overlay(sweep_params(None, {"seed": {"choice": [1, 2]}}), REPEATS)
    with pytest.raises(InputError, match=r"sweep\.space tunes the seed; leave one out"):
        sweep(project(tmp_path, refused), refused)
    assert further_seeds(study_without(tmp_path)) == []


def study_without(root: Path) -> Study:
    params = sweep_params()
    sweep(project(root / "w", params), params)
    return Study.open(root / "w", "s")


def test_the_plan_counts_repeats(tmp_path: Path) -> None:
    from nnops.sweep.plan import make_plan

    params = params_of({"sweep.engine": "inline"})
    root = project(tmp_path, params)
    made = make_plan(params, root)
    plain = make_plan(overlay(params, {"sweep.repeats": None}), root)
    assert (made.repeats, plain.repeats) == (6, 0)
    # Without early stopping, 6 trials and 6 repeats of 6 epochs.
    assert (made.epochs_expected, plain.epochs_expected) == (72, 36)
