"""The interface of a compression method: from a trained model to one variant, an ONNX graph."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from nnops.catalog import Component
from nnops.data.prepared import Prepared
from nnops.training.artifact import TrainedModel


@dataclass(frozen=True)
class Source:
    """What a method starts from.

    Attributes:
        model: The trained model.
        graph: The same as an fp32 ONNX graph, its parity proved.
        data: The prepared data; a method reads the train split alone.
        seed: The seed of params.yaml.
    """

    model: TrainedModel
    graph: bytes
    data: Prepared
    seed: int


class Method(Component):
    """One way to make a model smaller or faster; its fields are its options."""

    variant: ClassVar[str]
    """The name of what it makes, such as ``onnx_int8``."""

    @abstractmethod
    def apply(self, source: Source) -> bytes:
        """Make the variant.

        Returns:
            An ONNX graph with the inputs and the output of ``source.graph``; the same source gives the same bytes.
        """
