"""What is recorded of a result: all that it was made from, and what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from nnops.params import Params

Kind = Literal["run", "trial", "version"]


@dataclass(frozen=True)
class Recorded:
    """A result on record.

    Attributes:
        kind: A run of the pipeline, a trial of a study, or a version of a registered model.
        name: What people call it.
        params: What the training read.
        data_params: What the data were prepared with: a repeat of a trial trains under another seed on the same rows.
        data_hash: The hash of the prepared data.
        fingerprint: Names the result; None of a trial that was stopped.
        weights_sha256: The hash of the weights; None of a trial that was stopped.
        losses: For each of its measures, the value at the end of each epoch.
        metrics: Final numbers, by the names of ``artifacts/evaluate/metrics.json``.
        environment: What :func:`nnops.tracking.record.collect` found; empty where none was kept.
        diff: What the code differed in from its commit.
        files: Where the data came from (:func:`nnops.data.origin.describe_files`).
        run_id: MLflow's run, where there is one.
        place: Where the verdict is kept beside that run: the study's name and the trial's number, or the version's.
    """

    kind: Kind
    name: str
    params: Params
    data_params: Params
    data_hash: str
    fingerprint: str | None
    weights_sha256: str | None
    losses: Mapping[str, Mapping[int, float]]
    metrics: Mapping[str, float]
    environment: Mapping[str, Any] = field(default_factory=dict[str, Any])
    diff: str = ""
    files: Sequence[Mapping[str, Any]] = ()
    run_id: str | None = None
    place: tuple[str, int] | None = None

    @property
    def commit(self) -> str | None:
        """The git commit of the code."""
        return (self.environment.get("git") or {}).get("commit")

    @property
    def epochs(self) -> int:
        """How many epochs are on record."""
        return max((max(row, default=0) for row in self.losses.values()), default=0)
