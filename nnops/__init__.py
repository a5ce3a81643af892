"""nnops: experiments and hyperparameter search on neural networks, every number traceable and made again to the bit."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from nnops.sweep.notebook import StudyView

__version__ = "0.1.0"


def study(name: str, root: "str | Path" = ".", storage: str | None = None) -> "StudyView":
    """Open a study to look at: its trials as a data frame, its figures, its best config.

    Args:
        name: The study.
        root: The project's folder.
        storage: Where a study of another machine is, as ``sweep.storage``.

    Raises:
        nnops.errors.InputError: There is no such study; the message holds the nearest name.
    """
    from nnops.sweep.notebook import open_study

    return open_study(name, root, storage)
