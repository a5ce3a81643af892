"""What a model is told of the data: the shapes of its inputs and of its output.

Legend of shape suffixes: B batch, F features, K categorical columns, C channels or classes, H W image, T tokens,
L steps of a window, V variables of a series, S tokens of a text that is answered with another one, N nodes of a graph.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

#: Inputs that are whole numbers, codes and tokens; all others are float32.
WHOLE = ("answer", "categories", "node", "text")

Task = Literal[
    "binary", "forecasting", "language_model", "multiclass", "multilabel", "regression", "segmentation", "sequence"
]
#: Tasks whose answers are quantities, not classes.
QUANTITIES: tuple[Task, ...] = ("forecasting", "regression")
#: Tasks whose answers are tokens, one after the other.
TOKENS: tuple[Task, ...] = ("language_model", "sequence")
#: Rows that are predicted at once; pixels, and numbers of all tokens, where each has an answer of its own.
PREDICT_ROWS, PREDICT_PIXELS, PREDICT_NUMBERS, PREDICT_TOKENS = 1024, 1 << 21, 16 << 20, 1 << 14


@dataclass(frozen=True, slots=True)
class Spec:
    """The contract between prepared data and a model.

    A model is called with one tensor per input, in the order of ``inputs``:
    ``numeric_BF`` float32, ``categories_BK`` int64 (column k holds codes in [0, cardinalities[k])),
    ``image_BCHW`` float32, ``series_BLV`` float32, ``text_BT`` int64 (tokens in [0, vocabulary), padded with 0 on the
    right), ``node_B`` int64 (a row's number among all nodes of a graph); it returns ``logits_BC`` (C = ``outputs``) or,
    for binary and regression, ``[B, 1]``. A forecast is
    ``[B, H * V']``: H steps of V' target variables, a step's targets side by side. A segmentation is ``[B, C, H, W]``:
    the logits of each pixel. A language model gives ``logits_BTC``: at each token those of the next one. A sequence is
    answered from two inputs, ``text_BS`` and ``answer_BT``, which is the answer moved on by one token, so that at each
    place the logits are of the token there.

    Attributes:
        task: What is predicted.
        inputs: Names of the inputs, a subset of ``numeric``, ``categories`` (tables), or one of ``image``, ``series``
            and ``text`` alone, or ``text`` and ``answer``. Behind those of a table ``node``, where rows are linked.
        shapes: Shape of each input without the batch axis.
        cardinalities: Number of codes of each categorical column, code 0 being "missing or never seen".
        outputs: Width of the model's output: classes, labels, tokens, numbers forecast, or 1 for binary and regression.
        vocabulary: Number of tokens of a text, 0 being padding and 1 a word never seen.
        targets: The variables of a series that are forecast, by their place among its variables.
        coordinates: The numeric features that say together where a row is, by their place.
        nodes: Number of nodes of the graph, of all splits together; 0 where there is none.
        links: Number of its pairs (node, neighbour), two for each edge.
    """

    task: Task
    inputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    cardinalities: tuple[int, ...]
    outputs: int
    vocabulary: int = 0
    targets: tuple[int, ...] = ()
    coordinates: tuple[int, ...] = ()
    nodes: int = 0
    links: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain lists and numbers; coordinates and a graph are left out where there are none."""
        later = ("coordinates", "nodes", "links")
        return {name: value for name, value in asdict(self).items() if value or name not in later}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Spec":
        """The inverse of :meth:`to_json`."""
        return cls(
            task=record["task"],
            inputs=tuple(record["inputs"]),
            shapes=tuple(tuple(shape) for shape in record["shapes"]),
            cardinalities=tuple(record["cardinalities"]),
            outputs=int(record["outputs"]),
            vocabulary=int(record.get("vocabulary", 0)),
            targets=tuple(record.get("targets", ())),
            coordinates=tuple(record.get("coordinates", ())),
            nodes=int(record.get("nodes", 0)),
            links=int(record.get("links", 0)),
        )

    @property
    def image(self) -> tuple[int, int, int] | None:
        """(C, H, W) where the input is an image, else None."""
        if self.inputs == ("image",):
            channels, height, width = self.shapes[0]
            return channels, height, width
        return None

    @property
    def series(self) -> tuple[int, int] | None:
        """(L, V) where the input is a window of a series, else None."""
        if self.inputs == ("series",):
            steps, variables = self.shapes[0]
            return steps, variables
        return None

    @property
    def answer(self) -> tuple[int, ...]:
        """The shape of what a model gives without the batch axis."""
        if self.task == "segmentation":
            return (self.outputs, *self.shapes[0][1:])
        return (*(self.shapes[-1] if self.task in TOKENS else ()), self.outputs)

    @property
    def rows_at_once(self) -> int:
        """Rows that are predicted at once; nodes all together, since one pass over a graph answers all of them."""
        if self.nodes:
            return max(PREDICT_ROWS, self.nodes)
        if self.task == "segmentation":
            _, height, width = self.shapes[0]
            return max(1, min(PREDICT_ROWS, PREDICT_PIXELS // (height * width)))
        if self.task in TOKENS:
            return max(1, min(PREDICT_ROWS, PREDICT_NUMBERS // (self.shapes[-1][0] * self.outputs)))
        if self.vocabulary:
            return max(1, min(PREDICT_ROWS, PREDICT_TOKENS // self.shapes[0][0]))
        return PREDICT_ROWS

    @property
    def horizon(self) -> int:
        """Steps that a forecast reaches; 0 for other tasks."""
        return self.outputs // len(self.targets) if self.targets else 0

    @property
    def features(self) -> int:
        """Number of numeric features; an image counts its pixels, a window its values."""
        for name, shape in zip(self.inputs, self.shapes, strict=True):
            if name in ("numeric", "image", "series"):
                size = 1
                for length in shape:
                    size *= length
                return size
        return 0
