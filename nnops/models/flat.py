"""All inputs of a table, an image or a window as one vector."""

from typing import cast

import torch
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.models.initialisation import initialise_embedding


class Flat(nn.Module):
    """Numbers as they are, pixels one after the other, categories embedded.

    A column of n codes gets ``min(most, round(1.6 * n**0.56))`` dimensions (the rule of fastai's tabular learner).

    Args:
        spec: The inputs.
        most: Most dimensions of an embedding.

    Attributes:
        width: Length of the vector.
    """

    def __init__(self, spec: Spec, most: int) -> None:
        super().__init__()
        sizes = [min(most, round(1.6 * n**0.56)) for n in spec.cardinalities]
        self.embeddings = nn.ModuleList(
            nn.Embedding(n, size) for n, size in zip(spec.cardinalities, sizes, strict=True)
        )
        self.numeric = any(name in spec.inputs for name in ("numeric", "image", "series"))
        self.coded = spec.inputs.index("categories") if "categories" in spec.inputs else 0
        self.width = spec.features + sum(sizes)

    def initialise_embeddings(self) -> None:
        """Draw the first vectors."""
        for embedding in self.embeddings:
            initialise_embedding(cast(nn.Embedding, embedding))

    def flatten(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """``numeric_BF``, ``image_BCHW`` or ``series_BLV``, then ``categories_BK``, to ``[B, width]``, no node."""
        parts: list[Tensor] = [inputs[0].flatten(1)] if self.numeric else []
        if len(self.embeddings):
            codes_BK = inputs[self.coded]
            parts += [embed(codes_BK[:, k]) for k, embed in enumerate(self.embeddings)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)
