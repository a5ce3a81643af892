"""An ONNX graph ready to run: ONNX Runtime on one thread of the CPU, no torch."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np

#: Rows that go through a network at once where a whole split is asked for; bounds memory.
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

    def __call__(self, arrays: "Mapping[str, np.ndarray]") -> "np.ndarray":
        """Run the graph.

        Args:
            arrays: One array ``[B, ...]`` by input name: ``numeric`` and ``image`` float32, ``categories`` int64.

        Returns:
            ``output_BC`` float32.
        """
        return cast("np.ndarray", self._session.run(None, {name: arrays[name] for name in self.inputs})[0])

    def run(self, arrays: "Mapping[str, np.ndarray]") -> "np.ndarray":
        """The same for many rows, piece by piece."""
        import numpy as np

        return np.concatenate([self(piece) for piece in pieces(arrays)])


def pieces(arrays: "Mapping[str, np.ndarray]") -> "Iterator[dict[str, np.ndarray]]":
    """Cut arrays of equal length into pieces of at most ``ROWS_AT_ONCE`` rows; no rows give one empty piece."""
    rows = len(next(iter(arrays.values())))
    for start in range(0, max(rows, 1), ROWS_AT_ONCE):
        yield {name: array[start : start + ROWS_AT_ONCE] for name, array in arrays.items()}
