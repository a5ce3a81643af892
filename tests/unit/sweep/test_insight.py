from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sweeps import LR, project, sweep, sweep_params

from nnops.sweep.figures.contour import surface_of
from nnops.sweep.figures.history import best_so_far, regrets
from nnops.sweep.figures.seen import Seen
from nnops.sweep.importance import importance
from nnops.sweep.insight import draw, short_names
from nnops.sweep.note import describe
from nnops.sweep.study import Study
from nnops.tracking.link import uids_of

SPACE = {
    "train.optimizer.name": {"choice": ["sgd", "adamw"]},
    LR: {"float": [1e-4, 1e-1], "log": True},
    "train.optimizer.options.momentum": {"float": [0.0, 0.9], "when": {"train.optimizer.name": "sgd"}},
    "model.options.hidden": {"choice": [[8], [16, 8]]},
    "train.schedule.options.warmup_epochs": {"float": [0.0, 1e-6]},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = tmp_path_factory.mktemp("insight")
    params = sweep_params({"sweep.budget.trials": 40}, SPACE)
    sweep(project(root, params), params)
    return Study.open(root, "s")


def test_the_rate_matters_and_a_warm_up_of_nothing_does_not(study: Study) -> None:
    weights = importance(study, study.trials())
    assert sum(weights.values()) == pytest.approx(1.0)
    assert set(weights) == set(SPACE)
    assert list(weights.values()) == sorted(weights.values(), reverse=True)
    assert weights[LR] > 2 * weights["train.schedule.options.warmup_epochs"]


def test_few_trials_have_no_importance(study: Study) -> None:
    assert importance(study, study.trials()[:6]) == {}
    assert importance(study, []) == {}


def test_the_order_agrees_with_optunas_ped_anova(study: Study) -> None:
    import optuna
    from optuna.trial import create_trial

    from nnops.sweep.importance import rank

    keys = [LR, "train.schedule.options.warmup_epochs"]
    ended = sorted(study.trials(), key=rank(study))
    scratch = optuna.create_study(sampler=optuna.samplers.RandomSampler())
    for place, record in enumerate(ended):
        scratch.add_trial(
            create_trial(
                value=float(place),
                params={key: record.config[key] for key in keys},
                distributions={key: study.space.by_key[key].distribution() for key in keys},
            )
        )
    theirs = optuna.importance.get_param_importances(
        scratch, evaluator=optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.15)
    )
    ours = importance(study, study.trials())
    assert sorted(keys, key=lambda key: theirs[key]) == sorted(keys, key=lambda key: ours[key])


def test_figures_are_drawn_and_their_bytes_repeat(study: Study, tmp_path: Path) -> None:
    seen = Seen(study, study.trials())
    paths = draw(seen, tmp_path / "a")
    names = ["history", "importance", "slices", "contour", "parallel", "rungs", "timeline"]
    assert [path.stem for path in paths] == names
    again = draw(Seen(study, study.trials()), tmp_path / "b")
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_few_trials_give_few_figures(study: Study, tmp_path: Path) -> None:
    assert draw(Seen(study, []), tmp_path) == []
    assert [path.stem for path in draw(Seen(study, study.trials()[:1]), tmp_path)] == ["history"]
    assert "contour" not in [path.stem for path in draw(Seen(study, study.trials()[:5]), tmp_path)]


def test_regret_falls_to_nothing(study: Study) -> None:
    seen = Seen(study, study.trials())
    steps = regrets(seen)
    assert [value for _, value in steps] == sorted((value for _, value in steps), reverse=True)
    assert steps[-1][1] == 0.0
    assert steps[-1][0] <= sum(trial.epochs for trial in seen.trials)
    assert best_so_far(seen)[-1].value == seen.best.value if seen.best else False


def test_values_far_off_are_drawn_at_the_edge(study: Study) -> None:
    trials = study.trials()
    worst = replace(trials[0], state="complete", value=1e6)
    _, high, clipped = Seen(study, [worst, *trials[1:]]).focus
    assert clipped
    assert high < 1e3
    assert Seen(study, [worst, *trials[1:]]).clip(1e6) == high


def test_a_surface_is_blank_far_from_all_trials() -> None:
    points = np.array([[0.1, 0.1], [0.12, 0.1], [0.9, 0.9], [0.9, 0.88]])
    surface = surface_of(points, np.array([0.0, 0.0, 1.0, 1.0]))
    rows, columns = (np.isfinite(surface).any(axis) for axis in (1, 0))
    assert np.isnan(surface[5, -5])
    assert rows.any()
    assert columns.any()
    assert np.nanmax(surface) > 0.9
    assert surface[8, 8] < 0.1


def test_configs_outside_the_space_are_drawn(study: Study, tmp_path: Path) -> None:
    strange = [
        replace(trial, config={LR: 5.0, "train.optimizer.name": "lion", "model.options.hidden": [99]})
        for trial in study.trials()[:3]
    ]
    names = [path.stem for path in draw(Seen(study, [*strange, *study.trials()[3:]]), tmp_path)]
    assert {"slices", "contour", "parallel"} <= set(names)


def test_the_note_links_trials_and_holds_what_fits(study: Study) -> None:
    seen = Seen(study, study.trials())
    assert seen.best is not None
    text = describe(seen, ("history", "slices"))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[0].startswith("| trial | state | val\\_loss | epochs | seconds |")
    assert rows[1].startswith(f"| [{seen.best.number}](run:{seen.best.uid}) | complete | {seen.best.value:.6g} |")
    assert "and 30 more" in text
    assert len({row.count("|") for row in rows}) == 1
    assert "[![history](image:figures/small/history.png)](artifact:figures/history.png)" in text
    assert "[slices](artifact:figures/slices.png)" in text
    assert seen.best.uid in uids_of(text)
    assert len(text) < 6000


def test_text_of_a_config_cannot_break_the_note(study: Study) -> None:
    trials = study.trials()
    evil = replace(trials[0], config={**trials[0].config, "model.options.hidden": "a|b](run:x)<img src=x>`\n#"})
    text = describe(Seen(study, [evil, *trials[1:4]]))
    assert "<img" not in text.replace("\\<img", "")
    assert "x" not in uids_of(text)


def test_short_names_stay_apart() -> None:
    assert short_names(["a.b.lr", "a.c.lr", "x.width"]) == {"a.b.lr": "b.lr", "a.c.lr": "c.lr", "x.width": "width"}
    assert short_names(["model.name"]) == {"model.name": "model.name"}
