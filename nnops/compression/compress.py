"""compress(): makes the variants of a trained model, proves them, measures them, and chooses the one that is served.

OUT/onnx_fp32.onnx onnx_int8.onnx ...   the variants
OUT/metrics.json    numbers by dotted name: ``onnx_int8.size_bytes``, ``onnx_int8.test.accuracy`` ...
OUT/choice.json     the variant that is served, and why not the others
OUT/variants.png    size, latency and the first limited metric side by side
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from nnops.batch import PREDICT_ROWS, TOKENS, Spec
from nnops.compression import EXPORTED, METHODS, REFERENCE
from nnops.compression.choice import RULE, Candidate, Choice, choose, read_limits
from nnops.compression.cost import Subject, measure_costs
from nnops.compression.export import export_onnx
from nnops.compression.graph import Graph
from nnops.compression.method import Method, Source
from nnops.compression.parity import Parity, check_export, compare_tokens, measure_parity
from nnops.compression.variant import JUDGED_ON, Variant, measure_drops, number_variants
from nnops.data.prepared import Prepared, SplitName
from nnops.errors import ParamsError
from nnops.evaluation.baselines.base import Predict, Rows
from nnops.evaluation.evaluate import check_metrics, measure
from nnops.evaluation.fairness import gap_values
from nnops.evaluation.groups import divide
from nnops.evaluation.predict import in_pieces, network, predict_rows, read_rows
from nnops.evaluation.scorecard import shown
from nnops.evaluation.threshold import decide
from nnops.files import write_bytes, write_json
from nnops.fingerprint import hash_json
from nnops.metrics import METRICS
from nnops.metrics.predictions import Predictions
from nnops.params import Params
from nnops.training.artifact import TrainedModel

Seen = dict[SplitName, Predictions]


@dataclass(frozen=True)
class Compressed:
    """What a compression gave.

    Attributes:
        variants: The trained model first, then its export, then one variant for each method.
        choice: The variant that is served.
        limits: Largest drop by metric that the choice was made under.
    """

    variants: tuple[Variant, ...]
    choice: Choice
    limits: dict[str, float]

    @property
    def numbers(self) -> dict[str, float]:
        """By dotted name, as metrics.json holds them."""
        return number_variants(self.variants, self.limits)

    def sentence(self) -> str:
        """Which variant is served, what it costs, and what it reaches on val beside the trained model."""
        name = self.choice.variant
        trained = self.variants[0].metrics["val"]
        served = next(one for one in self.variants if one.name == name).metrics["val"]
        reached = ", ".join(f"val {m} {shown(served[m])} (trained {shown(trained[m])})" for m in self.limits)
        return f"{name} is served: {self.choice.judged[name].why}, {reached}"


def compress(model: TrainedModel, data: Prepared, params: Params, out: Path, root: Path) -> Compressed:
    """Make, prove, measure and write all variants of a trained model.

    Args:
        model: The trained model; its module is left as it is.
        data: The data that it was trained on.
        params: The sections ``seed``, ``evaluate`` (metrics, threshold) and ``compress`` are read.
        out: The folder to write to.
        root: The project's folder; measured costs are kept in its ``.nnops/cost``.

    Raises:
        ParamsError: A method, an option or a metric does not exist or does not fit.
        DataError: A split is empty, or a limited metric is not defined on it.
        CompressionError: The exported graph does not give the trained model's outputs.
    """
    task = data.spec.task
    limits = read_limits(params, task)
    methods = build_methods(params)
    metrics = check_metrics(params, task) | {name: METRICS.build(name, {}) for name in limits}
    rows: dict[SplitName, Rows] = {split: read_rows(data, split) for split in JUDGED_ON}

    def look(call: Predict) -> Seen:
        return {split: predict_rows(call, rows[split], data) for split in JUDGED_ON}

    def decided(each: Seen) -> Seen:
        if decision is None:
            return each
        return {split: decision.apply(predictions, data, split) for split, predictions in each.items()}

    def compare(name: str) -> Parity:
        if task in TOKENS:
            return compare_tokens(calls[REFERENCE], calls[name], in_pieces(rows["test"], data.spec.rows_at_once))
        return measure_parity(seen[REFERENCE]["test"], seen[name]["test"])

    with _one_thread():
        contents = {EXPORTED: export_onnx(model)}
        calls: dict[str, Predict] = {REFERENCE: network(model), EXPORTED: Graph(contents[EXPORTED])}
        seen = {name: look(call) for name, call in calls.items()}
        decision = decide(params, data, seen[REFERENCE]["val"])
        seen = {name: decided(each) for name, each in seen.items()}
        check_export(compare(EXPORTED), len(rows["test"]))
        source = Source(model, contents[EXPORTED], data, params.seed)
        for method in methods:
            name = method.variant
            contents[name] = method.apply(source)
            calls[name] = Graph(contents[name])
            seen[name] = decided(look(calls[name]))
        parities = {name: compare(name) for name in calls}
        subjects = {name: build_subject(model, contents.get(name), call) for name, call in calls.items()}
        costs = measure_costs(subjects, rows["test"].inputs, root / ".nnops" / "cost")

    divided = {split: divide(data, split) for split in JUDGED_ON}
    variants = tuple(
        Variant(
            name=name,
            content=contents.get(name, b""),
            metrics={
                split: measure(seen[name][split], metrics) | gap_values(seen[name][split], divided[split])
                for split in JUDGED_ON
            },
            cost=costs[name],
            parity=parities[name],
        )
        for name in calls
    )
    candidates = {v.name: Candidate(v.cost, measure_drops(variants[0], v, "val", limits)) for v in variants[1:]}
    compressed = Compressed(variants, choose(candidates, limits, EXPORTED), limits)
    _write(compressed, out)
    return compressed


def build_methods(params: Params) -> list[Method]:
    """The methods of ``compress.methods``.

    Raises:
        ParamsError: One does not exist, refuses its options, or stands twice.
    """
    methods: list[Method] = []
    for place, named in enumerate(params.compress.methods):
        method = METHODS.build(named.name, named.options, where=f"compress.methods.{place}")
        if any(method.variant == other.variant for other in methods):
            raise ParamsError(
                f"params.yaml: compress.methods.{place}: '{named.name}' makes the variant {method.variant}, which a"
                " method before it makes, too; keep one of them."
            )
        methods.append(method)
    return methods


def build_subject(model: TrainedModel, content: bytes | None, call: Predict) -> Subject:
    """What is measured of a variant: a graph's bytes, or None for the trained model itself, and how it is called."""
    runtime = "onnxruntime"
    form = ""
    if content is None:
        content = save({key: tensor.contiguous() for key, tensor in model.module.state_dict().items()})
        runtime, form = "torch", hash_json(model.record["model"])
    identity = {
        "file": hashlib.sha256(content).hexdigest(),
        "form": form,
        "runtime": f"{runtime} {metadata.version(runtime)}",
    }
    return Subject(identity, len(content), _paced(call, model.spec))


def _paced(call: Predict, spec: Spec) -> Callable[[tuple[np.ndarray, ...]], object]:
    """A call that goes piece by piece where all rows at once would put out too much."""
    if spec.rows_at_once >= PREDICT_ROWS:
        return call

    def run(inputs: tuple[np.ndarray, ...]) -> None:
        for start in range(0, len(inputs[0]), spec.rows_at_once):
            call(tuple(array[start : start + spec.rows_at_once] for array in inputs))

    return run


def _write(compressed: Compressed, out: Path) -> None:
    from nnops.compression.figure import draw_variants

    for variant in compressed.variants[1:]:
        write_bytes(out / f"{variant.name}.onnx", variant.content)
    write_json(out / "metrics.json", compressed.numbers)
    choice = compressed.choice
    record = {
        "variant": choice.variant,
        "file": f"{choice.variant}.onnx",
        "rule": RULE,
        "max_drop": compressed.limits,
        "variants": {name: asdict(judged) for name, judged in choice.judged.items()},
    }
    write_json(out / "choice.json", record)
    draw_variants(compressed, out / "variants.png")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread, so that numbers repeat and variants are timed alike."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
