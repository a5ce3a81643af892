"""judge(): the whole of params.yaml held against every component that it names, before any work."""

from pathlib import Path
from typing import NoReturn

from nnops.batch import Task
from nnops.catalog import unknown
from nnops.compression.compress import build_methods
from nnops.data import READERS
from nnops.data.augmentations.base import build_augment
from nnops.data.prepare import source_files
from nnops.data.prepared import Prepared
from nnops.errors import ParamsError
from nnops.evaluation.evaluate import check_metrics, fitting_metrics
from nnops.evaluation.fairness import CLASS_GAPS, VALUE_GAPS, gap_names
from nnops.evaluation.groups import find_column
from nnops.evaluation.robustness import check_robustness
from nnops.evaluation.threshold import WHERE
from nnops.listed import check_listed
from nnops.losses import LOSSES
from nnops.metrics import METRICS
from nnops.models import MODELS
from nnops.params import Params, Threshold
from nnops.registry.gate import parse_gate
from nnops.training.adversary import build_adversary
from nnops.training.attacks import ATTACKS
from nnops.training.ensemble import alone, members
from nnops.training.fairness import check_fairness
from nnops.training.fold import check_folds
from nnops.training.optimizer import OPTIMIZERS
from nnops.training.plan import build_plan
from nnops.training.schedule import SCHEDULES
from nnops.training.train import build_loss, build_model, choose_device, fit_loss, own_sources
from nnops.training.transfer import begin, freeze, transfer_of

#: Numbers of the served variant that a gate names without a dot.
NUMBERS = ("latency_p50_ms", "latency_p95_ms", "reproduced", "size_bytes")

#: Gaps between groups, known where groups are compared.
GAPS = (*CLASS_GAPS, *VALUE_GAPS)


def judge(params: Params, root: Path = Path()) -> None:
    """Judge every component and its options, and how they fit the data, which are prepared if they have not been.

    Raises:
        ParamsError: The first fault, with its key and what to write instead.
        NameUnknownError: A component does not exist; the message holds the nearest name.
        DataError: The data are not there, or wrong.
        InputError: A GPU is asked for where there is none, or a stage does not depend on a file that it reads.
    """
    from nnops.sweep.ready import find_data

    READERS.build(params.data.source.name, params.data.source.options, "data.source")
    if params.data.test is not None:
        READERS.build(params.data.test.name, params.data.test.options, "data.test")
    if params.data.edges is not None:
        READERS.build(params.data.edges.source.name, params.data.edges.source.options, "data.edges.source")
    MODELS.build(params.model.name, params.model.options, "model")
    if params.loss is not None:
        LOSSES.build(params.loss.name, params.loss.options, "loss")
    OPTIMIZERS.build(params.train.optimizer.name, params.train.optimizer.options, "train.optimizer")
    SCHEDULES.build(params.train.schedule.name, params.train.schedule.options, "train.schedule")
    choose_device(params)
    build_methods(params)
    _judge_gate(params)

    check_listed(source_files(params, root), root, "prepare", params.record())
    check_listed(own_sources(params), root, "train", params.record())
    data = find_data(params, root)
    check_folds(params, data)
    for member in members(params):
        fit_loss(build_loss(member, data.spec), data)
        check_fairness(member, data)
        build_plan(member, data.spec, 1.0)
        model = build_model(member, data.spec)
        transfer = transfer_of(member)
        if transfer is not None:
            freeze(model, begin(model, transfer), transfer)
        build_augment(member.train.augment, data)
        build_adversary(member, data)
    _judge_task(params, data.spec.task)
    _judge_groups(params, data)
    check_robustness(params, data)
    if params.sweep.space:
        _judge_sweep(params, root, data)


def _judge_gate(params: Params) -> None:
    """A plain name in the gate is a metric; names with a dot are known when there are numbers."""
    names = [*METRICS.names(), *NUMBERS, *_robust(params), *(GAPS if params.data.groups else ())]
    for condition in parse_gate(params.register_.gate):
        if condition.left.partition(".")[0] in GAPS and not params.data.groups:
            raise ParamsError(
                f"params.yaml: register.gate: {condition.left} is a gap between groups, and none are compared; name"
                " their columns in data.groups, such as [sex]."
            )
        gap, dot, column = condition.left.partition(".")
        if gap in GAPS and dot and column not in (*params.data.groups, "intersection"):
            known = [*params.data.groups, "intersection"]
            raise ParamsError(f"params.yaml: register.gate: {condition.left}: {unknown('group column', column, known)}")
        for name in (condition.left, condition.right):
            if isinstance(name, str) and "." not in name and name not in names:
                _refuse(name, names)


def _refuse(name: str, names: list[str]) -> NoReturn:
    way = next((way for way in ("corruption", *ATTACKS.names()) if name.startswith(f"{way}_")), None)
    if way is not None and name.removeprefix(f"{way}_") in METRICS.names():
        asked = "evaluate.robustness" if way == "corruption" else f"{{name: {way}}} in evaluate.robustness.attacks"
        raise ParamsError(f"params.yaml: register.gate: '{name}' is not measured; ask for it by {asked}.")
    raise ParamsError(f"params.yaml: register.gate: {unknown('metric', name, names)}")


def _robust(params: Params) -> list[str]:
    """Names of what is measured on damaged rows and on slices, whatever the primary metric is."""
    asked = params.evaluate.robustness
    ways = ["worst_slice"] if params.evaluate.slices else []
    ways += ["corruption", *(attack.name for attack in asked.attacks)] if asked else []
    return [f"{way}_{metric}" for way in ways for metric in METRICS.names()]


def _judge_task(params: Params, task: Task) -> None:
    from nnops.compression.choice import read_limits

    check_metrics(params, task)
    read_limits(params, task)
    if params.train.early_stopping is not None:
        watched = params.train.early_stopping.metric
        known = ["val_loss", "train_loss", *(f"val_{name}" for name in fitting_metrics(task))]
        if watched not in known:
            raise ParamsError(
                f"params.yaml: train.early_stopping.metric: {unknown(f'metric of the task {task}', watched, known)}"
            )


def _judge_groups(params: Params, data: Prepared) -> None:
    """Gaps in the gate are those of the task, and thresholds by group are by a column that is compared."""
    known = gap_names(data.spec.task)
    for condition in parse_gate(params.register_.gate):
        name = condition.left.partition(".")[0]
        if name in GAPS and name not in known:
            raise ParamsError(f"params.yaml: register.gate: {unknown(f'gap of a {data.spec.task} task', name, known)}")
    asked = params.evaluate.threshold
    if isinstance(asked, Threshold) and asked.by is not None:
        find_column(data, asked.by, f"{WHERE}.by")


def _judge_sweep(params: Params, root: Path, data: Prepared) -> None:
    from nnops.sweep.check import check_networks
    from nnops.sweep.ready import get_ready

    # The sweep that an ensemble came from may stay where it is.
    params = alone(params)
    check_networks(get_ready(params, root).space, params, data.spec)
