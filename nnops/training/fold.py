"""Folds of train: prepared data as one member of an ensemble of folds sees them.

The rows of train are dealt into k folds. Member i learns from all folds but the i-th and is validated on that one; that
members learn from other rows makes them disagree, which is what an ensemble gains from (Krogh and Vedelsby 1995,
"Neural network ensembles, cross validation, and active learning"). Val and test stay as they are: no member learns from
them, so they judge the whole.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch

from nnops.data.folds import even_folds, grouped_folds, stratified_folds
from nnops.data.prepared import Prepared, SplitName, Tensors
from nnops.errors import ParamsError
from nnops.fingerprint import hash_json
from nnops.params import Params
from nnops.seeding import numpy_stream

WHERE = "params.yaml: train.folds"


@dataclass(frozen=True)
class Fold(Prepared):
    """Prepared data whose train and val are parts of the train that was prepared; test is as it was.

    Attributes:
        seed: Rows are dealt from its stream ``train/folds``.
        folds: How many folds there are.
        fold: The one that is val, from 0.
    """

    seed: int = 0
    folds: int = 2
    fold: int = 0

    @cached_property
    def whole(self) -> Prepared:
        """The data as they were prepared."""
        return Prepared(self.folder, self.schema)

    @cached_property
    def places(self) -> dict[SplitName, np.ndarray]:
        """Rows of the prepared train, int64, rising, of train and val."""
        dealt = deal(self.whole, self.folds, self.seed)
        return {"train": np.flatnonzero(dealt != self.fold), "val": np.flatnonzero(dealt == self.fold)}

    @property
    def hash(self) -> str:
        """Names the part as well."""
        return hash_json([self.whole.hash, self.seed, self.folds, self.fold])

    def arrays(self, split: SplitName) -> dict[str, np.ndarray]:
        """See :meth:`Prepared.arrays`; those of train and val are copies."""
        if split == "test":
            return self.whole.arrays(split)
        return {name: array[self.places[split]] for name, array in self.whole.arrays("train").items()}

    def groups(self, split: SplitName) -> np.ndarray:
        """See :meth:`Prepared.groups`."""
        return self.whole.groups(split) if split == "test" else self.whole.groups("train")[self.places[split]]

    def graph(self) -> dict[str, torch.Tensor]:
        """See :meth:`Prepared.graph`: the nodes of all splits."""
        return self.whole.graph()

    def rows(self, split: SplitName) -> int:
        """See :meth:`Prepared.rows`."""
        return self.whole.rows(split) if split == "test" else len(self.places[split])

    def tensors(self, split: SplitName, device: str = "cpu") -> Tensors:
        """See :meth:`Prepared.tensors`."""
        if split == "test":
            return self.whole.tensors(split, device)
        every = self.whole.tensors("train", device)
        row_B = torch.from_numpy(self.places[split]).to(every.target.device)
        inputs = tuple(tensor.index_select(0, row_B) for tensor in every.inputs)
        return Tensors(inputs, every.target.index_select(0, row_B))


def check_folds(params: Params, data: Prepared) -> None:
    """Check that the data can be dealt into as many folds as params say.

    Raises:
        ParamsError: They cannot.
    """
    folds = params.train.folds
    if folds is None:
        return
    if data.spec.series or data.schema.get("ordered"):
        raise ParamsError(
            f"{WHERE}: rows in the order of time are not dealt into folds, for a network would be validated on what"
            " comes before the rows that it learned from; leave it out."
        )
    if params.train.stream:
        raise ParamsError(
            f"{WHERE}: folds are dealt in memory, and train.stream leaves rows on disk; write one of both."
        )
    kin_N = data.kin
    most, what = (data.rows("train"), "rows") if kin_N is None else (len(np.unique(kin_N)), "groups of rows")
    if folds > most or (kin_N is not None and most < 3):
        raise ParamsError(f"{WHERE}: train has {most} {what}, too few for {folds} folds; write fewer, or leave it out.")


def deal(data: Prepared, folds: int, seed: int) -> np.ndarray:
    """The fold of each row of train, int64 ``[N]``: groups whole, else classes in proportion where they can be.

    Args:
        data: As they were prepared.
        folds: How many.
        seed: The seed in params.yaml.
    """
    random, kin_N = numpy_stream(seed, "train/folds"), data.kin
    if kin_N is not None:
        return grouped_folds(pd.Series(kin_N, name="kin"), folds, random, WHERE)
    if data.spec.task in ("binary", "multiclass"):
        classes = pd.Series(np.asarray(data.arrays("train")["target"]).astype(np.int64))
        if classes.value_counts().min() >= max(folds, 3):
            return stratified_folds(classes, folds, random, WHERE)
    return even_folds(data.rows("train"), folds, random, WHERE)


def folds_of(params: Params, data: Prepared) -> list[Prepared]:
    """The data of each member: parts of them where params ask for folds, else all of them for each.

    Raises:
        ParamsError: See :func:`check_folds`.
    """
    check_folds(params, data)
    folds = params.train.folds
    if folds is None:
        return [data] * len(params.train.ensemble)
    return [Fold(data.folder, data.schema, params.seed, folds, place) for place in range(folds)]
