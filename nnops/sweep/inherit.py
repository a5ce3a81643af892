"""What a study that grows takes over of the old one's trainings: the states in which its best trials ended."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nnops.params import Params, overlay
from nnops.sweep.ready import Ready
from nnops.sweep.shelf import open_shelf
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.trial import data_cache

if TYPE_CHECKING:
    from nnops.data.prepared import Prepared


@dataclass(frozen=True)
class Inherited:
    """The last state of an old trial, with which a new one begins.

    Attributes:
        of: The old trial.
        epochs: That the new one need not train.
    """

    of: int
    epochs: int


@dataclass
class Verdict:
    """Which of the best trials go on where they ended.

    Attributes:
        goes_on: These.
        anew: Of the others, why they are trained from the beginning.
    """

    goes_on: list[int] = field(default_factory=list[int])
    anew: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def words(self) -> str:
        """As part of a sentence."""
        said: list[str] = []
        if self.goes_on:
            verb = "go on where they" if len(self.goes_on) > 1 else "goes on where it"
            said.append(f"{_names(self.goes_on)} {verb} ended")
        for why, numbers in self.anew.items():
            verb = "are" if len(numbers) > 1 else "is"
            said.append(f"{_names(numbers)} {verb} trained anew, since {why}")
        return "; ".join(said)


def judge(old: Study, ready: Ready, records: list[TrialRecord]) -> Verdict:
    """Which trials of an old study may go on to more epochs: those that come to what a training from the start gives.

    Args:
        old: The old study.
        ready: The new one; only its epochs are others.
        records: Its best trials.
    """
    verdict = Verdict()
    for record in records:
        why = _why_anew(old, ready, record)
        if why is None:
            verdict.goes_on.append(record.number)
        else:
            verdict.anew.setdefault(why, []).append(record.number)
    return verdict


def with_states(old: Study, records: list[TrialRecord]) -> list[int]:
    """The trials whose last states an old study has."""
    from nnops.training.checkpoint import found

    shelf = open_shelf(old.checkpoints)
    return [record.number for record in records if found(shelf.look(record.number))]


def take_over(old: Study, inherited: dict[int, Inherited], address: str) -> None:
    """Copy last states to where the trials of a new study, by their numbers, will find them.

    Args:
        old: The old study.
        inherited: By number of the new trial.
        address: The new study's folder or S3 address of checkpoints.

    Raises:
        NnopsError: They cannot be written there.
    """
    from nnops.training.checkpoint import found

    source, target = open_shelf(old.checkpoints), open_shelf(address)
    for number, each in inherited.items():
        paths = found(source.look(each.of))
        if paths:
            target.put(number, paths[-1])


def _why_anew(old: Study, ready: Ready, record: TrialRecord) -> str | None:
    from nnops.training.extension import why_other

    params = overlay(old.params, record.config)
    data = _data(ready, params)
    other = why_other(params, ready.params.train.epochs, data.spec, data.rows("train"))
    if other is not None:
        return other
    if not with_states(old, [record]):
        return f"no last state was kept (sweep.keep is {old.params.sweep.keep})"
    if not made_as_now(old, ready, record):
        return "code, data or packages have changed"
    return None


def made_as_now(old: Study, ready: Ready, record: TrialRecord) -> bool:
    """Whether a training of a trial's config comes to the trial's bits: code, data and packages are those of then."""
    from nnops.training.train import name_result

    params = overlay(old.params, record.config)
    # Whichever device it was trained on.
    return record.fingerprint in {name_result(params, _data(ready, params), device) for device in ("cpu", "cuda")}


def _data(ready: Ready, params: Params) -> "Prepared":
    from nnops.data.prepare import cached

    return cached(params, ready.root, data_cache(ready.root)) if ready.tunes_data else ready.data


def _names(numbers: list[int]) -> str:
    names = [str(number) for number in numbers]
    return f"trial {names[0]}" if len(names) == 1 else f"trials {', '.join(names[:-1])} and {names[-1]}"
