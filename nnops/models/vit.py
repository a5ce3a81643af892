"""Vision transformer (Dosovitskiy et al. 2021, "An image is worth 16x16 words", section 3.1).

Legend of shape suffixes: B batch, C channels or classes, H W image, L tokens, D width.
"""

from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.activation import Activation
from nnops.models.base import Model, require_image
from nnops.models.dropout import build_dropout
from nnops.models.initialisation import Initialisation, initialise
from nnops.models.transformer import Block, Transformer


class Vit(Model):
    """Patches of the image as tokens with learned positions, a class token, encoder blocks; linear of the class token.

    Blocks are those of ``transformer`` (eq. 2 and 3). Images whose sides are no
    multiples of the patch are padded with zeros at the right and the bottom.
    """

    patch: int = Field(default=4, ge=1, description="Side of a patch in pixels; the paper has 16 for images of 224")
    width: int = Field(default=64, ge=1, description="Numbers in a token, a multiple of heads")
    layers: int = Field(default=4, ge=1, description="Blocks")
    heads: int = Field(default=4, ge=1, description="Attentions side by side in a block")
    feed_forward: int = Field(default=128, ge=1, description="Width of the hidden layer of a block's feed-forward net")
    activation: Activation = "gelu"
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Of tokens and of what each part of a block adds")
    initialisation: Initialisation = "xavier"

    @model_validator(mode="after")
    def _shared(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads={self.heads}, got {self.width}.")
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        """One block, and two with every option in use."""
        return [
            cls(patch=4, width=8, layers=1, heads=2, feed_forward=16),
            cls(
                patch=3,
                width=12,
                layers=2,
                heads=3,
                feed_forward=16,
                activation="relu",
                dropout=0.1,
                initialisation="he",
            ),
        ]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network for the image's size."""
        _, height, width = require_image("vit", spec)
        if self.patch > min(height, width):
            raise ParamsError(
                f"params.yaml: model.options.patch must be at most {min(height, width)}, the shorter side of the"
                f" {height}x{width} images, got {self.patch}."
            )
        return _Network(self, spec)


class _Network(nn.Module):
    def __init__(self, options: Vit, spec: Spec) -> None:
        super().__init__()
        channels, height, width = spec.shapes[0]
        down, across = -(-height // options.patch), -(-width // options.patch)
        self.margin = (0, across * options.patch - width, 0, down * options.patch - height)
        self.patches = nn.Conv2d(channels, options.width, options.patch, options.patch)
        self.token = nn.Parameter(torch.zeros(1, 1, options.width))
        self.position = nn.Parameter(torch.empty(1, 1 + down * across, options.width))
        self.drop = build_dropout(options.dropout)
        block = Transformer(
            width=options.width,
            heads=options.heads,
            feed_forward=options.feed_forward,
            activation=options.activation,
            dropout=options.dropout,
        )
        self.blocks = nn.ModuleList(Block(block) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.width)
        self.output = nn.Linear(options.width, spec.outputs)
        initialise(self, options.activation, self.output, options.initialisation)
        nn.init.normal_(self.position, std=0.02)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """To ``logits_BC``."""
        if any(self.margin):
            image_BCHW = F.pad(image_BCHW, self.margin)
        patches_BLD = self.patches(image_BCHW).flatten(2).transpose(1, 2)
        token_B1D = self.token.expand(patches_BLD.shape[0], -1, -1)
        x_BLD = self.drop(torch.cat([token_B1D, patches_BLD], 1) + self.position)
        all_BL = torch.ones(x_BLD.shape[:2], dtype=torch.bool, device=x_BLD.device)
        for block in self.blocks:
            x_BLD = block(x_BLD, all_BL)
        return self.output(self.norm(x_BLD[:, 0]))
