"""Engine virtual: the real conductor, sampler and pruner on a virtual clock."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.curves import Formula, regret
from benchmarks.search_quality import interval, kept, key, main, search, table
from nnops.params import parse
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines.virtual import Curves, HeldLease, Moment, Virtual, memory_study
from nnops.sweep.event import Event
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.trial import Bench

SPACE = {"x": {"float": [0.0, 1.0]}, "slow": {"int": [1, 3]}}


def line(config: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """Six epochs; x is the value, and an epoch lasts 1 to 3 seconds."""
    for epoch in range(1, 7):
        yield config["x"] + epoch / 1000, float(config["slow"])


def run(
    folder: Path,
    *,
    workers: int = 4,
    trials: int = 40,
    epochs: int | None = None,
    sampler: str = "random",
    pruner: str = "asha",
    curves: Curves = line,
    stop: threading.Event | None = None,
    order: str = "async",
) -> tuple[list[TrialRecord], list[Moment], Study, list[Event]]:
    written = {
        "objective": {"metric": "val_accuracy", "direction": "maximize"},
        "sampler": {"name": sampler},
        "pruner": {"name": pruner},
        "budget": {"trials": trials},
        "space": SPACE,
        "order": order,
    }
    params = parse({"seed": 5, "train": {"epochs": 6}, "sweep": written})
    study = memory_study("test", folder, params)
    told: list[Event] = []
    conductor = Conductor(
        study, HeldLease(), trials=trials, seconds=None, stop=stop or threading.Event(), tell=told.append
    )
    engine = Virtual(workers, curves, epochs)
    engine.run(conductor, Bench(params.record(), str(folder), None, str(folder), "val_accuracy"))
    return study.trials(), engine.moments, study, told


def lengths(config: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """A schedule as long as the training: who trains long learns late, and more."""
    epochs = config["train.epochs"]
    for epoch in range(1, epochs + 1):
        yield (1.0 + config["x"]) * (1.0 - (epoch / epochs) * epochs / 25), 1.0


def run_lengths(
    folder: Path, curves: Curves, trials: int, epochs: tuple[int, int], pruner: dict[str, Any]
) -> list[TrialRecord]:
    """Trials of so many epochs, by four workers."""
    params = parse(
        {
            "seed": 5,
            "sweep": {
                "objective": {"metric": "val_loss", "direction": "minimize"},
                "sampler": {"name": "random"},
                "pruner": pruner,
                "budget": {"trials": trials},
                "space": {"x": {"float": [0.0, 1.0]}, "train.epochs": {"int": [*epochs]}},
            },
        }
    )
    study = memory_study("lengths", folder, params)
    conductor = Conductor(
        study, HeldLease(), trials=trials, seconds=None, stop=threading.Event(), tell=lambda event: None
    )
    Virtual(4, curves).run(conductor, Bench(params.record(), str(folder), None, str(folder), "val_loss"))
    return study.trials()


def plain(records: list[TrialRecord]) -> list[Any]:
    return [(each.number, each.state, each.value, each.config, each.reports) for each in records]


@pytest.mark.parametrize("sampler", ["random", "bohb", "mobster"])
@pytest.mark.parametrize("workers", [1, 4, 16])
def test_one_seed_gives_one_table(tmp_path: Path, sampler: str, workers: int) -> None:
    one = run(tmp_path, sampler=sampler, workers=workers)
    two = run(tmp_path, sampler=sampler, workers=workers)
    assert plain(one[0]) == plain(two[0])
    assert one[1] == two[1]
    assert len(one[0]) == 40
    assert {record.state for record in one[0]} <= {"complete", "pruned"}


@pytest.mark.parametrize("sampler", ["bohb", "mobster"])
def test_a_fixed_order_gives_one_table_for_any_number_of_workers(tmp_path: Path, sampler: str) -> None:
    tables = [plain(run(tmp_path, sampler=sampler, workers=workers, order="fixed")[0]) for workers in (1, 3, 16)]
    assert len(tables[0]) == 40
    assert tables[0] == tables[1] == tables[2]


def test_epochs_end_in_the_order_of_time_and_so_many_workers_are_busy(tmp_path: Path) -> None:
    _, moments, _, _ = run(tmp_path, workers=3, pruner="none", trials=9)
    clocks = [moment.clock_s for moment in moments]
    assert clocks == sorted(clocks)
    assert len(moments) == 9 * 6
    # With 3 workers, trials 0, 1 and 2 start at once, and each lasts as long as its own epochs do.
    records, _, _, _ = run(tmp_path, workers=3, pruner="none", trials=9)
    ends = {moment.number: moment.clock_s for moment in moments if moment.complete}
    assert [ends[number] for number in range(3)] == [6 * records[number].config["slow"] for number in range(3)]
    spent = sum(record.config["slow"] * 6 for record in records)
    assert spent / 3 <= clocks[-1] <= spent / 3 + 6 * 3
    seen = defaultdict(list)
    for moment in moments:
        seen[moment.number].append(moment.epoch)
    assert all(epochs == [1, 2, 3, 4, 5, 6] for epochs in seen.values())


def test_a_stopped_trial_costs_its_epochs_alone(tmp_path: Path) -> None:
    records, moments, _, told = run(tmp_path)
    spent = Counter(moment.number for moment in moments)
    assert {record.epochs for record in records if record.state == "pruned"} <= {1, 3}
    assert all(spent[record.number] == record.epochs for record in records)
    assert all(record.epochs == 6 for record in records if record.state == "complete")
    ended = [event for event in told if event.kind == "ended"]
    assert len(ended) == 40
    assert sum(moment.complete for moment in moments) == sum(record.state == "complete" for record in records)


def test_it_leaves_after_so_many_epochs_and_what_ran_can_go_on(tmp_path: Path) -> None:
    records, moments, study, _ = run(tmp_path, epochs=25)
    assert len(moments) == 25
    assert Counter(record.state for record in records)["running"] == 4
    # Another driver makes the same trials again under their numbers and ends them.
    conductor = Conductor(study, HeldLease(), trials=20, seconds=None, stop=threading.Event(), tell=lambda _: None)
    Virtual(4, line).run(conductor, Bench({}, "", None, "", "val_accuracy"))
    assert conductor.over
    assert [record.number for record in study.trials()] == list(range(20))
    assert all(record.state in ("complete", "pruned") for record in study.trials())


def test_a_wish_to_stop_is_heard(tmp_path: Path) -> None:
    stop = threading.Event()

    def last(config: dict[str, Any]) -> Iterator[tuple[float, float]]:
        for epoch, moment in enumerate(line(config)):
            if epoch == 4:
                stop.set()
            yield moment

    records, _, _, _ = run(tmp_path, curves=last, stop=stop, pruner="none")
    assert 0 < len(records) < 40
    assert any(record.state == "running" for record in records)


def test_a_curve_that_ends_in_nan_is_infeasible(tmp_path: Path) -> None:
    def diverges(config: dict[str, Any]) -> Iterator[tuple[float, float]]:
        yield from line(config) if config["x"] < 0.5 else [(1.0, 1.0), (float("nan"), 1.0)]

    records, _, _, _ = run(tmp_path, curves=diverges, pruner="none")
    assert {record.state for record in records if record.config["x"] >= 0.5} == {"infeasible"}
    assert {record.state for record in records if record.config["x"] < 0.5} == {"complete"}


def test_searches_that_learn_beat_random_ones_on_a_formula() -> None:
    def mean(words: str) -> float:
        return sum(search(Formula(), "formula", words, seed, 4, 500)["regret"]["500"] for seed in range(2)) / 2

    blind = mean("random+none")
    assert mean("bohb+asha") < blind
    assert mean("mobster+asha") < blind


def test_the_benchmark_keeps_its_runs_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "runs.jsonl"
    words = ["--set", "formula", "--searches", "random+asha", "--epochs", "500", "--out", str(out)]
    main([*words, "--seeds", "1"])
    first = kept(out)
    out.write_text(out.read_text() + '{"set": "form')
    main([*words, "--seeds", "2"])
    assert "2 (2 seeds)" in capsys.readouterr().out
    # What was done is not done again, or its seconds would differ.
    assert kept(out)[0] == first[0]
    assert [key(run) for run in kept(out)] == [("formula", "formula", "random+asha", seed, 4) for seed in range(2)]


@pytest.mark.parametrize("sets", ["formula,fromula", "formula,formula"])
def test_sets_are_told_by_name(tmp_path: Path, sets: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["--set", sets, "--out", str(tmp_path / "runs.jsonl")])
    assert refusal.value.code == 2
    assert "must be some of even, odd, opda, opda_surrogate, formula, each once, by commas" in capsys.readouterr().err


def test_the_interval_is_over_seeds_of_means_over_tasks() -> None:
    task = Formula()
    assert regret(task, task.best) == 0
    assert regret(task, task.median) == 1
    runs = [
        {"set": "s", "task": str(place), "search": "a+b", "seed": seed, "workers": 1, "trials": 2, "complete": 1}
        | {"cpu_s": 0.1, "regret": {"500": None if place else 0.2 * seed}}
        for place in range(2)
        for seed in range(3)
    ]
    mean, half = interval(runs, "500")
    # The means over tasks are .5, .6 and .7.
    assert mean == pytest.approx(0.6)
    assert half == pytest.approx(4.302653 * 0.1 / 3**0.5)
    assert "| a+b | 1 | 0.600 ± 0.248 | 2 | 1.0 | 6 (3 seeds) | 50.0 |" in table(runs)


def test_a_short_training_is_not_held_against_the_beginning_of_a_long_one(tmp_path: Path) -> None:
    records = run_lengths(tmp_path, lengths, 60, (4, 20), {"name": "asha"})
    # At every epoch the short ones look better; at their ends the long ones are.
    best = min((record for record in records if record.state == "complete"), key=lambda each: each.value or 0.0)
    assert best.config["train.epochs"] > 15
    stopped = [record for record in records if record.state == "pruned"]
    assert len(stopped) > 10
    ends = [shares(record) for record in stopped]
    # Whoever is stopped is so at the same few shares of its training.
    assert len({round(end, 1) for end in ends}) <= 6


def shares(record: TrialRecord) -> float:
    """The part of its training that a trial had."""
    return record.epochs / int(record.config["train.epochs"])


def shares_alone(config: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """What a training shows depends on the share of it that is done, and on x."""
    for epoch in range(1, config["train.epochs"] + 1):
        yield (1.0 + config["x"]) * (1.0 - 0.8 * epoch / config["train.epochs"]), 1.0


def test_a_warm_up_is_of_a_trials_own_epochs(tmp_path: Path) -> None:
    records = run_lengths(tmp_path, shares_alone, 300, (5, 27), {"name": "median", "options": {"warmup_epochs": 3}})
    assert min(record.epochs for record in records if record.state == "pruned") == 4


def test_lengths_that_make_no_difference_end_alike(tmp_path: Path) -> None:
    records = run_lengths(tmp_path, shares_alone, 300, (5, 27), {"name": "asha"})[50:]
    ends = {
        long: [r.state == "complete" for r in records if (r.config["train.epochs"] > 16) == long]
        for long in (False, True)
    }
    short, long = (sum(each) / len(each) for each in ends.values())
    assert 0 < short < 0.4
    assert abs(short - long) < 0.1
    # The better half of the values is the better half whatever its length.
    assert not any(record.state == "complete" and record.config["x"] > 0.5 for record in records)
