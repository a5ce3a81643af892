"""What figures of a study show: most of what there is, counted whole, in plain numbers."""

import doctest
import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sweeps import project, sweep, sweep_params

from nnops.sweep.figures.history import draw_history
from nnops.sweep.figures.rungs import draw_rungs
from nnops.sweep.figures.seen import Seen
from nnops.sweep.study import Study, TrialRecord


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    root: Path = tmp_path_factory.mktemp("figures")
    sweep(project(root), sweep_params({"sweep.budget.trials": 2}))
    return Study.open(root, "s")


def trial(number: int, curve: list[float], state: str = "complete") -> TrialRecord:
    reports = dict(enumerate(curve, 1))
    values = {"val_loss": curve[-1]} if state == "complete" else {}
    return TrialRecord(
        number, state, curve[-1], len(curve), {}, 1.0, str(number), reports, ended=float(number), values=values
    )


def rmse() -> list[TrialRecord]:
    """Eleven complete trials of three epochs, five that were stopped after the first, and one that went astray."""
    random = np.random.default_rng(0)
    complete = [
        trial(n, [60e3 + float(a), 54e3 + float(b), 50e3 + float(c)])
        for n, (a, b, c) in enumerate(random.normal(0, 2e3, (11, 3)))
    ]
    slow = [replace(each, value=each.value and each.value + 6e3) for each in complete[8:]]
    stopped = [trial(11 + n, [float(v)], "pruned") for n, v in enumerate(random.normal(63e3, 2e3, 5))]
    return [*complete[:8], *slow, *stopped, trial(16, [1e9], "pruned")]


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_curves_show_most_reports_and_every_trial_that_was_stopped(study: Study) -> None:
    trials = rmse()
    figure = draw_rungs(Seen(study, trials))
    assert figure is not None
    low, high = figure.axes[0].get_ylim()
    reports = [value for each in trials for value in each.reports.values()]
    assert np.mean([low <= value <= high for value in reports]) >= 0.9
    # The one that went astray does not press the others flat.
    assert high < 80e3
    offsets = [np.asarray(each.get_offsets()) for each in figure.axes[0].collections]
    (dots_N2,) = [each for each in offsets if len(each) == 6]
    assert ((low <= dots_N2[:, 1]) & (dots_N2[:, 1] <= high)).all()
    # Beside the lines, not on them.
    assert figure.axes[0].get_legend() is None
    assert {"complete (11)", "stopped early (6)"} <= set(legend(figure))
    for axes in figure.axes:
        ticks = [*axes.get_xticks(), *(axes.get_yticks() if axes is figure.axes[1] else [])]
        assert all(float(tick).is_integer() for tick in ticks)


def test_complete_trials_are_in_the_history_and_all_counted(study: Study) -> None:
    seen = Seen(study, rmse())
    assert all(seen.inside(each) for each in seen.complete)
    figure = draw_history(seen)
    assert figure is not None
    assert legend(figure) == ["stopped early (6)", "complete (11)", "of these off the scale (1)", "best so far"]
    assert "e+" not in figure.axes[0].get_title(loc="right")
    astray = [*(trial(n, [1.0 + n / 10]) for n in range(10)), trial(10, [1e9])]
    assert "complete (11)" in legend(draw_history(Seen(study, astray)))
    assert "of these off the scale (1)" in legend(draw_history(Seen(study, astray)))


def test_nothing_is_left_out_for_a_little_room(study: Study) -> None:
    seen = Seen(study, [trial(n, [1.0 + n / 10], "pruned" if n > 5 else "complete") for n in range(20)])
    assert seen.focus == (1.0, 2.9, False)


def test_the_best_has_no_regret_at_its_mark(study: Study) -> None:
    figure = draw_history(Seen(study, [trial(0, [3.0]), trial(1, [2.0]), trial(2, [1.0])]))
    assert figure is not None
    regret = figure.axes[1]
    labels = dict(zip([text.get_text() for text in regret.get_yticklabels()], regret.get_yticks(), strict=True))
    assert list(labels) == ["0", "1", "2"]
    assert labels["0"] == np.asarray(regret.collections[0].get_offsets())[0, 1] < 1.0
    assert all(float(tick).is_integer() for tick in regret.get_xticks())


@pytest.mark.parametrize("name", ["hours", "figures.history", "figures.timeline"])
def test_doctests(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"nnops.sweep.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
