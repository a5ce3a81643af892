"""Whether all machines of a Ray cluster see the files that trials on them will need."""

import uuid
from pathlib import Path
from typing import Any

from nnops.errors import InputError, StudyError

#: Seconds for the slowest machine to say what it sees.
ANSWER_S = 60.0


def check_seen(folder: Path, files: list[Path]) -> None:
    """Judge whether every machine on which trials may run sees a folder of this machine, and some files.

    Args:
        folder: Where trials keep their checkpoints; what is written here must be seen there.
        files: What trials read.

    Raises:
        InputError: A machine does not see them; it is named.
        StudyError: A machine does not answer.
    """
    # Other machines' processes, and workers of this one, have a working folder of their own.
    folder = folder.absolute()
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / f".nnops-{uuid.uuid4().hex}"
    token.touch()
    try:
        blind = _blind([token, *(file.absolute() for file in files)])
    finally:
        token.unlink(missing_ok=True)
    if blind and made:
        folder.rmdir()
    for machine, path in blind:
        what = folder if path == str(token) else path
        raise InputError(
            f"machine {machine} of the cluster does not see {what}, which trials need; let all machines mount it under"
            " this path, or write sweep.shared: s3://BUCKET/PREFIX or a folder that they share."
        )


def _blind(paths: list[Path]) -> list[tuple[str, str]]:
    """Machines, by name, that miss one of these paths, and the first one that each misses."""
    import ray
    from ray.exceptions import GetTimeoutError, RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def missing(names: list[str]) -> str | None:
        # Sent by value, for it must run where nnops is not installed, too.
        import importlib.util
        import os

        if importlib.util.find_spec("nnops") is None:
            return "the package nnops"
        return next((name for name in names if not os.path.exists(name)), None)  # noqa: PTH110

    names = [str(path) for path in paths]
    asked: list[tuple[str, Any]] = []
    for node in ray.nodes():
        # Trials run on no others.
        if node["Alive"] and node["Resources"].get("CPU", 0) > 0:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            options: dict[str, Any] = {"num_cpus": 0, "scheduling_strategy": there, "max_retries": 0}
            task: Any = ray.remote(**options)(missing)
            asked.append((node["NodeManagerHostname"], task.remote(names)))
    blind: list[tuple[str, str]] = []
    for machine, answer in asked:
        try:
            path: Any = ray.get(answer, timeout=ANSWER_S)
        except GetTimeoutError as error:
            raise StudyError(f"machine {machine} of the cluster does not answer within {ANSWER_S:g} s.") from error
        except RayError as error:
            raise StudyError(f"machine {machine} of the cluster runs nothing: {type(error).__name__}.") from error
        if path is not None:
            blind.append((machine, path))
    return blind
