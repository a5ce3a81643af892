"""The interface of a model family: options that build an ``nn.Module`` for a Spec."""

from abc import abstractmethod

from torch import nn

from nnops.batch import Spec
from nnops.catalog import Component


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
