"""What is looked at in answers of a sequence beside their metrics: the texts themselves."""

from dataclasses import dataclass

from nnops.data.prepared import Prepared
from nnops.data.preprocess import Preprocess
from nnops.files import read_json
from nnops.metrics.predictions import Predictions


@dataclass(frozen=True)
class Answer:
    """A row of test as texts, as far as tokens hold them.

    Attributes:
        text: What is answered.
        truth: The true answer.
        said: The model's.
    """

    text: str
    truth: str
    said: str


def read_answers(predictions: Predictions, data: Prepared) -> tuple[Answer, ...]:
    """The rows of test; none for other tasks."""
    if data.spec.task != "sequence":
        return ()
    fitted = Preprocess.from_json(read_json(data.folder / "preprocess.json"))
    assert fitted.text is not None
    assert fitted.answer is not None
    columns = zip(data.arrays("test")["text"], predictions.target_N, predictions.output_NC, strict=True)
    return tuple(
        Answer(
            fitted.text.join(text_S.tolist()), fitted.answer.join(truth_T.tolist()), fitted.answer.join(said_T.tolist())
        )
        for text_S, truth_T, said_T in columns
    )
