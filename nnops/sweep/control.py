"""Control of a study that another process drives: ask its driver to stop, to pause, to go on.

What is asked stands as a file in the study's folder and, where the record is on a database server, in the record as
well, so that it reaches a driver on another machine.
"""

from pathlib import Path

from nnops.errors import StudyHeldError
from nnops.files import write_bytes
from nnops.sweep.holder import Holder
from nnops.sweep.names import beginner, studies
from nnops.sweep.study import Study

STOP, PAUSE = "stop", "pause"


def ask_to_stop(root: Path, name: str, storage: str | None = None) -> str:
    """Ask the driver of a study to let its trials go and leave; the study can be resumed.

    Args:
        root: The project's folder.
        name: The study.
        storage: Where to look if the study was begun in another folder or on another machine.

    Returns:
        What was done, in words.

    Raises:
        InputError: There is no such study.
    """
    begins = beginner(root, name)
    if begins is not None:
        write_bytes(studies(root) / name / STOP, b"")
        return f"study '{name}' is just beginning and asked to stop; {_who(begins)} leaves before its first trial."
    study = Study.open(root, name, storage)
    holder = study.holder
    if holder is None:
        return f"nobody drives study '{name}' ({study.state}); nothing to stop."
    _ask(study, STOP)
    return f"study '{name}' is asked to stop; {_who(holder)} leaves after its running epochs."


def ask_to_pause(root: Path, name: str, storage: str | None = None) -> str:
    """Ask the driver of a study to hold its trials after their running epochs; it stays, and so does their memory.

    Args:
        root: The project's folder.
        name: The study.
        storage: Where to look if the study was begun in another folder or on another machine.

    Returns:
        What was done, in words.

    Raises:
        InputError: There is no such study.
    """
    begins = beginner(root, name)
    if begins is not None:
        write_bytes(studies(root) / name / PAUSE, b"")
        return (
            f"study '{name}' is just beginning and asked to pause; {_who(begins)} waits before its first trial; go on"
            f" with 'nnops sweep resume {name}'."
        )
    study = Study.open(root, name, storage)
    holder = study.holder
    if holder is None:
        return f"nobody drives study '{name}' ({study.state}); nothing to pause."
    if study.state == "paused":
        return f"study '{name}' is paused; go on with 'nnops sweep resume {name}'."
    _ask(study, PAUSE)
    return (
        f"study '{name}' is asked to pause; its trials hold after their running epochs, and {_who(holder)} waits; go on"
        f" with 'nnops sweep resume {name}'."
    )


def go_on(root: Path, name: str, storage: str | None = None, *, changed: bool = False) -> str | None:
    """Let a study go on whose driver was asked to pause.

    Args:
        root: The project's folder.
        name: The study.
        storage: Where to look if the study was begun in another folder or on another machine.
        changed: Whether it shall go on with another budget, engine or number of workers.

    Returns:
        What was done, in words; None where no driver waits, so one must be started.

    Raises:
        InputError: There is no such study.
        StudyHeldError: The waiting driver cannot be given anything else, or the study is just beginning.
    """
    note = studies(root) / name / PAUSE
    if beginner(root, name) is not None and note.exists() and not changed:
        note.unlink(missing_ok=True)
        return f"study '{name}' is just beginning, and will not pause."
    study = Study.open(root, name, storage)
    holder = study.holder
    if holder is None or asked(study) != PAUSE:
        return None
    if changed:
        raise StudyHeldError(
            f"study '{name}' is paused, and its driver goes on as it began; write 'nnops sweep resume {name}' alone, or"
            f" 'nnops sweep stop {name}' before you resume it with other options."
        )
    forget(study)
    return f"study '{name}' goes on, driven by {_who(holder)}."


def asked(study: Study, everywhere: bool = True) -> str | None:
    """What a study's driver is asked to do, or None.

    Args:
        study: The study.
        everywhere: Also look into the record, which may be on another machine.
    """
    for word in (STOP, PAUSE):
        if (study.folder / word).exists():
            return word
    return study.attrs.get("asked") if everywhere and study.on_server else None


def forget(study: Study) -> None:
    """Nothing is asked any more."""
    forget_in(study.folder)
    if study.on_server and study.attrs.get("asked"):
        study.set("asked", None)


def forget_in(folder: Path) -> None:
    """Nothing is asked any more in the folder of a study, which may be just beginning."""
    for word in (STOP, PAUSE):
        (folder / word).unlink(missing_ok=True)


def _who(holder: Holder) -> str:
    return f"process {holder.pid} on {holder.host}"


def _ask(study: Study, word: str) -> None:
    write_bytes(study.folder / word, b"")
    if study.on_server:
        study.set("asked", word)
