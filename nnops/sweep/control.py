"""Control from outside: a driver in another process is asked to leave by a file that it looks for."""

from pathlib import Path

from nnops.files import write_bytes
from nnops.sweep.study import Study

#: The file's name in the study's folder.
STOP = "stop"


def ask_to_stop(root: Path, name: str) -> str:
    """Ask whoever drives a study to let its trials go and leave.

    Returns:
        One sentence on what happens now.

    Raises:
        InputError: There is no such study.
    """
    study = Study.open(root, name)
    holder = study.holder
    if holder is None:
        return f"nobody drives study '{name}'; it is {study.state}."
    write_bytes(study.folder / STOP, b"")
    return f"asked {holder} to stop; 'nnops sweep resume {name}' goes on later."
