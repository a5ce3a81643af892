"""From a torch module to ONNX bytes that repeat: any number of rows, no paths, no names of this machine."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from nnops.batch import WHOLE
from nnops.training.artifact import TrainedModel

if TYPE_CHECKING:
    import onnx

OUTPUT = "output"


def export_onnx(model: TrainedModel) -> bytes:
    """Export a trained model as an fp32 ONNX graph.

    The graph takes the inputs of the model's Spec by name, each with any number of rows, and gives ``output [B, C]``.
    """
    example = tuple(_example(name, shape) for name, shape in zip(model.spec.inputs, model.spec.shapes, strict=True))
    with _quiet():
        program = torch.onnx.export(
            _Spread(model.module).eval(),
            example,
            dynamo=True,
            input_names=list(model.spec.inputs),
            output_names=[OUTPUT],
            dynamic_shapes=(tuple({0: "batch"} for _ in example),),
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    return serialize(program.model_proto)


class _Spread(nn.Module):
    """A module called with ``*inputs``, whatever its own arguments: the exporter matches shapes by signature."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.module(*inputs)


def serialize(graph: "onnx.ModelProto") -> bytes:
    """The bytes of a graph, without what does not decide its numbers: source paths, doc strings, inferred shapes."""
    _strip(graph)
    del graph.graph.value_info[:]
    for function in graph.functions:
        del function.value_info[:]
    return graph.SerializeToString(deterministic=True)


def _strip(message: Any) -> None:
    """Clear ``metadata_props`` and ``doc_string`` in a protobuf message and all messages below it."""
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for child in value if field.is_repeated else [value]:
                _strip(child)


def _example(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    # Two rows, since an example of one row would freeze the batch size.
    return torch.zeros((2, *shape), dtype=torch.int64 if name in WHOLE else torch.float32)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter says of itself: missing torchvision, an own deprecation, the one batch axis."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx._internal.exporter._registration", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated", category=FutureWarning)
            warnings.filterwarnings("ignore", message=".*axis name: batch will not be used", category=UserWarning)
            # A recurrent layer lists its weights anew while it is traced, and torch's loop over its steps calls what
            # torch has deprecated; parity is proved afterwards.
            warnings.filterwarnings("ignore", message=".*_flat_weights.* assigned during export", category=UserWarning)
            warnings.filterwarnings("ignore", message=".*_check_is_size", category=FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
