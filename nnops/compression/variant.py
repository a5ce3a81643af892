"""A variant of a model, and its numbers beside those of the trained model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from nnops.batch import Task
from nnops.compression.choice import measure_drop
from nnops.compression.cost import Cost
from nnops.compression.parity import Parity
from nnops.data.prepared import SplitName
from nnops.metrics import METRICS
from nnops.metrics.base import Metric, Predictions
from nnops.params import Params

#: The choice looks at val; test is only reported, so it stays unseen.
JUDGED_ON: tuple[SplitName, ...] = ("val", "test")
Numbers = Mapping[SplitName, Mapping[str, float]]


@dataclass(frozen=True)
class Variant:
    """One form of the model, proved and measured.

    Attributes:
        name: Such as ``onnx_int8``.
        content: The file's bytes; empty for the trained model itself, which has its own.
        metrics: By split, then by metric.
        cost: Size and latencies.
        parity: Its outputs against the trained model's on the test split.
    """

    name: str
    content: bytes
    metrics: Numbers
    cost: Cost
    parity: Parity


def build_metrics(params: Params, task: Task, limits: Mapping[str, float]) -> dict[str, Metric]:
    """The metrics of ``evaluate.metrics`` (all that fit the task where it is empty) and those that are limited."""
    names = params.evaluate.metrics or [name for name in METRICS.names() if task in METRICS.load(name).tasks]
    return {name: METRICS.build(name, {}, where="evaluate.metrics") for name in dict.fromkeys([*names, *limits])}


def measure_metrics(metrics: Mapping[str, Metric], seen: Mapping[SplitName, Predictions]) -> Numbers:
    """Each metric on each split."""
    return {split: {name: metric(seen[split]) for name, metric in metrics.items()} for split in JUDGED_ON}


def measure_drops(
    reference: Variant, variant: Variant, split: SplitName, metrics: Mapping[str, float]
) -> dict[str, float]:
    """How much worse a variant is than the trained model, by metric."""
    before, after = reference.metrics[split], variant.metrics[split]
    return {name: measure_drop(name, before[name], after[name]) for name in metrics}


def number_variants(variants: Sequence[Variant], limits: Mapping[str, float]) -> dict[str, float]:
    """All numbers by dotted name, such as ``onnx_int8.size_bytes`` and ``onnx_int8.drop.val.accuracy``."""
    numbers: dict[str, float] = {}
    for variant in variants:
        prefix = variant.name
        numbers |= {f"{prefix}.{name}": value for name, value in asdict(variant.cost).items()}
        for split in JUDGED_ON:
            numbers |= {f"{prefix}.{split}.{name}": value for name, value in variant.metrics[split].items()}
        if variant is not variants[0]:
            numbers |= {f"{prefix}.parity.{name}": value for name, value in variant.parity.numbers().items()}
            for split in JUDGED_ON:
                drops = measure_drops(variants[0], variant, split, limits)
                numbers |= {f"{prefix}.drop.{split}.{name}": value for name, value in drops.items()}
    return numbers
