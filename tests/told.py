"""Studies told what trainings would have said, so that a thousand trials cost a second."""

import random
from pathlib import Path
from typing import Any

from sweeps import LR, sweep_params

from nnops.params import Params
from nnops.sweep.objective import Objective
from nnops.sweep.pruners import PRUNERS
from nnops.sweep.pruners.base import Curve
from nnops.sweep.samplers.base import propose
from nnops.sweep.samplers.random import Random
from nnops.sweep.space import Space
from nnops.sweep.study import Study

SPACE: dict[str, Any] = {
    LR: {"float": [1e-4, 1e-1], "log": True},
    "model.options.dropout": {"float": [0.0, 0.5]},
    "train.optimizer.name": {"choice": ["sgd", "adamw"]},
    "train.optimizer.options.momentum": {"float": [0.0, 0.95], "when": {"train.optimizer.name": "sgd"}},
    "train.batch_size": {"int": [16, 256], "log": True},
}


def told_params(config: dict[str, Any] | None = None) -> Params:
    """Params of a study of 27 epochs on iris with ASHA."""
    wanted = {"train.epochs": 27, "sweep.pruner.name": "asha", **(config or {})}
    return sweep_params(wanted, SPACE)


def tell_study(root: Path, count: int, params: Params | None = None, name: str = "s") -> Study:
    """A study whose ``count`` trials have curves that depend on their configs, and are stopped as its pruner says."""
    params = params or told_params()
    space = Space.parse(params.sweep.space)
    objectives = tuple(Objective(each.metric, each.direction) for each in params.sweep.objectives)
    study = Study.create(root, name, params, space, objectives, "0" * 64)
    pruner = PRUNERS.build(params.sweep.pruner.name, params.sweep.pruner.options, where="")
    sampler, curves, luck = Random(), list[Curve](), random.Random(3)
    for number in range(count):
        config, values, distributions = propose(sampler, study.optuna, space, params.seed, number, {})
        study.begin(config, values, distributions)
        end = 0.1 + 0.3 * abs(config["model.options.dropout"] - 0.2) + 20 * abs(config[LR] - 0.02) * luck.random()
        curve, state, value = Curve(number), "complete", 0.0
        curves.append(curve)
        for epoch in range(1, params.train.epochs + 1):
            value = end + 1.5 / epoch + luck.gauss(0, 0.02)
            study.report(number, epoch, value)
            curve.values[epoch] = value
            if epoch < params.train.epochs and pruner.judges(epoch, number, params.train.epochs, params.seed):
                others = [other for other in curves[:-1] if epoch in other.values]
                if pruner.prunes(curve, others, params.train.epochs, params.seed):
                    state = "pruned"
                    break
        result = {"seconds": 0.01 * len(curve.values), "fingerprint": "f" * 64, "weights_sha256": "a" * 64}
        study.end(number, state, [value] if state == "complete" else None, result if state == "complete" else {})
    study.set("ended", "trials")
    return study
