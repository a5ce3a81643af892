"""What is made of a source before it is written: arrays of each split, what they mean, and what the report says."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnops.batch import Spec
from nnops.data.prepared import SplitName
from nnops.data.preprocess import Preprocess


@dataclass(frozen=True)
class Made:
    """Prepared data in memory.

    Attributes:
        spec: What a model is told.
        preprocess: The fitted preprocessing.
        arrays: Arrays by split and name, ``target`` among them.
        columns: What the schema says of each column of the source but the target.
        features: Names of the numeric features in their order; empty for images.
        report: The data report, as plain JSON values.
        rows: Rows of each split, where they are not those of the array ``target``: windows of a series.
        extra: Further entries of the schema.
        graph: Arrays of the links between rows, by name; empty where there are none.
    """

    spec: Spec
    preprocess: Preprocess
    arrays: dict[SplitName, dict[str, np.ndarray]]
    columns: list[dict[str, Any]]
    features: list[str]
    report: dict[str, Any]
    rows: dict[SplitName, int] = field(default_factory=dict[SplitName, int])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    graph: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
