"""A variant of a model, and its numbers beside those of the trained model."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from nnops.compression.choice import measure_drop
from nnops.compression.cost import Cost
from nnops.compression.parity import Parity
from nnops.data.prepared import SplitName
from nnops.errors import DataError

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


def measure_drops(reference: Variant, variant: Variant, split: SplitName, names: Iterable[str]) -> dict[str, float]:
    """How much worse a variant is than the trained model, by metric; NaN where it leaves a metric undefined.

    Raises:
        DataError: The trained model leaves a metric undefined.
    """
    before, after = reference.metrics[split], variant.metrics[split]
    for name in names:
        if name not in before:
            raise DataError(
                f"params.yaml: compress.max_drop.{name}: this metric is not defined on the {split} split; name another"
                " one, or give the split more rows."
            )
    return {name: measure_drop(name, before[name], after.get(name, math.nan)) for name in names}


def number_variants(variants: Sequence[Variant], limited: Iterable[str]) -> dict[str, float]:
    """All finite numbers by dotted name, such as ``onnx_int8.size_bytes`` and ``onnx_int8.drop.val.accuracy``."""
    numbers: dict[str, float] = {}
    for variant in variants:
        prefix = variant.name
        numbers |= {f"{prefix}.{name}": value for name, value in asdict(variant.cost).items()}
        for split in JUDGED_ON:
            numbers |= {f"{prefix}.{split}.{name}": value for name, value in variant.metrics[split].items()}
        if variant is not variants[0]:
            numbers |= {f"{prefix}.parity.{name}": value for name, value in variant.parity.numbers().items()}
            for split in JUDGED_ON:
                drops = measure_drops(variants[0], variant, split, limited)
                numbers |= {f"{prefix}.drop.{split}.{name}": value for name, value in drops.items()}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}
