"""Making a result again: the stages of its own pipeline, each a process of its own, in the scratch folder."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnops.errors import NnopsError
from nnops.files import read_json, write_bytes
from nnops.params import Params, dump
from nnops.reproduce.find import losses_of
from nnops.reproduce.recorded import Recorded

#: Variables that the record holds and that change bits.
VARIABLES = ("PYTHONHASHSEED", "CUBLAS_WORKSPACE_CONFIG", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Made:
    """What came out the second time; the fields are those of :class:`Recorded`."""

    data_hash: str
    fingerprint: str
    weights_sha256: str
    losses: Mapping[str, Mapping[int, float]]
    metrics: Mapping[str, float]


class StageError(NnopsError):
    """A stage of the pipeline failed while a result was made again."""


def make(recorded: Recorded, project: Path, tell: Callable[[str], None], python: str = sys.executable) -> Made:
    """Prepare, train and, where its numbers are on record, evaluate.

    Args:
        recorded: The result.
        project: What :func:`nnops.reproduce.scratch.lay_out` filled.
        tell: Hears which stage begins.
        python: What runs the stages.

    Raises:
        StageError: A stage failed; the message is what it said.
    """
    environment = _environment(recorded.environment)
    _write(project, recorded.data_params)
    _run("prepare", project, environment, tell, python)
    _write(project, recorded.params)
    _run("train", project, environment, tell, python)
    metrics: dict[str, float] = {}
    if recorded.metrics:
        _run("evaluate", project, environment, tell, python)
        metrics = read_json(project / "artifacts" / "evaluate" / "metrics.json")
    model = read_json(project / "artifacts" / "train" / "model.json")
    history = (project / "artifacts" / "train" / "history.csv").read_text(encoding="utf-8")
    return Made(model["data_hash"], model["fingerprint"], model["weights_sha256"], losses_of(history), metrics)


def _write(project: Path, params: Params) -> None:
    """params.yaml of the scratch folder; runs are tracked nowhere."""
    record = params.record()
    del record["sweep"], record["tracking"]
    write_bytes(project / "params.yaml", dump(record).encode())


def _environment(record: Mapping[str, Any]) -> dict[str, str]:
    """This process's variables, those that change bits being as they were."""
    found = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    then: Mapping[str, str] = record.get("variables") or {
        key: os.environ[key] for key in VARIABLES if key in os.environ
    }
    return found | {key: then[key] for key in VARIABLES if key in then} | {"NNOPS_TRACKING": "off"}


def _run(stage: str, project: Path, environment: Mapping[str, str], tell: Callable[[str], None], python: str) -> None:
    tell(stage)
    done = subprocess.run(
        [python, "-m", f"pipelines.{stage}"],
        cwd=project,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise StageError(f"it could not be made again: {said[-1] if said else f'{stage} failed without a word'}")
