"""The libraries of a record, installed: an environment of its own that holds what differs, and finds the rest here."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from nnops.errors import InputError
from nnops.files import write_bytes
from nnops.reproduce.recorded import Recorded
from nnops.tracking.record import distributions

#: Prints what nnops.tracking.record.collect finds in the environment that runs it.
COLLECT = (
    "import json, pathlib, sys; from nnops.tracking.record import collect; "
    "json.dump(collect(pathlib.Path(sys.argv[1])), sys.stdout)"
)


def outdated(recorded: Recorded) -> dict[str, str]:
    """Versions on record of the libraries that nnops runs on, where this environment has other ones or none.

    nnops itself is not among them: its code is the project's or the present one, and is compared by its hash.
    """
    then: Mapping[str, str] = recorded.environment.get("distributions") or recorded.environment.get("packages") or {}
    here = distributions()
    used = _closure("nnops")
    known = {canonicalize_name(name): version for name, version in then.items()}
    return {
        name: version
        for name, version in sorted(known.items())
        if name != "nnops" and name in used and here.get(name) != version
    }


def install_libraries(recorded: Recorded, versions: Mapping[str, str], folder: Path) -> str:
    """Make an environment that holds these versions and, behind them, whatever is installed here.

    Args:
        recorded: The result whose libraries they are.
        versions: By distribution.
        folder: A new one.

    Returns:
        Its Python.

    Raises:
        InputError: The record is of another Python, or a version cannot be had; the message says which.
    """
    now = platform.python_version()
    then, here = (version.split(".")[:2] for version in (recorded.environment.get("python", now), now))
    if then != here:
        raise InputError(
            f"{recorded.name}: was made with Python {'.'.join(then)}, and this is {'.'.join(here)}, whose libraries are"
            f" other files; run this command from an environment of Python {'.'.join(then)}."
        )
    _run([sys.executable, "-m", "venv", str(folder)], f"{recorded.name}: no environment could be made")
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    behind = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    own = Path(_run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], python).strip())
    line = "import site; " + "; ".join(f"site.addsitedir({path!r})" for path in behind)
    write_bytes(own / "behind.pth", f"{line}\n".encode())
    wanted = [f"{name}=={version}" for name, version in versions.items()]
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    failed = f"{recorded.name}: the libraries on record ({', '.join(wanted)}) cannot be had"
    _run([*pip, "install", "--no-deps", "--ignore-installed", *wanted], failed)
    # What a new environment brings by itself would stand before the same here.
    _run([*pip, "uninstall", "--yes", *{"pip", "setuptools"} - set(versions)], failed)
    return python


def look(python: str, project: Path) -> dict[str, Any]:
    """What :func:`nnops.tracking.record.collect` finds in an environment."""
    found: dict[str, Any] = json.loads(_run([python, "-c", COLLECT, str(project)], python, project).splitlines()[-1])
    return found


def _closure(name: str) -> set[str]:
    """A distribution and all that it needs, by canonical names."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = canonicalize_name(waiting.pop())
        if each in found:
            continue
        found.add(each)
        try:
            needs = metadata.requires(each) or []
        except metadata.PackageNotFoundError:
            continue
        wanted = [Requirement(line) for line in needs]
        waiting += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def _run(command: list[str], failed: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=folder)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
        raise InputError(f"{failed}: {said[-1].strip() if said else f'exit code {done.returncode}'}")
    return done.stdout
