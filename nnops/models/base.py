"""The interface of a model family: options that build an ``nn.Module`` for a Spec."""

from abc import abstractmethod
from typing import Annotated

from pydantic import Field
from torch import nn

from nnops.batch import Spec
from nnops.catalog import Component
from nnops.errors import ParamsError

#: Neurons or channels of one layer.
Width = Annotated[int, Field(ge=1)]


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
