"""The front of all models of sequences: a text or a window of a series as vectors, and which of them are there.

Legend of shape suffixes: B batch, T steps of a sequence (tokens, or steps L of a window), D width, V variables.
"""

import torch
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.base import instead

#: The token that fills a text up to its length.
PADDING = 0


class Front(nn.Module):
    """A text's tokens embedded, or each step of a series projected, to ``x_BTD`` beside ``valid_BT``.

    Outside an export, a batch of texts is cut to its longest text: steps that are padding in every row decide nothing.

    Args:
        spec: Of a text or a series.
        width: D.
        trim: Whether batches are cut so.
    """

    def __init__(self, spec: Spec, width: int, *, trim: bool = True) -> None:
        super().__init__()
        self.text = spec.inputs == ("text",)
        self.trim = trim
        self.embed = embedding(spec.vocabulary, width) if self.text else nn.Linear(spec.shapes[0][1], width)

    def forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """``text_BT`` int64 or ``series_BLV`` float32 to ``x_BTD`` float32 and ``valid_BT`` bool."""
        if not self.text:
            return self.embed(sequence), torch.ones(sequence.shape[:2], dtype=torch.bool, device=sequence.device)
        text_BT = trimmed(sequence) if self.trim else sequence
        return self.embed(text_BT), text_BT != PADDING


def require_sequence(
    family: str, spec: Spec, takes: tuple[str, ...] = ("text", "series"), *, every_step: bool = False
) -> int:
    """T, the steps of the sequence.

    Args:
        family: For messages.
        spec: Of the data.
        takes: Inputs that it takes.
        every_step: Whether it can answer at every step, as a language model does.

    Raises:
        ParamsError: The data are neither a text nor a series, or are to be answered at every step.
    """
    if spec.task == "language_model" and not every_step:
        raise ParamsError(
            f"params.yaml: model.name: '{family}' needs classes or quantities, but the task is language_model; write"
            f" '{instead(spec)}'."
        )
    if len(spec.inputs) == 1 and spec.inputs[0] in takes:
        return spec.shapes[0][0]
    raise ParamsError(
        f"params.yaml: model.name: '{family}' needs {' or '.join(_NAMES[name] for name in takes)}, but the data have"
        f" {' and '.join(spec.inputs)}; write '{instead(spec)}'."
    )


_NAMES = {"series": "series", "text": "texts"}


def embedding(codes: int, width: int, deviation: float = 1.0) -> nn.Embedding:
    """A vector for each token, drawn from N(0, deviation^2); padding's is zero and learns nothing."""
    table = nn.Embedding(codes, width, padding_idx=PADDING)
    with torch.no_grad():
        nn.init.normal_(table.weight, std=deviation)
        table.weight[PADDING].zero_()
    return table


def trimmed(text_BT: Tensor) -> Tensor:
    """Without the steps that are padding in every row; an export keeps all of them."""
    if torch.compiler.is_compiling() or text_BT.is_meta:
        return text_BT
    longest = int((text_BT != PADDING).sum(1).max())
    return text_BT[:, : max(1, longest)]


def masked_mean(x_BTD: Tensor, valid_BT: Tensor) -> Tensor:
    """The mean over the valid steps, ``[B, D]``; zero where there are none."""
    weight_BT1 = valid_BT[:, :, None].to(x_BTD.dtype)
    return (x_BTD * weight_BT1).sum(1) / weight_BT1.sum(1).clamp(min=1.0)


def masked_max(x_BTD: Tensor, valid_BT: Tensor) -> Tensor:
    """The largest value over the valid steps, ``[B, D]``; zero where there are none."""
    low = torch.finfo(x_BTD.dtype).min
    largest_BD = x_BTD.masked_fill(~valid_BT[:, :, None], low).amax(1)
    return largest_BD * valid_BT.any(1)[:, None]
