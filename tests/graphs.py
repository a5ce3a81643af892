"""A planted graph for tests: a stochastic block model (Holland et al. 1983) of papers that cite their own field."""

from pathlib import Path

import numpy as np
import pandas as pd

FIELDS = ("art", "biology", "chess")


def papers(seed: int = 3, count: int = 500) -> pd.DataFrame:
    """Nodes: an id, six numbers and a word that say little, and the field."""
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 3, count)
    frame = pd.DataFrame(rng.normal(size=(count, 6)) + 0.4 * np.eye(3, 6)[code], columns=[f"x{at}" for at in range(6)])
    frame.insert(0, "paper", [f"p{number}" for number in range(count)])
    frame["journal"] = np.array(["A", "B", "C"])[np.where(rng.random(count) < 0.2, code, rng.integers(0, 3, count))]
    frame["field"] = np.array(FIELDS)[code]
    return frame.round(3)


def citations(frame: pd.DataFrame, seed: int = 4, inside: float = 0.04, outside: float = 0.004) -> pd.DataFrame:
    """Edges between nodes of one field with the probability ``inside``, of two with ``outside``."""
    rng = np.random.default_rng(seed)
    field, ids = frame["field"].to_numpy(), frame["paper"].to_numpy()
    chance = np.where(field[:, None] == field[None], inside, outside)
    one, other = np.nonzero(np.triu(rng.random(chance.shape) < chance, 1))
    return pd.DataFrame({"citing": ids[one], "cited": ids[other]})


def write_graph(root: Path, count: int = 500) -> None:
    """``papers.csv`` and ``citations.csv`` in a folder."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    frame = papers(count=count)
    frame.to_csv(root / "data" / "papers.csv", index=False)
    citations(frame).to_csv(root / "data" / "citations.csv", index=False)
