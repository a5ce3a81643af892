"""Every error that nnops raises on purpose; each says what must hold, what came, where, and what to write instead.

NnopsError              exit code 1: the work failed
├── TrainingError       the training cannot go on (a loss that is not finite, a checkpoint that is damaged)
├── CompressionError    a compressed model is not the trained one
├── GateError           a model version did not pass its gate
├── TrackingError       the tracking store does not answer
├── StudyError          a study cannot go on
│   ├── StudyDamagedError  its record is not whole
│   └── StudyHeldError     another process drives it (exit code 2)
└── InputError          exit code 2: what the user wrote is wrong
    ├── ParamsError     params.yaml or --set
    ├── DataError       a data file or a column
    ├── NameUnknownError  a name that is in no table, answered with the nearest one
    └── IntegrityError  a file whose content is not what its hash says
"""

import errno
from pathlib import Path

#: What a machine may refuse, and what to do then.
REFUSALS = {
    errno.ENOSPC: "there is no space left; free some and run the command again, nothing that was kept is lost",
    errno.EDQUOT: "the quota is used up; free some space and run the command again, nothing that was kept is lost",
    errno.EROFS: "it lies in a place that can only be read; work in a folder of your own",
    errno.EACCES: "that is not permitted; work in a folder of your own, or change its owner",
    errno.EPERM: "that is not permitted; work in a folder of your own, or change its owner",
}


def explain_refusal(error: BaseException | None) -> str | None:
    """What the machine refused, as a sentence for the user; None where that is not what an error is about."""
    while error is not None:
        if isinstance(error, OSError) and (file := file_in_the_way(error)) is not None:
            return f"{file} is a file where a folder must be; move it away, or name another place."
        if isinstance(error, OSError) and error.errno in REFUSALS:
            name = f"{error.filename} cannot be written: " if error.filename else ""
            return f"{name}{REFUSALS[error.errno]}."
        error = error.__cause__
    return None


def file_in_the_way(error: OSError) -> Path | None:
    """The file that lies where a folder is needed, where that is what was wrong with a path."""
    if error.errno not in (errno.ENOTDIR, errno.EEXIST) or not isinstance(error.filename, str | Path):
        return None
    path = Path(error.filename)
    there = next((each for each in (path, *path.parents) if each.exists()), path)
    return None if there.is_dir() else there


class NnopsError(Exception):
    """Base of all errors of nnops; the message is one sentence for the user."""

    exit_code = 1


class TrainingError(NnopsError):
    """The training cannot go on."""


class CompressionError(NnopsError):
    """A compressed model is not what it must be: the trained one, only smaller."""


class GateError(NnopsError):
    """A model version did not pass the gate written in params.yaml."""


class TrackingError(NnopsError):
    """The tracking store or the model registry does not answer."""


class StudyError(NnopsError):
    """A study cannot go on."""


class StudyDamagedError(StudyError):
    """A study's record is not whole."""


class StudyHeldError(StudyError):
    """Another process drives a study."""

    exit_code = 2


class InputError(NnopsError):
    """What the user wrote is wrong."""

    exit_code = 2


class ParamsError(InputError):
    """A value in params.yaml or in --set is wrong."""


class DataError(InputError):
    """A data file, a column or a row is wrong."""


class NameUnknownError(InputError):
    """A name is in no table."""


class IntegrityError(InputError):
    """A file's content is not what its recorded hash says."""
