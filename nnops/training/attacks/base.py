"""The interface of an attack, and how far it may move which input."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from nnops.batch import TOKENS
from nnops.catalog import Component
from nnops.data.columns import Numeric
from nnops.data.prepared import Prepared
from nnops.data.preprocess import Preprocess
from nnops.errors import ParamsError
from nnops.files import read_json

#: The loss of outputs against a target, the mean over the rows.
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Reach:
    """Where an attack may move an input, and by how much.

    Attributes:
        place: The input among those of the Spec.
        scale: What a distance of 1 is in the model's units, broadcast over a row; 0 where nothing may move.
        low: Least value of the input, or None where there is none.
        high: Greatest value.
    """

    place: int
    scale: Tensor
    low: Tensor | None = None
    high: Tensor | None = None

    @classmethod
    def of(cls, data: Prepared, where: str) -> "Reach":
        """How far inputs of these data may be moved.

        A distance of 1 is from black to white for images, and one unit of the scaled values for tables and series; of
        a table the numbers move, and what was made of words, dates or gaps stays.

        Raises:
            ParamsError: There is no input that can be moved by small amounts.
        """
        spec = data.spec
        if spec.image:
            std, mean = (torch.tensor(data.schema[key]).view(-1, 1, 1) for key in ("image_std", "image_mean"))
            white = data.white
            return cls(0, white / std, (0 - mean) / std, (white - mean) / std)
        if spec.series:
            return cls(0, torch.ones(spec.shapes[0]))
        if spec.nodes:
            raise ParamsError(
                f"params.yaml: {where}: a node of a graph is answered from its neighbours, too, so a row alone is not"
                " attacked; leave it out, or data.edges."
            )
        moves = _numbers(data) if "numeric" in spec.inputs else torch.zeros(0)
        if spec.task in TOKENS or not moves.any():
            raise ParamsError(
                f"params.yaml: {where}: an attack moves numbers or pixels by small amounts, and the data have"
                f" {' and '.join(spec.inputs)} without any; leave it out."
            )
        return cls(spec.inputs.index("numeric"), moves)

    def to(self, device: torch.device) -> "Reach":
        """The same on a device."""
        low, high = (None if bound is None else bound.to(device) for bound in (self.low, self.high))
        return Reach(self.place, self.scale.to(device), low, high)

    def within(self, moved: Tensor, start: Tensor, epsilon: float) -> Tensor:
        """What was moved, brought back to at most ``epsilon`` from where it started and into the input's range."""
        far = epsilon * self.scale
        moved = torch.minimum(torch.maximum(moved, start - far), start + far)
        return moved if self.low is None else torch.minimum(torch.maximum(moved, self.low), self.high)  # pyright: ignore


class Attack(Component):
    """One way to mislead a network; its fields are its options."""

    epsilon: float = Field(
        default=0.03, gt=0, description="Farthest that a value moves: 1 is from black to white, or one scaled unit"
    )

    @abstractmethod
    def move(self, slope: Callable[[Tensor], Tensor], start: Tensor, reach: Reach) -> Tensor:
        """Move an input towards a greater loss.

        Args:
            slope: The gradient of the loss by the input, at any value of it.
            start: The input as it is.
            reach: How far it may be moved.
        """

    def apply(self, model: nn.Module, loss: Loss, inputs: tuple[Tensor, ...], target: Tensor, reach: Reach) -> Any:
        """Inputs that mislead a model; the model is asked in evaluation mode and is left as it was.

        Random numbers come from torch's generator of the inputs' device.

        Args:
            model: What is attacked.
            loss: What shall grow.
            inputs: One tensor per input; they are not changed.
            target: The truth.
            reach: How far they may be moved, on the inputs' device.

        Returns:
            The inputs with the one that ``reach`` names moved.
        """
        was_training = model.training
        model.eval()

        def slope(value: Tensor) -> Tensor:
            with torch.enable_grad():
                value = value.detach().requires_grad_()
                output = model(*inputs[: reach.place], value, *inputs[reach.place + 1 :])
                return torch.autograd.grad(loss(output, target), value)[0]

        try:
            moved = self.move(slope, inputs[reach.place], reach)
        finally:
            model.train(was_training)
        return (*inputs[: reach.place], moved.detach(), *inputs[reach.place + 1 :])


def _numbers(data: Prepared) -> Tensor:
    """1 for each feature that is a number of the table, 0 for those made of words, dates and gaps."""
    fitted = Preprocess.from_json(read_json(data.folder / "preprocess.json"))
    numbers = {column.name for column in fitted.columns if isinstance(column, Numeric)}
    return torch.tensor([float(name in numbers) for name in fitted.features])
