"""The user's own network: a class or function of the project, by import path."""

from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.base import Model
from nnops.own import PATTERN, find_own, own_files, words

WHERE = "params.yaml: model.options.path"


class Own(Model):
    """``mynet:Net`` is what ``Net`` in ``mynet.py`` of the project makes of ``Net(spec, **arguments)``.

    The module that it gives is called with one tensor per input of the spec and returns ``[B, *spec.answer]``; it draws
    its first weights from torch's global generator. The files that it comes from are part of the result's fingerprint.
    """

    dense: ClassVar[str] = "any"

    path: str = Field(pattern=PATTERN, description="MODULE:NAME, from the project's folder")
    arguments: dict[str, Any] = Field(default_factory=dict[str, Any], description="Given to it by name")

    @classmethod
    def examples(cls) -> list[Self]:
        """A small one, without and with an argument."""
        return [cls(path=f"{__name__}:small"), cls(path=f"{__name__}:small", arguments={"width": 64})]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network and look what it answers to two rows.

        Raises:
            ParamsError: It cannot be imported or built, is no module, or its answers do not fit the data.
        """
        make = find_own(self.path, WHERE)
        try:
            module: object = make(spec, **self.arguments)
        except Exception as error:  # of the user's code
            raise ParamsError(f"{WHERE}: {self.path} cannot be built: {words(error)}.") from error
        if not isinstance(module, nn.Module):
            raise ParamsError(f"{WHERE}: {self.path} must give a torch.nn.Module, got {type(module).__name__}.")
        _check_answers(module, spec, self.path)
        return module

    def sources(self) -> dict[str, Path]:
        """See :class:`Model`, and :func:`nnops.own.own_files`."""
        return own_files(self.path)


def small(spec: Spec, width: int = 32) -> nn.Module:
    """A small network, as an example: all inputs as one row of numbers, one hidden layer."""
    return _Small(sum(torch.Size(shape).numel() for shape in spec.shapes), width, spec.outputs)


class _Small(nn.Module):
    def __init__(self, features: int, width: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, width), nn.Tanh(), nn.Linear(width, outputs))

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.layers(torch.cat([tensor.flatten(1).float() for tensor in inputs], 1))


def _check_answers(module: nn.Module, spec: Spec, path: str) -> None:
    rows = 2
    inputs = [
        torch.zeros(rows, *shape, dtype=torch.float32 if name in ("numeric", "image", "series") else torch.int64)
        for name, shape in zip(spec.inputs, spec.shapes, strict=True)
    ]
    wanted = ", ".join(f"{name} {[rows, *shape]}" for name, shape in zip(spec.inputs, spec.shapes, strict=True))
    training = module.training
    try:
        with torch.no_grad():
            output: object = module.eval()(*inputs)
    except Exception as error:  # of the user's code
        raise ParamsError(f"{WHERE}: {path} must take {wanted}, but its forward fails: {words(error)}.") from error
    finally:
        module.train(training)
    shape = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
    due = [rows, *spec.answer]
    if shape != due:
        raise ParamsError(
            f"{WHERE}: {path} must answer {wanted} with a tensor {due} for the task {spec.task}, got"
            f" {shape}; its last layer must have spec.outputs={spec.outputs} outputs."
        )
