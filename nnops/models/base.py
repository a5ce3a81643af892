"""The interface of a model family: options that build an ``nn.Module`` for a Spec."""

from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field
from torch import nn

from nnops.batch import TOKENS, Spec, Task
from nnops.catalog import Component
from nnops.errors import ParamsError


def _listed(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list of widths such as [128, 64], got {value!r}.")
    return value


def _some(widths: tuple[int, ...]) -> tuple[int, ...]:
    if not widths:
        raise ValueError("must hold at least one width, such as [16, 32], got [].")
    return widths


#: Neurons or channels of each layer.
Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_listed)]
#: The same, of at least one layer.
SomeWidths = Annotated[Widths, AfterValidator(_some)]


class Model(Component):
    """A family of networks; its fields are the shape of the network.

    Attributes:
        dense: Whether it answers with a vector a row, a mask (a vector a pixel), or whatever the task wants.
    """

    dense: ClassVar[str] = "vector"

    @abstractmethod
    def build(self, spec: Spec) -> nn.Module:
        """Build the module; initial weights are drawn from torch's global generator, which the caller seeds.

        Returns:
            A module called with one tensor per input of the spec, which gives ``logits_BC`` float32.

        Raises:
            InputError: The family does not fit the spec, such as a cnn on a table.
        """

    def sources(self) -> dict[str, Path]:
        """Files of the project that the network is made from, by name; none unless it is the user's own."""
        return {}

    def weights(self) -> str | None:
        """The file or folder of weights that a training begins with where ``train.transfer`` names none."""
        return None

    def lasting(self) -> dict[str, Any]:
        """Options that build the same network anywhere, without files of the project."""
        return self.model_dump(mode="json", exclude_unset=True)


def require_image(family: str, spec: Spec) -> tuple[int, int, int]:
    """The image's (channels, height, width).

    Raises:
        ParamsError: The data are no images.
    """
    if spec.image is None:
        raise ParamsError(
            f"params.yaml: model.name: '{family}' needs images, but the data have {' and '.join(spec.inputs)};"
            f" write '{instead(spec)}'."
        )
    return spec.image


def require_table(family: str, spec: Spec) -> None:
    """Check that each input is numbers or codes of columns, or pixels.

    Raises:
        ParamsError: The data are texts.
    """
    if "text" in spec.inputs:
        raise ParamsError(
            f"params.yaml: model.name: '{family}' needs numbers, but the data have text; write '{instead(spec)}'."
        )


def require_graph(family: str, spec: Spec) -> None:
    """Check that rows are the nodes of a graph.

    Raises:
        ParamsError: They are not.
    """
    if not spec.nodes:
        raise ParamsError(
            f"params.yaml: model.name: '{family}' needs edges, which data.edges names, but the data have"
            f" {' and '.join(spec.inputs)} alone; write '{instead(spec)}'."
        )


def require_task(family: str, spec: Spec, task: Task) -> None:
    """Check that the family is made for the task.

    Raises:
        ParamsError: It is not.
    """
    if spec.task != task:
        raise ParamsError(
            f"params.yaml: model.name: '{family}' needs texts, and data.task: {task}, but the task is {spec.task};"
            f" write '{instead(spec)}'."
        )


def instead(spec: Spec) -> str:
    """A family that takes such data, for messages."""
    if spec.task in TOKENS:
        return "decoder" if spec.task == "language_model" else "seq2seq"
    return {"image": "cnn", "text": "bag"}.get(spec.inputs[0], "mlp")
