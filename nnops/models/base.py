"""The interface of a model family: options that build an ``nn.Module`` for a Spec."""

from abc import abstractmethod
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from torch import nn

from nnops.batch import Spec
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
    """A family of networks; its fields are the shape of the network."""

    @abstractmethod
    def build(self, spec: Spec) -> nn.Module:
        """Build the module; initial weights are drawn from torch's global generator, which the caller seeds.

        Returns:
            A module called with one tensor per input of the spec, which gives ``logits_BC`` float32.

        Raises:
            InputError: The family does not fit the spec, such as a cnn on a table.
        """


def require_image(family: str, spec: Spec) -> tuple[int, int, int]:
    """The image's (channels, height, width).

    Raises:
        ParamsError: The data are no images.
    """
    if spec.image is None:
        raise ParamsError(
            f"params.yaml: model.name: '{family}' needs images, but the data have {' and '.join(spec.inputs)};"
            " write 'mlp'."
        )
    return spec.image
