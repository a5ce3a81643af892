"""Control of a study that another process drives: ask its driver to stop."""

from pathlib import Path

from nnops.files import write_bytes
from nnops.sweep.study import Study


def ask_to_stop(root: Path, name: str) -> str:
    """Ask the driver of a study to let its trials go and leave; the study can be resumed.

    Returns:
        What was done, in words.

    Raises:
        InputError: There is no such study.
    """
    study = Study.open(root, name)
    holder = study.holder
    if holder is None:
        return f"nobody drives study '{name}' ({study.state}); nothing to stop."
    write_bytes(study.folder / "stop", b"")
    return f"study '{name}' is asked to stop; process {holder.pid} on {holder.host} leaves after its running epochs."
