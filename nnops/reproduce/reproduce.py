"""reproduce(): a result is found, made again in a scratch folder, compared, and the verdict kept with it."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from nnops.files import dump_json
from nnops.params import Params
from nnops.registry.gate import parse_gate
from nnops.registry.store import Registry
from nnops.reproduce.find import find, find_here
from nnops.reproduce.libraries import install_libraries, look, outdated
from nnops.reproduce.make import make
from nnops.reproduce.recorded import Recorded
from nnops.reproduce.scratch import lay_out
from nnops.reproduce.verdict import TOLERANCE, Verdict, compare
from nnops.sweep.study import Study
from nnops.tracking.record import collect
from nnops.tracking.runs import Runs

#: The verdict's words as a gate compares them.
WORDS = {"bits": 2.0, "metrics": 1.0, "differs": 0.0}
#: The tag of a run and of a version.
REPRODUCED = "nnops.reproduced"


def silent(stage: str) -> None:
    """Tell nobody."""
    del stage


def reproduce(
    reference: str,
    params: Params,
    root: Path,
    *,
    tolerance: float = TOLERANCE,
    keep: Path | None = None,
    install: bool = False,
    tell: Callable[[str], None] = silent,
) -> tuple[Recorded, Verdict]:
    """Make a result again and compare it with its record.

    Args:
        reference: As :func:`nnops.reproduce.find.find` takes it.
        params: The project's, for its stores.
        root: The project's folder.
        tolerance: How far numbers may be off, of their size where that is above 1, to count as the same metrics.
        keep: A new folder to leave the scratch folder in; else it is deleted.
        install: Put the libraries of the record into an environment of its own, where others are installed here.
        tell: Hears what is being done, in a word.

    Raises:
        InputError: No such result, or its record, code or data are gone.
        StageError: Its pipeline fails today.
        TrackingError: The store does not answer.
    """
    tell("record")
    recorded = find(reference, params, root)
    verdict = _again(recorded, root, tolerance, keep, tell, install)
    _store(recorded, verdict, params, root)
    return recorded, verdict


def _again(
    recorded: Recorded,
    root: Path,
    tolerance: float,
    keep: Path | None,
    tell: Callable[[str], None],
    install: bool = False,
) -> Verdict:
    folder = Path(tempfile.mkdtemp(prefix="nnops-again-"))
    try:
        project, notes = lay_out(recorded, root, folder)
        python = sys.executable
        if install and (versions := outdated(recorded)):
            tell("install")
            python = install_libraries(recorded, versions, folder / "environment")
            notes.append(f"installed for it: {', '.join(map(' '.join, versions.items()))}")
        made = make(recorded, project, tell, python)
        now = collect(project) if python == sys.executable else look(python, project)
        verdict = compare(recorded, made, now, tolerance, tuple(notes))
        if keep is not None:
            shutil.copytree(project, keep, symlinks=True, dirs_exist_ok=True)
        return verdict
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _store(recorded: Recorded, verdict: Verdict, params: Params, root: Path) -> None:
    """Keep the verdict on the run, and with the trial or the version."""
    record = verdict.to_json()
    if recorded.kind == "trial" and recorded.place is not None:
        name, number = recorded.place
        Study.open(root, name, params.sweep.storage).set(f"reproduced.{number}", record)
    if recorded.kind == "version" and recorded.place is not None:
        registry = Registry(params, root)
        version = registry.find(f"{recorded.place[0]}/{recorded.place[1]}")
        registry.tag(version, {REPRODUCED: verdict.word, f"{REPRODUCED}.verdict": json.dumps(record, sort_keys=True)})
    if recorded.run_id is not None:
        tags = {REPRODUCED: verdict.word, f"{REPRODUCED}.as": verdict.sentence[:500]}
        content = dump_json(record).encode()
        Runs(params, root).mark(recorded.run_id, tags, {"reproduced/verdict.json": content})


def numbers_of(gate: Sequence[str], params: Params, root: Path) -> dict[str, float]:
    """What conditions such as ``reproduced == bits`` stand for, where a gate names them: the training is made again.

    Args:
        gate: The conditions of ``register.gate``.
        params: The whole of params.yaml.
        root: The project's folder, its stages up to evaluate being done.

    Returns:
        ``reproduced``, and the words it may be held against: ``bits`` 2, ``metrics`` 1, ``differs`` 0. Empty where no
        condition asks.
    """
    if not any(condition.left == "reproduced" for condition in parse_gate(gate)):
        return {}
    recorded = find_here(params, root)
    verdict = _again(recorded, root, TOLERANCE, None, silent)
    return {"reproduced": WORDS[verdict.word], **WORDS}
