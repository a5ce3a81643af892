"""judge(): the whole of params.yaml held against every component that it names, before any work."""

from pathlib import Path

from nnops.batch import Task
from nnops.catalog import unknown
from nnops.compression.compress import build_methods
from nnops.data import READERS
from nnops.data.prepared import Prepared
from nnops.errors import DataError, ParamsError
from nnops.evaluation.evaluate import check_metrics, fitting_metrics
from nnops.losses import LOSSES
from nnops.metrics import METRICS
from nnops.models import MODELS
from nnops.params import Params
from nnops.registry.gate import parse_gate
from nnops.training.optimizer import OPTIMIZERS
from nnops.training.schedule import SCHEDULES
from nnops.training.train import build_loss, build_model, choose_device

#: Numbers of the served variant that a gate names without a dot.
NUMBERS = ("latency_p50_ms", "latency_p95_ms", "size_bytes")


def judge(params: Params, root: Path = Path()) -> None:
    """Judge every component and its options; what needs the data is judged if the prepare stage has run.

    Raises:
        ParamsError: The first fault, with its key and what to write instead.
        NameUnknownError: A component does not exist; the message holds the nearest name.
        InputError: A GPU is asked for where there is none.
    """
    READERS.build(params.data.source.name, params.data.source.options, "data.source")
    if params.data.test is not None:
        READERS.build(params.data.test.name, params.data.test.options, "data.test")
    MODELS.build(params.model.name, params.model.options, "model")
    if params.loss is not None:
        LOSSES.build(params.loss.name, params.loss.options, "loss")
    OPTIMIZERS.build(params.train.optimizer.name, params.train.optimizer.options, "train.optimizer")
    SCHEDULES.build(params.train.schedule.name, params.train.schedule.options, "train.schedule")
    choose_device(params)
    build_methods(params)
    _judge_gate(params)

    data = _prepared(params, root)
    task = data.spec.task if data else params.data.task
    if data is not None:
        build_loss(params, data.spec)
        build_model(params, data.spec)
    if task != "auto":
        _judge_task(params, task)
    if params.sweep.space:
        _judge_sweep(params, data)


def _judge_gate(params: Params) -> None:
    """A plain name in the gate is a metric; names with a dot are known when there are numbers."""
    for condition in parse_gate(params.register_.gate):
        if "." not in condition.left and condition.left not in (*METRICS.names(), *NUMBERS):
            names = [*METRICS.names(), *NUMBERS]
            raise ParamsError(f"params.yaml: register.gate: {unknown('metric', condition.left, names)}")


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


def _judge_sweep(params: Params, data: Prepared | None) -> None:
    from nnops.sweep.check import check_networks, check_space
    from nnops.sweep.objective import Objective
    from nnops.sweep.pruners import PRUNERS
    from nnops.sweep.samplers import SAMPLERS
    from nnops.sweep.space import Space

    space = Space.parse(params.sweep.space)
    sampler = SAMPLERS.build(params.sweep.sampler.name, params.sweep.sampler.options, where="sweep.sampler")
    pruner = PRUNERS.build(params.sweep.pruner.name, params.sweep.pruner.options, where="sweep.pruner")
    sampler.limit(space)
    check_space(space, params)
    if "train.epochs" not in space.by_key:
        pruner.check(params.train.epochs)
    if data is not None:
        check_networks(space, params, data.spec)
        Objective.of(params.sweep.objective, data.spec.task)


def _prepared(params: Params, root: Path) -> Prepared | None:
    """The output of the prepare stage, where it is of these params."""
    from nnops.data.prepare import data_fingerprint
    from nnops.files import read_json

    note = root / ".nnops" / "prepared.json"
    if not note.exists():
        return None
    try:
        if read_json(note)["fingerprint"] != data_fingerprint(params, root):
            return None
        return Prepared.open(root / "artifacts" / "prepare")
    except ParamsError:
        raise
    except DataError:
        return None
