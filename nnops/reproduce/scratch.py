"""The scratch folder: the code, the data and the params of a result, as they were, in a place of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nnops.errors import InputError
from nnops.files import write_bytes
from nnops.fingerprint import hash_file, hash_files
from nnops.reproduce.recorded import Recorded
from nnops.training.train import own_sources

#: Folders that hold no code of a project.
NO_CODE = ("artifacts", "mlruns", "node_modules", "site", "demo")
#: What is taken where git does not know the code.
CODE_FILES = (".py", "dvc.yaml")
MAX_CODE_FILES = 2000
MAX_CODE_BYTES = 2**20


def lay_out(recorded: Recorded, root: Path, folder: Path) -> tuple[Path, list[str]]:
    """Fill a scratch folder.

    Args:
        recorded: The result.
        root: The project's folder.
        folder: Empty.

    Returns:
        The project inside it, and what had to be taken from elsewhere than the record says, in words.

    Raises:
        InputError: Code or data are gone; the message says what is missing and where it was sought.
    """
    project, notes = _code(recorded, root, folder)
    if not (project / "pipelines" / "train.py").is_file():
        where = f"commit {recorded.commit[:12]}" if recorded.commit else f"{root.resolve()}"
        raise InputError(f"{recorded.name}: {where} holds no pipelines/train.py, so nothing says how it was trained.")
    for entry in recorded.files:
        _data(entry, recorded.name, root, project)
    for name, path in own_sources(recorded.params).items():
        _own(name, path, recorded.name, root, project)
    return project, notes


def _code(recorded: Recorded, root: Path, folder: Path) -> tuple[Path, list[str]]:
    git = recorded.environment.get("git") or {}
    commit = git.get("commit")
    if not commit:
        known = "git" in recorded.environment
        why = "its code stood in no commit of git" if known else "no code is on record"
        taken = _copy_code(root, root, folder)
        return folder, [f"{why}, so the present code is taken ({taken} files)"]
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None:
        raise InputError(
            f"{recorded.name}: its code is commit {commit[:12]}, but {root.resolve()} is in no git repository; go to a"
            " clone of the repository that holds it."
        )
    prefix = (_git(root, "rev-parse", "--show-prefix") or "").strip().rstrip("/")
    if _git(root, "cat-file", "-e", f"{commit}^{{commit}}") is None:
        remote = git.get("remote") or "the repository that it was pushed to"
        raise InputError(
            f"{recorded.name}: its code is commit {commit[:12]}, which is gone from {top.strip()}; fetch it from"
            f" {remote} ('git fetch')."
        )
    whole = folder / "code"
    _git_or_fail(None, "clone", "--quiet", "--shared", "--no-checkout", top.strip(), str(whole))
    _git_or_fail(whole, "checkout", "--quiet", "--detach", commit)
    notes: list[str] = []
    if recorded.diff:
        _apply(recorded, whole, folder / "git.diff")
    project = whole / prefix
    project.mkdir(parents=True, exist_ok=True)
    loose = [name for name in git.get("untracked", []) if (root / name).exists()]
    taken = sum(_copy_code(root / name, root, project) for name in loose)
    if taken:
        notes.append(f"{taken} files of code were in no commit, so they are taken as they are now")
    return project, notes


def _apply(recorded: Recorded, whole: Path, path: Path) -> None:
    """Lay the recorded diff over the commit."""
    write_bytes(path, recorded.diff.encode())
    try:
        _git_or_fail(whole, "apply", "--whitespace=nowarn", str(path.resolve()))
    except InputError as error:
        raise InputError(
            f"{recorded.name}: what its code differed in from commit {str(recorded.commit)[:12]} cannot be laid over it"
            " (the diff was too long, binary or held a secret), so the code is not known."
        ) from error


def _copy_code(start: Path, root: Path, project: Path) -> int:
    """Copy Python files and dvc.yaml from ``start``, a file or a folder below ``root``; how many."""
    count = 0
    for path in _code_files(start):
        if count == MAX_CODE_FILES:
            raise InputError(f"{start}: must hold at most {MAX_CODE_FILES} files of code; commit the code with git.")
        target = project / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        count += 1
    return count


def _code_files(start: Path) -> Iterator[Path]:
    if start.is_file():
        if start.name.endswith(CODE_FILES) and start.stat().st_size <= MAX_CODE_BYTES:
            yield start
        return
    for path in sorted(start.iterdir()):
        hidden = path.name.startswith(".") or path.name in NO_CODE or (path / "pyvenv.cfg").exists()
        if not hidden and not path.is_symlink():
            yield from _code_files(path)


def _data(entry: Mapping[str, Any], name: str, root: Path, project: Path) -> None:
    """Put one file or folder of the source where params look for it."""
    written = Path(entry["path"])
    target = project / written
    if _is(target, entry):
        return
    sought: list[str] = []
    for path, where in _places(entry, root):
        if _is(path, entry):
            if written.is_absolute():
                break
            _link(path, target)
            return
        sought.append(f"{where} ({'has other content' if path.exists() else 'not there'})")
    if not written.is_absolute() and (project / f"{written}.dvc").exists():
        _pull(root, project, written)
        if _is(target, entry):
            return
        sought.append("DVC's remote")
    size = f"{entry['bytes']:,} bytes"
    raise InputError(
        f"{name}: its data {entry['path']} (sha256 {entry['sha256'][:12]}, {size}) are gone; sought in"
        f" {', '.join(sought)}; put them back, or 'dvc pull' them."
    )


def _places(entry: Mapping[str, Any], root: Path) -> Iterator[tuple[Path, str]]:
    yield root / entry["path"], str(root / entry["path"])
    if "md5" in entry:
        cache = _cache(root)
        md5 = entry["md5"]
        yield cache / "files" / "md5" / md5[:2] / md5[2:], f"DVC's cache {cache}"


def _cache(root: Path) -> Path:
    """DVC's cache of the project."""
    found = _dvc(root, "cache", "dir")
    return Path(found.strip().splitlines()[-1]) if found and found.strip() else root / ".dvc" / "cache"


def _pull(root: Path, project: Path, path: Path) -> None:
    """Let DVC fetch a file that it tracks, through the project's own cache and remote."""
    _dvc(project, "cache", "dir", "--local", str(_cache(root).resolve()))
    for config in ("config", "config.local"):
        source = root / ".dvc" / config
        if source.exists() and not (project / ".dvc" / config).exists():
            shutil.copyfile(source, project / ".dvc" / config)
    _dvc(project, "pull", str(path))


def _own(name: str, path: Path, result: str, root: Path, project: Path) -> None:
    """Put a file that the network is made from, weights or a module, where params look for it."""
    if path.is_absolute() or (project / path).exists():
        return
    if not (root / path).exists():
        raise InputError(
            f"{result}: the file {name}, which its network is made from, is gone; sought in {root / path} and in the"
            " code on record; put it back."
        )
    _link(root / path, project / path)


def _is(path: Path, entry: Mapping[str, Any]) -> bool:
    """Whether a path holds what the record says."""
    if "files" in entry:
        if not path.is_dir():
            return False
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return len(files) >= entry["files"] and _hash_folder(files, path, entry) == entry["sha256"]
    return path.is_file() and path.stat().st_size == entry["bytes"] and hash_file(path) == entry["sha256"]


def _hash_folder(files: list[Path], path: Path, entry: Mapping[str, Any]) -> str:
    return hash_files(files, path) if len(files) == entry["files"] else ""


def _link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.is_file():
        target.unlink()
    elif target.is_dir():
        shutil.rmtree(target)
    target.symlink_to(path.resolve())


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or None where it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False, env=_quiet()
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _git_or_fail(folder: Path | None, *arguments: str) -> None:
    where = ["-C", str(folder)] if folder else []
    command = ["git", "-c", "core.hooksPath=/dev/null", *where, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_quiet())
    if done.returncode:
        raise InputError(f"git {arguments[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")


def _dvc(folder: Path, *arguments: str) -> str | None:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, capture_output=True, text=True, check=False, env=_quiet()
    )
    return done.stdout if done.returncode == 0 else None


def _quiet() -> dict[str, str]:
    return {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "DVC_NO_ANALYTICS": "1", "GIT_TERMINAL_PROMPT": "0"}
