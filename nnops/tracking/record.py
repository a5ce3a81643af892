"""What is recorded of a run beside its numbers, so that it can be made again: code, versions, hardware, threads.

Environment variables are not recorded, apart from the few named here; secrets are masked.
"""

import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from nnops.files import write_bytes, write_json
from nnops.fingerprint import DATA_CODE, TRAINING_CODE, hash_code
from nnops.tracking.redact import redact
from nnops.tracking.tracker import Run

#: Libraries whose versions can change a result.
PACKAGES = (
    "nnops", "dvc", "mlflow", "numpy", "onnx", "onnxruntime", "optuna", "pandas", "pyarrow", "ray", "safetensors",
    "scikit-learn", "torch",
)  # fmt: skip
#: Variables that change bits or speed.
VARIABLES = ("PYTHONHASHSEED", "CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
#: The sections of params.yaml that a result is made from.
RECORDED = ("seed", "data", "model", "loss", "train", "evaluate", "compress", "register")
#: A longer diff is cut.
MAX_DIFF_BYTES = 2**20
_NAMES = 100
_SECRET_FILES = (".env*", "*.pem", "*.key", "*.p12", "*credentials*", "*secret*", ".netrc", "config.local", "id_rsa*")


def collect(
    root: Path,
    *,
    seed: int | None = None,
    data_hash: str | None = None,
    params: Mapping[str, Any] | None = None,
    files: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Everything about this process and its project that a result may depend on, as plain JSON values.

    Needs no torch; where it is loaded already, its flags are recorded too.

    Args:
        root: The project's folder.
        seed: The seed of params.yaml.
        data_hash: The hash of the prepared data.
        params: What a result is made from, as plain values.
        files: Where the data came from, as the prepared data say it.
    """
    return {
        "seed": seed,
        "data_hash": data_hash,
        "params": params,
        "files": list(files),
        "code": {"data": hash_code(DATA_CODE), "training": hash_code(TRAINING_CODE)},
        "command": command_line(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": _packages(),
        "distributions": distributions(),
        "hardware": {"cpu": _cpu(), "cores": os.cpu_count(), "memory_bytes": _memory_bytes(), "gpus": _gpus()},
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "torch": _torch(),
        "git": git_state(root),
    }


def git_state(root: Path) -> dict[str, Any] | None:
    """Commit, branch, address and what is changed; None where there is no repository."""
    status = _git(root, "status", "--porcelain=v2", "--branch", "--untracked-files=normal")
    if status is None:
        return None
    lines = status.splitlines()
    heads = dict(line.removeprefix("# branch.").split(" ", 1) for line in lines if line.startswith("# branch."))
    commit = heads.get("oid")
    remote = _git(root, "config", "--get", "remote.origin.url")
    return {
        "commit": None if commit in (None, "(initial)") else commit,
        "branch": heads.get("head"),
        "remote": redact(remote.strip()) if remote else None,
        "changed": sum(line[:1] in "12u" for line in lines),
        "untracked": [line[2:] for line in lines if line.startswith("? ")][:_NAMES],
    }


def git_diff(root: Path) -> str:
    """What tracked files differ in from the last commit; files that hold secrets are left out, secrets masked."""
    excluded = [f":(top,exclude,glob,icase)**/{name}" for name in _SECRET_FILES]
    return redact(_git(root, "diff", "--no-color", "--no-ext-diff", "HEAD", "--", ":(top)", *excluded) or "")


def command_line() -> str:
    """What started this process, secrets masked."""
    return redact(shlex.join(sys.orig_argv[1:] or sys.argv))


def tags(record: dict[str, Any]) -> dict[str, str]:
    """The part of a record that people look for in a run's tags."""
    git, hardware, torch = record["git"] or {}, record["hardware"], record["torch"] or {}
    found = {
        "mlflow.source.name": record["command"],
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": git.get("commit"),
        "mlflow.source.git.branch": git.get("branch"),
        "mlflow.source.git.repoURL": git.get("remote"),
        "git.dirty": str(bool(git["changed"])).lower() if git else None,
        "seed": record["seed"],
        "data.hash": record["data_hash"],
        "python": record["python"],
        "platform": record["platform"],
        "hardware.cpu": hardware["cpu"],
        "hardware.cores": hardware["cores"],
        "hardware.memory_gb": round(hardware["memory_bytes"] / 2**30, 1) if hardware["memory_bytes"] else None,
        "hardware.gpus": ", ".join(hardware["gpus"]) or "none",
        "threads": torch.get("threads"),
        # On a processor all that nnops runs is; the switch is set for GPUs.
        "deterministic": str(torch["deterministic"]).lower() if torch and hardware["gpus"] else None,
        "torch": record["packages"].get("torch"),
    }
    return {key: str(value) for key, value in found.items() if value is not None}


def keep(folder: Path, record: dict[str, Any], diff: str = "") -> None:
    """Write a record into a folder, unless one is there: what a study began with stays."""
    if (folder / "environment.json").exists():
        return
    if diff:
        write_bytes(folder / "git.diff", diff.encode())
    write_json(folder / "environment.json", record)


def attach(run: Run, record: dict[str, Any], diff: str = "") -> None:
    """Put a record on a run: its main points as tags, all of it as ``record/environment.json``, the diff beside it."""
    run.tag(tags(record))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "environment.json"
        write_json(path, record)
        run.file(path, "record")
        if diff:
            path = Path(folder) / "git.diff"
            write_bytes(path, diff.encode())
            run.file(path, "record")


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints, at most :data:`MAX_DIFF_BYTES`; None where it is missing, fails or this is no repository."""
    command = ["git", "-c", "core.quotePath=false", "-C", str(root), *arguments]
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    except OSError:
        return None
    with process:
        assert process.stdout is not None
        out = process.stdout.read(MAX_DIFF_BYTES)
        if process.stdout.read(1):
            process.kill()
            return out.decode(errors="replace") + f"\n(cut after {MAX_DIFF_BYTES} bytes)\n"
    return out.decode(errors="replace") if process.returncode == 0 else None


def _packages() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def distributions() -> dict[str, str]:
    """The version of everything that is installed, by canonical name (lower case, hyphens); the first on the path."""
    found: dict[str, str] = {}
    for folder in sys.path:
        if Path(folder).is_dir():
            for path in sorted(Path(folder).glob("*.dist-info")):
                name, _, version = path.name.removesuffix(".dist-info").rpartition("-")
                found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)
    return found


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _gpus() -> list[str]:
    found: list[str] = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in path.read_text(errors="replace").splitlines():
            if line.startswith("Model:"):
                found.append(line.partition(":")[2].strip())
    return found


def _torch() -> dict[str, Any] | None:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return None
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "matmul_precision": torch.get_float32_matmul_precision(),
        "cuda": torch.version.cuda,
    }
