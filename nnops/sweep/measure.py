"""What is measured of a trial beside the metrics of its epochs, for further objectives and for constraints.

parameters                     numbers that the network learns
torch_fp32.size_bytes          size and latencies of the trained network, of its ONNX graph (onnx_fp32.*) and of what
onnx_int8.latency_p50_ms       the methods of params.yaml's compress section make of it; names of the compress stage
onnx_int8.val.accuracy         metrics of these on the val split
fairness_gap.COLUMN            largest difference between groups of a categorical column in the share of rows that are
                               given one class (demographic parity, Dwork et al. 2012), on the val split
val_accuracy, train_loss ...   of the epoch that the weights belong to
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from nnops.batch import Spec
from nnops.data.prepared import Prepared
from nnops.errors import DataError, TrainingError
from nnops.metrics import METRICS
from nnops.params import Params
from nnops.sweep.objective import GAP, GROUP_ROWS, LOSSES

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from nnops.compression.cost import Subject
    from nnops.evaluation.baselines.base import Predict
    from nnops.training.train import Trained

Direction = Literal["minimize", "maximize"]
PARAMETERS = "parameters"
#: Known before a trial trains, so a config that breaks its constraint costs no epoch.
BEFORE = (PARAMETERS,)
_COSTS: dict[str, Direction] = {
    "size_bytes": "minimize",
    "latency_p50_ms": "minimize",
    "latency_p95_ms": "minimize",
    "batch_latency_p50_ms": "minimize",
    "batch_latency_p95_ms": "minimize",
    "throughput_rows_per_s": "maximize",
}


def known_measures(params: Params, data: Prepared) -> dict[str, Direction]:
    """Everything that can be measured of a trial, and which way is better.

    Raises:
        ParamsError: A method of the compress section is wrong.
    """
    from nnops.compression import EXPORTED, REFERENCE
    from nnops.compression.compress import build_methods

    metrics = {name: METRICS.load(name) for name in METRICS.names()}
    fitting: dict[str, Direction] = {n: m.direction for n, m in metrics.items() if data.spec.task in m.tasks}
    known: dict[str, Direction] = {f"val_{name}": direction for name, direction in fitting.items()}
    known |= dict.fromkeys(LOSSES, "minimize")
    known[PARAMETERS] = "minimize"
    for variant in (REFERENCE, EXPORTED, *(method.variant for method in build_methods(params))):
        known |= {f"{variant}.{name}": direction for name, direction in _COSTS.items()}
        known |= {f"{variant}.val.{name}": direction for name, direction in fitting.items()}
    if data.spec.task in ("binary", "multiclass"):
        known |= {f"{GAP}{column}": "minimize" for column in grouping_columns(data)}
    return known


def grouping_columns(data: Prepared) -> list[str]:
    """Categorical columns of which at least two groups have enough val rows."""
    names = [column["name"] for column in data.schema.get("columns", []) if column["kind"] == "categorical"]
    return [name for name in names if len(_groups(data, name)) > 1]


def count_parameters(params: Params, spec: Spec) -> int:
    """How many numbers the network of these params learns; it is built without memory."""
    import torch

    from nnops.models import MODELS

    with torch.device("meta"):
        module = MODELS.build(params.model.name, params.model.options, where="model").build(spec)
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad)


def measure_trained(
    names: Iterable[str], trained: "Trained", params: Params, data: Prepared, root: "Path"
) -> dict[str, float]:
    """Measure a trained model.

    Args:
        names: Some of :func:`known_measures`.
        trained: What the training gave.
        params: What it was trained with.
        data: What it was trained on.
        root: The project's folder; costs are kept in its ``.nnops/cost``.

    Raises:
        TrainingError: A number is not defined for this model or these rows.
    """
    names = list(names)
    found: dict[str, float] = {name: trained.best[name] for name in names if name in trained.best}
    if PARAMETERS in names:
        found[PARAMETERS] = float(count_parameters(params, data.spec))
    rest = [name for name in names if name not in found]
    if rest:
        found |= _measure_model(rest, trained, params, data, root)
    missing = next((name for name in names if name not in found), None)
    if missing:
        raise TrainingError(f"{missing} is not defined on the {data.rows('val')} rows of the val split.")
    return found


def gap(label_N: "np.ndarray", groups: "Mapping[Any, np.ndarray]") -> float:
    """The largest difference between two groups in the share of their rows that are given one class.

    >>> import numpy as np
    >>> gap(np.array([1, 1, 0, 0]), {"a": np.array([0, 1, 2]), "b": np.array([3])})
    0.6666666666666666
    """
    import numpy as np

    shares_GC = np.array(
        [[float((label_N[rows_M] == code).mean()) for code in np.unique(label_N)] for rows_M in groups.values()]
    )
    return float((shares_GC.max(0) - shares_GC.min(0)).max())


def _measure_model(
    names: list[str], trained: "Trained", params: Params, data: Prepared, root: "Path"
) -> dict[str, float]:
    from dataclasses import asdict

    from nnops.compression import EXPORTED, REFERENCE
    from nnops.compression.compress import build_methods, build_subject
    from nnops.compression.cost import measure_costs
    from nnops.compression.export import export_onnx
    from nnops.compression.graph import Graph
    from nnops.compression.method import Source
    from nnops.evaluation.evaluate import measure
    from nnops.evaluation.predict import network, predict_rows, read_rows
    from nnops.training.artifact import TrainedModel, rebuild

    record = {"model": params.model.model_dump(mode="json"), "spec": data.spec.to_json()}
    model = TrainedModel(rebuild(record, trained.weights), record)
    wanted = {name.partition(".")[0] for name in names}
    calls: dict[str, Predict] = {REFERENCE: network(model)}
    contents: dict[str, bytes] = {}
    if wanted - {REFERENCE, GAP.rstrip(".")}:
        contents[EXPORTED] = export_onnx(model)
        source = Source(model, contents[EXPORTED], data, params.seed)
        contents |= {m.variant: m.apply(source) for m in build_methods(params) if m.variant in wanted}
        calls |= {name: Graph(content) for name, content in contents.items()}

    rows = read_rows(data, "val")
    subjects: dict[str, Subject] = {}
    found: dict[str, float] = {}
    for variant, call in calls.items():
        prefix = f"{variant}.val."
        metrics = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        if metrics:
            seen = measure(predict_rows(call, rows, data), {name: METRICS.build(name, {}) for name in metrics})
            found |= {f"{prefix}{name}": value for name, value in seen.items()}
        if any(name in _COSTS for name in _fields(names, variant)):
            subjects[variant] = build_subject(model, contents.get(variant), call)
    for variant, cost in measure_costs(subjects, rows.inputs, root / ".nnops" / "cost").items():
        found |= {f"{variant}.{name}": float(value) for name, value in asdict(cost).items()}
    columns = [name.removeprefix(GAP) for name in names if name.startswith(GAP)]
    if columns:
        label_N = predict_rows(calls[REFERENCE], rows, data).label_N
        found |= {f"{GAP}{column}": gap(label_N, groups) for column in columns if (groups := _groups(data, column))}
    return {name: found[name] for name in names if name in found}


def _fields(names: Iterable[str], variant: str) -> list[str]:
    return [name.removeprefix(f"{variant}.") for name in names if name.startswith(f"{variant}.")]


def _groups(data: Prepared, column: str) -> "dict[int, np.ndarray]":
    """Places of the val rows of each group of a categorical column that has enough of them."""
    import numpy as np

    from nnops.data.preprocess import Preprocess

    if data.rows("val") == 0:
        return {}
    path = data.folder / "preprocess.json"
    if not path.exists():
        raise DataError(f"{path}: the prepared data do not say how they were made; run 'dvc repro --force prepare'.")
    from nnops.files import read_json

    fitted = Preprocess.from_json(read_json(path))
    arrays = data.arrays("val")
    coded = [each.name for each in fitted.coded]
    if column in coded:
        code_N = np.array(arrays["categories"])[:, coded.index(column)]
    else:
        places = [place for place, name in enumerate(fitted.features) if name.startswith(f"{column}=")]
        if not places:
            return {}
        numeric_NF = np.array(arrays["numeric"])[:, places]
        # A value that was never seen in train has a 0 everywhere: a group of its own.
        code_N = np.where(numeric_NF.max(1) > 0.5, numeric_NF.argmax(1), -1)
    groups = {int(code): np.flatnonzero(code_N == code) for code in np.unique(code_N)}
    return {code: rows_M for code, rows_M in groups.items() if len(rows_M) >= GROUP_ROWS}
