"""When trials ran: a time in which nothing ran is nobody's."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sweeps import project, sweep, sweep_params

from nnops.sweep.event import Event, Reported
from nnops.sweep.figures.seen import Seen
from nnops.sweep.figures.timeline import draw_timeline, without_pauses
from nnops.sweep.hours import Hours, hours, parts
from nnops.sweep.run import run_sweep
from nnops.sweep.study import Study
from nnops.tracking.null import NullTracker


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study that was stopped in the midst of trial 2, and resumed."""
    root = tmp_path_factory.mktemp("hours")
    params = sweep_params({"sweep.pruner.name": "none", "sweep.budget.trials": 4})
    stop = threading.Event()

    def look(event: Event) -> None:
        if isinstance(event, Reported) and (event.number, event.epoch) == (2, 3):
            stop.set()

    run_sweep(params, project(root, params), "s", tracker=NullTracker(), on_event=look, stop=stop)
    sweep(root, params, resume=True)
    return Study.open(root, "s")


def test_a_trial_that_was_stopped_and_gone_on_with_has_two_parts(study: Study) -> None:
    trials = study.trials()
    driven = hours(study, trials)
    assert len(driven) == 2
    assert driven[0][1] < driven[1][0]
    assert [len(parts(trial, driven)) for trial in trials] == [1, 1, 2, 1]
    (began, left), (again, ended) = parts(trials[2], driven)
    assert (began, ended) == (trials[2].began, trials[2].ended)
    assert left == driven[0][1]
    assert trials[2].again == (pytest.approx(again, abs=1e-2),)
    for trial in (trials[0], trials[1], trials[3]):
        assert parts(trial, driven) == [(trial.began, trial.ended)]


def test_a_driver_that_was_killed_lived_until_its_last_trial_began(study: Study) -> None:
    trials = study.trials()
    begun = hours(study, trials)[0][0]
    study.set("hours", [[begun, begun], study.attrs["hours"][1]])
    # Trial 2 reported later than it began; that is lost with the notes, and nothing before it.
    assert hours(study, trials)[0] == (begun, trials[2].began)


def test_the_timeline_leaves_out_what_nothing_ran_in(study: Study) -> None:
    trials = study.trials()
    first = trials[0].began
    spans = [(0.0, 4.0), (4.0, 6.0), (6.0, 100.0), (100.0, 104.0)]
    moved = [
        replace(trial, began=first + begin, ended=first + end, again=(first + 98.0,) if number == 2 else ())
        for number, (trial, (begin, end)) in enumerate(zip(trials, spans, strict=True))
    ]
    study.set("hours", [[first, first + 8.0], [first + 98.0, first + 104.0]])
    figure = draw_timeline(Seen(study, moved))
    assert figure is not None
    (axes,) = figure.axes
    bars = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.containers[0])
    assert bars == [pytest.approx(bar) for bar in [(0, 4), (4, 6), (6, 8), (8, 10), (10, 14)]]
    assert axes.get_xlim()[1] == pytest.approx(14)
    assert axes.get_title(loc="right") == "1 at once, 100% busy"
    assert [text.get_text() for text in axes.texts] == ["pause of 1 min 30 s"]
    assert figure.legends[0].get_texts()[0].get_text() == "complete (4)"


def test_a_long_study_keeps_few_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of reports every tenth of a second: the journal must not grow by each of them."""
    params = sweep_params({"sweep.budget.trials": 1})
    sweep(project(tmp_path, params), params)
    opened = Study.open(tmp_path, "s")
    clock = [1e9]
    monkeypatch.setattr("nnops.sweep.hours.time.time", lambda: clock[0])
    noted, journal = Hours(opened), next((tmp_path / ".nnops").rglob("journal.log"))
    before = journal.read_bytes().count(b'"hours"')
    noted.begin()
    for _ in range(864_000):
        clock[0] += 0.1
        noted.note()
        if clock[0] < 1e9 + 10:
            # Early on what a kill would lose is a second.
            assert clock[0] - opened.attrs["hours"][-1][1] < 1.1
    opened.flush()
    last = opened.attrs["hours"][-1][1]
    assert clock[0] - last < 0.011 * 86_400
    noted.end()
    opened.flush()
    assert 10 < journal.read_bytes().count(b'"hours"') - before < 1000
    assert opened.attrs["hours"][-1][1] == clock[0]


def test_a_short_wait_stays_in_the_timeline() -> None:
    spans, pauses = without_pauses([(10.0, 50.0), (51.0, 91.0)])
    assert spans == [(0.0, 40.0), (41.0, 81.0)]
    assert pauses == []


def test_without_notes_a_trial_is_whole(study: Study) -> None:
    trial = study.trials()[2]
    assert parts(trial, []) == [(trial.began, trial.ended)]
