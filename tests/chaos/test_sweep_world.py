"""What a sweep stands on fails: the desk of its workers, a node of a cluster, the disk.

At length: ``python -m benchmarks chaos``.
"""

import os
from pathlib import Path

import pytest

from benchmarks.chaos import attack, unbroken


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """The table of the sweep that nobody touches."""
    return unbroken(tmp_path_factory.mktemp("unbroken") / "project")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["desk, ray", "node of three, ray", "disk full, inline"])
def test_nothing_is_lost(tmp_path: Path, truth: list[tuple[object, ...]], name: str) -> None:
    if name == "disk full, inline" and os.geteuid() != 0:
        pytest.skip("a disk that fills needs mount, which only root may")
    hits, faults, _ = attack(name, tmp_path / "world", 1, "1", truth)
    assert faults == []
    assert hits >= 1
