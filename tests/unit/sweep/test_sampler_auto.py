from pathlib import Path

from sweeps import LR, project, sweep, sweep_params

from nnops.params import Params, parse
from nnops.sweep.event import Opened
from nnops.sweep.samplers.auto import MANY, Choice, choose, chosen, combinations
from nnops.sweep.samplers.grid import Grid
from nnops.sweep.samplers.mobster import Mobster
from nnops.sweep.space import Space

RATE = {"float": [1e-4, 1.0], "log": True}
SMALL = Space.parse({"kind": {"choice": ["a", "b"]}, "layers": {"int": [1, 5]}, "x": {"int": [8, 16], "step": 8}})


def params(name: str, trials: int = 64, space: object = None) -> Params:
    written = {"sampler": {"name": name}, "budget": {"trials": trials}, "space": space or {"rate": RATE}}
    return parse({"sweep": written})


def test_a_grid_where_every_combination_fits_into_the_budget() -> None:
    choice = choose(SMALL, trials=20, objectives=1)
    assert isinstance(choice.sampler, Grid)
    assert choice.sampler.limit(SMALL) == 20
    assert choice.words == "grid (auto: all 20 combinations fit into the budget)"
    assert choose(SMALL, trials=19, objectives=1).name == "mobster"
    assert choose(SMALL, trials=20, objectives=2).name == "grid"


def test_ranges_without_end_and_logarithmic_ints_have_no_grid() -> None:
    assert combinations(Space.parse({"rate": RATE}), 10**6) is None
    assert combinations(Space.parse({"width": {"int": [1, 4], "log": True}}), 100) is None
    assert combinations(Space.parse({"width": {"int": [1, 10**9]}}), 100) is None
    assert combinations(Space.parse({"one": {"float": [0.5, 0.5]}, "two": {"choice": [1, 2]}}), 5) == (2, 2)
    # A condition leaves combinations out.
    tree = Space.parse({"kind": {"choice": ["a", "b"]}, "width": {"int": [1, 3], "when": {"kind": "a"}}})
    assert combinations(tree, 4) == (4, 3)
    assert combinations(tree, 3) is None


def test_what_fits_follows_from_keys_budget_and_objectives() -> None:
    one = Space.parse({"rate": RATE})
    wide = Space.parse({f"key{place}": RATE for place in range(40)})
    assert choose(one, 64, 1).words == "mobster (auto: one objective, 1 key, 64 trials)"
    assert choose(one, MANY + 1, 1).name == choose(wide, 64, 1).name == "bohb"
    assert choose(one, 64, 2).name == "tpe"


def test_params_that_name_a_sampler_get_it_and_the_same_params_choose_the_same() -> None:
    assert chosen(params("random")).words == "random"
    assert chosen(params("auto")) == chosen(params("auto"))
    assert chosen(params("auto")) == Choice(Mobster(), "mobster", "one objective, 1 key, 64 trials")
    assert chosen(params("auto", 30, {"kind": {"choice": list(range(30))}})).name == "grid"


def test_a_sweep_says_what_was_chosen_and_keeps_to_it_when_it_goes_on(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    written = sweep_params({"sweep.sampler.name": "auto", "train.epochs": 3}, space={LR: {"choice": [0.01, 0.1]}})
    summary, events = sweep(root, written, trials=1)
    assert summary.trials["complete"] == 1
    opened = next(event for event in events if isinstance(event, Opened))
    assert opened.sampler == "grid (auto: all 2 combinations fit into the budget)"
    summary, events = sweep(root, written, trials=50, resume=True)
    assert summary.why == "grid"
    assert sum(summary.trials.values()) == 2
    assert next(event for event in events if isinstance(event, Opened)).sampler == opened.sampler
