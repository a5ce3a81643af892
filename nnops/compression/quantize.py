"""Static int8 quantization: QuantizeLinear and DequantizeLinear pairs placed by ONNX Runtime."""

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

from pydantic import Field

from nnops.batch import QUANTITIES
from nnops.compression.export import serialize
from nnops.compression.method import Method, Source
from nnops.evaluation.predict import read_rows
from nnops.seeding import numpy_stream

if TYPE_CHECKING:
    import numpy as np
    import onnx

#: What is quantized of a network of texts or waves: layers with weights. A mask's huge values would stretch any other
#: range, and what is laid beside waves has one of its own.
WEIGHTED = ("Gather", "Gemm", "MatMul")
#: Most rows of a calibration batch.
MOST_ROWS = 64


class Quantize(Method):
    """Weights and activations as 8-bit integers, the scale of each activation found on rows of the train split.

    Integer arithmetic as in Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", eq. 1: r = S (q - Z).
    """

    variant: ClassVar[str] = "onnx_int8"

    calibration_rows: int = Field(default=512, ge=1, description="Rows of the train split that the ranges are found on")
    per_channel: bool = Field(default=False, description="A scale for each output channel of a weight instead of one")
    calibration: Literal["minmax", "percentile"] = Field(
        default="minmax", description="A range is all values seen, or all but one in 100,000 at each end"
    )
    reduce_range: bool = Field(
        default=False, description="Weights of 7 bits, for processors without VNNI that saturate"
    )

    first_layer: Literal["auto", "int8", "fp32"] = Field(
        default="auto",
        description="256 steps are too coarse for numbers that a quantity is read from: auto keeps fp32 there",
    )

    @classmethod
    def examples(cls) -> "list[Self]":
        """A small one, and one with every option in use."""
        return [
            cls(calibration_rows=32),
            cls(calibration_rows=32, per_channel=True, calibration="percentile", reduce_range=True, first_layer="fp32"),
        ]

    def apply(self, source: Source) -> bytes:
        """See :class:`Method`; the rows are drawn from the stream ``calibration``."""
        import onnx
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process

        method = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile}[self.calibration]
        with tempfile.TemporaryDirectory(prefix="nnops-quantize-") as folder, _quiet():
            inferred, quantized = Path(folder) / "inferred.onnx", Path(folder) / "int8.onnx"
            plain = Path(folder) / "plain.onnx"
            plain.write_bytes(source.graph)
            # ONNX's own inference knows all shapes here; the symbolic one gives up on reductions.
            quant_pre_process(plain, inferred, skip_symbolic_shape=True)
            task = source.data.spec.task
            keep = self.first_layer == "fp32" or (self.first_layer == "auto" and task in QUANTITIES)
            graph = onnx.load(inferred)
            waves = _up_to_waves(graph)
            quantize_static(
                inferred,
                quantized,
                cast(Any, _Rows(self._draw(source))),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=self.per_channel,
                reduce_range=self.reduce_range,
                calibrate_method=method,
                op_types_to_quantize=list(WEIGHTED) if source.data.spec.vocabulary or waves else None,
                nodes_to_exclude=[*_group_norms(graph), *waves, *(_up_to_first_layer(graph) if keep else [])],
            )
            return serialize(onnx.load(quantized))

    def _draw(self, source: Source) -> "dict[str, np.ndarray]":
        """Calibration rows by input name, drawn without replacement."""
        rows = read_rows(source.data, "train")
        count = min(self.calibration_rows, len(rows))
        drawn = rows.take(numpy_stream(source.seed, "calibration").choice(len(rows), count, replace=False))
        return dict(zip(source.data.spec.inputs, drawn.inputs, strict=True))


def _group_norms(graph: "onnx.ModelProto") -> list[str]:
    """Names of the nodes that group normalisations are exported as.

    They share the constants 1 and 0, which ONNX Runtime would quantize once for each of them under one name.
    """
    return [node.name for node in graph.graph.node if node.op_type == "InstanceNormalization"]


def _up_to_waves(graph: "onnx.ModelProto") -> list[str]:
    """Names of the nodes that make angles, and of sines and cosines: a turn in 256 steps of many turns is no angle."""
    names: list[str] = []
    wanted = set[str]()
    for node in reversed(graph.graph.node):
        if node.op_type in ("Cos", "Sin") or not wanted.isdisjoint(node.output):
            names.append(node.name)
            wanted.update(node.input)
    return names


def _up_to_first_layer(graph: "onnx.ModelProto") -> list[str]:
    """Names of the nodes from the inputs to the first layer with weights, which it is."""
    names: list[str] = []
    for node in graph.graph.node:
        names.append(node.name)
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            break
    return names


class _Rows:
    """ONNX Runtime's reader of calibration data: batches of rows, then None.

    All batches have the same size, since its histograms cannot be put together from others.
    """

    def __init__(self, arrays: "dict[str, np.ndarray]") -> None:
        count = len(next(iter(arrays.values())))
        size = max(size for size in range(1, MOST_ROWS + 1) if count % size == 0)
        self._batches = iter(
            {name: array[start : start + size] for name, array in arrays.items()} for start in range(0, count, size)
        )

    def get_next(self) -> Any:
        return next(self._batches, None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """ONNX Runtime logs advice to the root logger and prints its progress; its errors still come through."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(level)
