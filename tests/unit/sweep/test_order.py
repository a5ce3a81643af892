"""Order fixed: workers of any number and speed that die, drivers that die, and one table of trials."""

import json
import math
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sweeps import DROPOUT, LR, sweep_params

from nnops.report import Report
from nnops.sweep.budget import Limits
from nnops.sweep.conductor import Conductor
from nnops.sweep.engines.dispatch import Dispatch
from nnops.sweep.engines.hand import pack
from nnops.sweep.lease import Lease
from nnops.sweep.names import studies
from nnops.sweep.objective import Objective
from nnops.sweep.space import Space
from nnops.sweep.study import Study
from nnops.sweep.trial import Bench, Outcome

EPOCHS, TRIALS = 27, 60
LENGTHS = {
    LR: {"float": [1e-4, 1e-1], "log": True},
    DROPOUT: {"float": [0.0, 0.5]},
    "train.epochs": {"int": [4, EPOCHS]},
}
BENCH = Bench({}, "root", "data", "checkpoints", "val_loss")


def loss(config: dict[str, Any], epoch: int) -> float:
    """A training that is worth stopping: curves cross, and one corner diverges."""
    distance = (math.log10(config[LR]) + 2.5) ** 2 + config[DROPOUT]
    return math.nan if config[LR] > 0.06 and epoch == 3 else distance * (0.3 + 1 / epoch) + 1 / (epoch * distance + 1)


@dataclass
class Place:
    """Where one worker after the other trains, at a speed of its own."""

    name: str
    speed: float
    life: int = 0
    count: int = 0
    at_s: float = 0.0
    waits: bool = False
    order: dict[str, Any] | None = None
    epoch: int = 0
    stopped: bool = False
    kept: dict[int, int] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{self.name}/{self.life}"

    def say(self) -> str:
        """Train until somebody must be asked; what is said then."""
        self.count += 1
        self.waits = True
        if self.order is None:
            return pack(None, [], None)
        config, reports = self.order["config"], []
        epochs = config.get("train.epochs", EPOCHS)
        while self.epoch < epochs and not self.stopped:
            self.epoch += 1
            reports.append(Report(self.epoch, {"val_loss": loss(config, self.epoch)}, 0.1))
            if self.epoch in self.order["judged"]:
                return pack(self.order["number"], reports, None)
        value = loss(config, epochs)
        # The best configs are the ones that the constraint forbids.
        measures = {"parameters": 200.0 if config[DROPOUT] < 0.2 else 50.0}
        outcome = Outcome("complete", value, epochs, epochs, f"sha{value}", measures=measures)
        outcome = Outcome("told") if self.stopped else outcome
        return pack(self.order["number"], reports, outcome)

    def hear(self, answer: dict[str, Any], now_s: float) -> bool:
        """Take an answer; whether the worker is still needed."""
        self.waits = False
        self.at_s = now_s + self.speed
        if "go_on" in answer and "assignment" not in answer:
            self.stopped = not answer["go_on"]
            return True
        self.order, self.epoch, self.stopped = answer["assignment"], 0, False
        return self.order is not None


def run(root: Path, config: dict[str, Any], workers: int, luck: random.Random, deaths: float) -> list[tuple[Any, ...]]:
    """Drive a study to its end with workers that die, and drivers that do."""
    plain = {"train.epochs": EPOCHS, "sweep.budget.trials": TRIALS, "sweep.order": "fixed"}
    config = plain | config
    params = sweep_params({key: value for key, value in config.items() if key != "space"}, config.get("space"))
    space = Space.parse(params.sweep.space)
    Study.create(root, "s", params, space, (Objective("val_loss", "minimize"),), "hash")
    while True:
        lease = Lease(studies(root) / "s", "s")
        lease.take()
        study = Study.open(root, "s", drive=True)
        limits = Limits.of(params.sweep.budget).record()
        conductor = Conductor(study, lease, stop=threading.Event(), tell=lambda event: None, **limits)
        over = drive(conductor, workers, luck, deaths)
        lease.release()
        if over:
            return [(t.number, t.state, t.config, t.reports, t.value, t.weights_sha256) for t in study.trials()]


def drive(conductor: Conductor, workers: int, luck: random.Random, deaths: float) -> bool:
    """Until the study is over, or the driver dies."""
    dispatch = Dispatch(conductor, BENCH)
    places = {f"p{n}": Place(f"p{n}", luck.choice([0.1, 1.0, 1.0, 7.0])) for n in range(workers)}
    now_s = 0.0
    for _ in range(100_000):
        ready = sorted((place.at_s, name) for name, place in places.items() if not place.waits)
        if ready:
            now_s, name = ready[0]
            place = places[name]
            dispatch.hear(place.address, place.count + 1, place.say())
        if luck.random() < deaths / 8:
            return False
        if luck.random() < deaths:
            place = luck.choice(list(places.values()))
            dispatch.lose(place.name, f"reason {luck.random()}")
            # Some come back late, if at all.
            places[place.name] = Place(place.name, place.speed, place.life + 1, at_s=now_s + luck.choice([1, 50, 1e9]))
            if all(each.at_s >= 1e9 for each in places.values()):
                places[place.name].at_s = now_s
        answers = dispatch.answers()
        assert ready or answers, "everybody waits"
        for address, count, text in answers:
            name, _, life = address.partition("/")
            place = places.get(name)
            if place is None or str(place.life) != life or place.count != count:
                continue
            if not place.hear(json.loads(text), now_s + luck.random()):
                del places[name]
        if conductor.over and not conductor.running:
            return True
    raise AssertionError("the study does not end")


@pytest.mark.parametrize(
    "config",
    [
        {"sweep.sampler.name": "tpe", "sweep.pruner.name": "asha"},
        {"sweep.sampler.name": "tpe", "sweep.pruner.name": "asha", "sweep.constraints": ["parameters <= 100"]},
        {
            "sweep.sampler": {"name": "tpe", "options": {"multivariate": True, "constant_liar": True}},
            "sweep.pruner.name": "hyperband",
            "sweep.lag": 4,
        },
        {"sweep.sampler.name": "tpe", "sweep.pruner.name": "median", "sweep.lag": 5},
        {"sweep.sampler.name": "mobster", "sweep.pruner.name": "asha", "sweep.lag": 4, "space": LENGTHS},
    ],
    ids=["asha", "constrained", "hyperband", "median", "lengths"],
)
def test_one_seed_gives_one_table_whoever_is_faster_and_whatever_dies(
    tmp_path: Path, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnops.sweep.engines.dispatch.LOSSES", 1000)
    luck = random.Random(1)
    alone = run(tmp_path / "alone", config, 1, luck, 0.0)
    assert [row[0] for row in alone] == list(range(TRIALS))
    assert {row[1] for row in alone} == {"complete", "pruned", "infeasible"}
    for number, (workers, deaths) in enumerate([(2, 0.0), (7, 0.0), (1, 0.05), (4, 0.1)]):
        assert run(tmp_path / str(number), config, workers, luck, deaths) == alone


def test_budgets_cut_one_table_at_one_place_whatever_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnops.sweep.engines.dispatch.LOSSES", 1000)
    luck = random.Random(1)
    for key, limit in (("epochs", 200), ("patience", 20)):
        config = {"sweep.budget.trials": 1000, f"sweep.budget.{key}": limit, "sweep.lag": 5}
        alone = run(tmp_path / key / "alone", config, 1, luck, 0.0)
        assert 20 < len(alone) < 1000
        assert key == "patience" or sum(len(row[3]) for row in alone) == limit
        for number, (workers, deaths) in enumerate([(5, 0.0), (4, 0.1)]):
            assert run(tmp_path / key / str(number), config, workers, luck, deaths) == alone


def test_a_trial_that_broke_off_is_held_against_others_before_and_after_a_driver_dies(tmp_path: Path) -> None:
    params = sweep_params({"train.epochs": EPOCHS, "sweep.pruner.name": "asha"})
    Study.create(tmp_path, "s", params, Space.parse(params.sweep.space), (Objective("val_loss", "minimize"),), "hash")
    study = Study.open(tmp_path, "s", drive=True)
    lease = Lease(studies(tmp_path) / "s", "s")
    lease.take()

    def conductor() -> Conductor:
        return Conductor(study, lease, trials=9, seconds=None, stop=threading.Event(), tell=lambda event: None)

    first = conductor()
    trial = first.next()
    assert trial is not None
    assert first.report(trial.number, Report(1, {"val_loss": 0.3}, 0.1))
    assert not first.report(trial.number, Report(2, {"val_loss": math.nan}, 0.1))
    assert study.trials()[0].state == "infeasible"
    assert study.trials()[0].values == {}
    for driver in (first, conductor()):
        trial = driver.next()
        assert trial is not None
        assert not driver.report(trial.number, Report(1, {"val_loss": 0.4}, 0.1))
    assert [each.state for each in study.trials()] == ["infeasible", "pruned", "pruned"]
    lease.release()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_asynchronous_budget_of_epochs_is_spent_to_the_last_one_whatever_dies(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnops.sweep.engines.dispatch.LOSSES", 1000)
    config = {"sweep.order": "async", "sweep.budget.trials": 1000, "sweep.budget.epochs": 150}
    table = run(tmp_path, config, 4, random.Random(seed), 0.1)
    assert sum(len(row[3]) for row in table) == 150
    assert all(row[1] != "running" for row in table)


def test_without_it_they_differ(tmp_path: Path) -> None:
    config = {"sweep.order": "async", "sweep.sampler.name": "tpe"}
    luck = random.Random(1)
    assert run(tmp_path / "1", config, 1, luck, 0.0) != run(tmp_path / "4", config, 4, luck, 0.0)


def test_another_lag_is_another_search(tmp_path: Path) -> None:
    luck = random.Random(1)
    tables = [run(tmp_path / str(lag), {"sweep.lag": lag, "sweep.sampler.name": "tpe"}, 2, luck, 0.0) for lag in (2, 9)]
    assert tables[0] != tables[1]
