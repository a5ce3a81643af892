"""An ONNX graph ready to run: ONNX Runtime on one thread of the CPU, no torch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np

#: Rows that go through the graph at once.
ROWS_AT_ONCE = 1024


class Graph:
    """A graph with named inputs, each with any number of rows, and one output.

    Args:
        content: The ONNX file's bytes.
    """

    def __init__(self, content: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.inputs: tuple[str, ...] = tuple(entry.name for entry in self._session.get_inputs())

    def __call__(self, inputs: "tuple[np.ndarray, ...]") -> "np.ndarray":
        """Run the graph.

        Args:
            inputs: One array ``[B, ...]`` for each input in their order: ``numeric`` and ``image`` float32,
                ``categories`` int64.

        Returns:
            ``output_BC`` float32.
        """
        return cast("np.ndarray", self._session.run(None, dict(zip(self.inputs, inputs, strict=True)))[0])

    def run(self, arrays: "Mapping[str, np.ndarray]") -> "np.ndarray":
        """The same for arrays by name and for any number of rows, piece by piece, so that memory stays bounded."""
        import numpy as np

        inputs = tuple(arrays[name] for name in self.inputs)
        return np.concatenate(
            [
                self(tuple(array[start : start + ROWS_AT_ONCE] for array in inputs))
                for start in range(0, len(inputs[0]), ROWS_AT_ONCE)
            ]
        )
