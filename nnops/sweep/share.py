"""What the machines of a sweep must all reach: checkpoints, and prepared data; by a folder or by an S3 address.

<sweep.shared>/data/HASH/           prepared data, of all studies
               UID/checkpoints/N/   of trial N of one study
"""

import os
import shutil
import tempfile
import uuid
from pathlib import Path

from nnops.data.prepared import Prepared
from nnops.errors import InputError, StudyError
from nnops.sweep.bucket import SCHEME, Bucket
from nnops.sweep.shelf import open_shelf

#: Written last, so data are whole where it is.
LAST = "schema.json"


def check_shared(address: str | None) -> None:
    """Judge ``sweep.shared`` from this machine, before anything starts.

    Raises:
        InputError: It is no folder and no S3 address, or it cannot be written.
    """
    if address is None:
        return
    if address.startswith(SCHEME):
        Bucket(address).check()
        return
    if "://" in address or not Path(address).is_absolute():
        raise InputError(
            "params.yaml: sweep.shared must be the full path of a folder or an address s3://BUCKET/PREFIX, got"
            f" '{address}'."
        )
    token = Path(address) / f".nnops-{uuid.uuid4().hex}"
    try:
        Path(address).mkdir(parents=True, exist_ok=True)
        token.touch()
        token.unlink()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"params.yaml: sweep.shared: {address} cannot be written ({reason}); write a folder that all machines have."
        ) from error


def checkpoints_of(shared: str | None, uid: str, folder: Path) -> str:
    """The folder or address that holds a folder of checkpoints for each trial of a study.

    Args:
        shared: ``sweep.shared``.
        uid: The study's.
        folder: The study's.
    """
    return str((folder / "checkpoints").absolute()) if shared is None else f"{_own(shared, uid)}/checkpoints"


def delete_shared(shared: str | None, uid: str) -> None:
    """Delete what a study keeps at ``sweep.shared``; data stay, for other studies may have the same."""
    if shared is not None:
        open_shelf(_own(shared, uid)).delete()


def _own(shared: str, uid: str) -> str:
    return f"{shared.rstrip('/')}/{uid}"


def publish(data: Prepared, shared: str | None) -> str:
    """Put prepared data where every machine reaches them; the folder or address they have there.

    Raises:
        StudyError: They cannot be written there.
    """
    if shared is None:
        return str(data.folder.absolute())
    if not shared.startswith(SCHEME):
        place = Path(shared) / "data" / data.hash
        _adopt(data.folder, place)
        return str(place)
    bucket = Bucket(f"{shared.rstrip('/')}/data/{data.hash}")
    if LAST not in bucket.names():
        paths = sorted(path for path in data.folder.rglob("*") if path.is_file() and path.name != LAST)
        for path in [*paths, data.folder / LAST]:
            bucket.put(path, path.relative_to(data.folder).as_posix())
    return bucket.address


def must_see(shared: str | None, checkpoints: str, folder: Path, data: str | None, root: Path) -> tuple[str, ...]:
    """What a worker must see wherever it runs, a machine that joins a cluster later included; all of it is there now.

    Args:
        shared: ``sweep.shared``.
        checkpoints: Where trials keep theirs.
        folder: The study's.
        data: Where prepared data are, or None where trials prepare them from the project.
        root: The project's folder.
    """
    sees = [str(root.absolute())] if data is None else []
    if shared is None:
        sees.append(str((folder / "study.json").absolute()))
    elif not shared.startswith(SCHEME):
        Path(checkpoints).mkdir(parents=True, exist_ok=True)
        sees.append(checkpoints)
    if data is not None and not data.startswith(SCHEME):
        sees.append(f"{data}/{LAST}")
    return tuple(sees)


def fetch(address: str) -> Path:
    """The folder on this machine with the prepared data that :func:`publish` put at an address.

    Raises:
        StudyError: They cannot be read.
    """
    if not address.startswith(SCHEME):
        return Path(address)
    place = _own_room() / "data" / address.rpartition("/")[2]
    if not (place / LAST).exists():
        bucket = Bucket(address)
        with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
            folder = Path(scratch) / "data"
            _download(bucket, "", folder)
            if not (folder / LAST).exists():
                raise StudyError(f"{bucket.address} holds no prepared data.")
            _move(folder, place)
    return place


def _download(bucket: Bucket, name: str, folder: Path) -> None:
    """Fetch all that lies below a name; S3 knows no folders, so what can be listed is one."""
    for entry in bucket.names(name):
        inner = f"{name}/{entry}" if name else entry
        if not bucket.get(inner, folder / entry):
            _download(bucket, inner, folder / entry)


def _adopt(source: Path, place: Path) -> None:
    """Copy a folder to a place, whole or not at all."""
    if (place / LAST).exists():
        return
    part = place.with_name(f".{place.name}.{uuid.uuid4().hex}.part")
    try:
        shutil.copytree(source, part)
        _move(part, place)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _move(folder: Path, place: Path) -> None:
    try:
        folder.rename(place)
    except OSError:
        # Another process of this machine was quicker, with the same data.
        if not (place / LAST).exists():
            raise


def _own_room() -> Path:
    """A folder of this user on this machine, that nobody else can write."""
    room = Path(tempfile.gettempdir()) / f"nnops-{os.getuid()}"
    room.mkdir(mode=0o700, exist_ok=True)
    status = room.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise StudyError(f"{room} is not this user's alone; delete it, or set TMPDIR to a folder of your own.")
    (room / "data").mkdir(exist_ok=True)
    return room
