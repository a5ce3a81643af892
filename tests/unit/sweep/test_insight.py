from pathlib import Path

import pytest
from sweeps import LR, project, sweep, sweep_params

from nnops.sweep.importance import importance
from nnops.sweep.insight import describe, draw, short_names
from nnops.sweep.study import Study

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
    paths = draw(study, study.trials(), tmp_path / "a")
    assert [path.name for path in paths] == ["history.png", "importance.png", "parallel.png"]
    again = draw(study, study.trials(), tmp_path / "b")
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    assert draw(study, [], tmp_path) == []
    assert [path.name for path in draw(study, study.trials()[:1], tmp_path)] == ["history.png"]


def test_the_note_is_a_table_with_the_best_first(study: Study) -> None:
    records = study.trials()
    best = study.best(records)
    assert best is not None
    text = describe(study, records)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert (
        rows[0].startswith("| trial | state | val_loss | epochs | seconds | hidden | optimizer.name |")
        or "lr" in rows[0]
    )
    assert rows[1].startswith(f"| {best.number} | complete | {best.value:.6g} |")
    assert "and 25 more" in text
    assert len({row.count("|") for row in rows}) == 1


def test_short_names_stay_apart() -> None:
    assert short_names(["a.b.lr", "a.c.lr", "x.width"]) == {"a.b.lr": "b.lr", "a.c.lr": "c.lr", "x.width": "width"}
    assert short_names(["model.name"]) == {"model.name": "model.name"}
