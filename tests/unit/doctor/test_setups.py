"""Planted faults are named, sound set-ups are not accused; the whole list is ``python -m benchmarks doctor``."""

from pathlib import Path

import pytest

from benchmarks.doctor_setups import FAULTS, LATER_FAULTS, LATER_SOUND, SOUND, Setup
from nnops.judge import judge
from nnops.params import overlay, parse_set

#: Those that take a moment each.
QUICK_FAULTS = (
    "a column made of the target",
    "a mark in a corner of the pictures",
    "shuffled row numbers as a column",
    "columns of other sizes, not scaled",
    "an infinite value in the prepared data",
    "a label that hardly any row has",
    "forty rows",
    "equal rows with different answers",
    "a target in thousands",
    "a softmax before the loss's own",
    "a regression that ends in a relu",
    "rows that are mixed",
    "an input that is forgotten",
    "units that are all dead at the start",
    "a gradient that is cut",
    "first weights thirty times too large",
    "nothing that learns",
    "plain descent at a rate of 30",
    "a rate ten thousand times too low",
    "a straight line for a ring",
    "units that died on the way",
)
QUICK_SOUND = (
    "iris, mlp",
    "wine, mlp with batch norm",
    "diabetes, linear with huber",
    "digits, mlp with cosine",
    "pictures, mlp",
    "three labels",
    "series, mlp",
)


def named(setups: tuple[Setup, ...], names: tuple[str, ...]) -> list[Setup]:
    by_name = {setup.name: setup for setup in setups}
    return [by_name[name] for name in names]


@pytest.mark.parametrize("setup", named((*FAULTS, *LATER_FAULTS), QUICK_FAULTS), ids=lambda setup: setup.name)
def test_a_planted_fault_is_among_the_first_findings(setup: Setup, tmp_path: Path) -> None:
    seen = setup.examine(tmp_path)
    assert setup.right in [finding.check for finding in seen.findings[:3]]
    for finding in seen.findings:
        assert finding.sets, finding
        assert finding.evidence, finding
        assert finding.sentence.endswith("."), finding


@pytest.mark.parametrize("setup", named((*SOUND, *LATER_SOUND), QUICK_SOUND), ids=lambda setup: setup.name)
def test_a_sound_set_up_is_not_accused(setup: Setup, tmp_path: Path) -> None:
    assert [finding for finding in setup.examine(tmp_path).findings if finding.severity != "note"] == []


@pytest.mark.parametrize(
    "setup",
    named(FAULTS, ("a column made of the target", "first weights thirty times too large")),
    ids=lambda s: s.name,
)
def test_params_check_takes_the_sets(setup: Setup, tmp_path: Path) -> None:
    seen = setup.examine(tmp_path)
    assert seen.findings
    for finding in seen.findings:
        judge(overlay(seen.case.given, dict(parse_set(text) for text in finding.sets)), tmp_path)


def test_the_remedy_of_a_fault_takes_it_away(tmp_path: Path) -> None:
    setup = named(FAULTS, ("a rate a thousand times too high",))[0]
    (finding,) = setup.examine(tmp_path / "before").findings
    better = Setup(setup.name, setup.make, setup.sets | dict(parse_set(text) for text in finding.sets))
    assert better.examine(tmp_path / "after").findings == ()


def test_the_same_case_gives_the_same_findings(tmp_path: Path) -> None:
    setup = named(FAULTS, ("plain descent at a rate of 30",))[0]
    first, again = (setup.examine(tmp_path / name).to_json() for name in ("one", "two"))
    assert first == again
    assert first["findings"]
