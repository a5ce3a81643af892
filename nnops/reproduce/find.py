"""Finding a result's record by what a user calls it: a run, ``STUDY/TRIAL``, or ``MODEL@ALIAS``."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from nnops.errors import InputError, TrackingError
from nnops.files import read_json
from nnops.params import Params, overlay, parse
from nnops.registry.store import Registry
from nnops.registry.version import Reference
from nnops.reproduce.recorded import Recorded
from nnops.sweep.names import names
from nnops.sweep.study import Study, TrialRecord
from nnops.tracking.runs import Runs, RunView

ENVIRONMENT, DIFF = "record/environment.json", "record/git.diff"
#: Where a study keeps the same two, in its folder.
KEPT = "record"
#: What every training measures at each epoch.
LOSSES = ("train_loss", "val_loss")


def find(reference: str, params: Params, root: Path) -> Recorded:
    """The record of a result.

    Args:
        reference: A run's id or fingerprint or the beginning of one; ``STUDY/TRIAL`` or ``STUDY`` (its best);
            ``MODEL@ALIAS``, ``MODEL/VERSION`` or ``MODEL`` (its champion). Before it may stand ``run:``, ``trial:``
            or ``model:``, which is needed where a study and a model have the same name.
        params: The project's, for its stores.
        root: The project's folder.

    Raises:
        InputError: There is no such result, or its record is not whole.
        TrackingError: The store does not answer.
    """
    kind, colon, rest = reference.partition(":")
    if colon and kind in ("run", "trial", "model"):
        ways = {"run": find_run, "trial": find_trial, "model": find_version}
        return ways[kind](rest, params, root)
    name = reference.partition("/")[0].partition("@")[0]
    registry = Registry(params, root)
    study, model = name in names(root), name in registry.names()
    if study and model and "@" not in reference:
        raise InputError(
            f"'{name}' is a study and a model; write trial:{reference} or model:{reference} to say which is meant."
        )
    if study and "@" not in reference:
        return find_trial(reference, params, root)
    if model or "@" in reference or "/" in reference:
        return find_version(reference, params, root)
    return find_run(reference, params, root)


def find_run(text: str, params: Params, root: Path) -> Recorded:
    """The record of a run of the pipeline; a trial's run leads to its trial."""
    runs = Runs(params, root)
    run = runs.find(text)
    if run.kind == "trial":
        study = run.tags.get("nnops.study", "")
        return find_trial(f"{study}/{run.tags.get('nnops.trial', '')}", params, root)
    if run.kind != "pipeline":
        what = "a study" if run.kind == "study" else "no result of the pipeline"
        hint = f"name one of its trials, as in {run.name}/0" if run.kind == "study" else "see 'nnops run list'"
        raise InputError(f"run {run.run_id[:12]} is {what}, which cannot be made again as a whole; {hint}.")
    return _of_run(run, runs)


def _of_run(run: RunView, runs: Runs) -> Recorded:
    environment = _json(runs.file(run.run_id, ENVIRONMENT))
    model = _json(runs.file(run.run_id, "train/model.json"))
    history = runs.file(run.run_id, "train/history.csv")
    if not environment.get("params") or not model or history is None:
        missing = ENVIRONMENT if not environment.get("params") else "train/model.json and train/history.csv"
        raise InputError(
            f"run {run.run_id[:12]} cannot be made again: its record lacks {missing}, since its training did not end"
            " or an earlier nnops made it."
        )
    made_from = parse(environment["params"])
    return Recorded(
        "run",
        run.name,
        made_from,
        made_from,
        model["data_hash"],
        model["fingerprint"],
        model["weights_sha256"],
        losses_of(history.decode()),
        _json(runs.file(run.run_id, "evaluate/metrics.json")),
        environment,
        (runs.file(run.run_id, DIFF) or b"").decode(errors="replace"),
        environment.get("files", []),
        run.run_id,
    )


def find_version(text: str, params: Params, root: Path) -> Recorded:
    """The record of a version: its bundle holds all but the code; that is known by its run."""
    registry = Registry(params, root)
    reference = Reference.parse(text)
    version = registry.model(reference.name).find(reference)
    bundle = registry.fetch(version)
    made_from = parse(bundle.lineage["params"] | {"register": {"name": version.name}})
    runs = Runs(params, root)
    run = runs.of(bundle.lineage["fingerprint"])
    environment: dict[str, Any] = {"packages": bundle.lineage["versions"]}
    diff, losses = "", {}
    if run is not None:
        environment = _json(runs.file(run.run_id, ENVIRONMENT)) or environment
        diff = (runs.file(run.run_id, DIFF) or b"").decode(errors="replace")
        losses = losses_of((runs.file(run.run_id, "train/history.csv") or b"").decode())
    return Recorded(
        "version",
        version.reference,
        made_from,
        made_from,
        bundle.lineage["data_hash"],
        bundle.lineage["fingerprint"],
        bundle.lineage["weights_sha256"],
        losses,
        {key: value for key, value in bundle.metrics.items() if key.startswith(("test.", "baseline."))},
        environment,
        diff,
        bundle.schema.get("files", []),
        None if run is None else run.run_id,
        (version.name, version.number),
    )


def find_trial(text: str, params: Params, root: Path) -> Recorded:
    """The record of a trial: the study's own, and what was recorded of code and machine when it began."""
    name, slash, number = text.partition("/")
    study = Study.open(root, name, params.sweep.storage)
    trial = _trial(study, number if slash else None)
    if not trial.reports:
        raise InputError(f"trial {trial.number} of study '{name}' made no report, so there is nothing to compare with.")
    config = trial.config if trial.seed is None else {**trial.config, "seed": trial.seed}
    made_from = overlay(study.params, config)
    data_params = made_from if "seed" in study.space.by_key else _with_seed(made_from, study.params.seed)
    environment, diff, losses, run_id = _of_study(study, trial, params, root)
    return Recorded(
        "trial",
        f"{name}/{trial.number}",
        made_from,
        data_params,
        "" if any(key.startswith("data.") for key in trial.config) else study.attrs["data_hash"],
        trial.fingerprint,
        trial.weights_sha256,
        losses | {study.objective.metric: trial.reports},
        {},
        environment,
        diff,
        environment.get("files", []),
        run_id,
        (name, trial.number),
    )


def find_here(params: Params, root: Path) -> Recorded:
    """The result that the stages of this project have just made, from what they wrote.

    Raises:
        InputError: A stage's output is missing.
    """
    from nnops.tracking.record import RECORDED, collect, git_diff

    folder = root / "artifacts"
    for name in ("prepare/schema.json", "train/model.json", "evaluate/metrics.json"):
        if not (folder / name).exists():
            raise InputError(f"{folder / name}: not here; run 'dvc repro {name.partition('/')[0]}' first.")
    schema, model = read_json(folder / "prepare" / "schema.json"), read_json(folder / "train" / "model.json")
    record = params.record(*RECORDED)
    return Recorded(
        "run",
        model["fingerprint"][:12],
        params,
        params,
        model["data_hash"],
        model["fingerprint"],
        model["weights_sha256"],
        losses_of((folder / "train" / "history.csv").read_text(encoding="utf-8")),
        read_json(folder / "evaluate" / "metrics.json"),
        collect(root, seed=params.seed, data_hash=schema["hash"], params=record, files=schema.get("files", ())),
        git_diff(root),
        schema.get("files", []),
    )


def losses_of(table: str) -> dict[str, dict[int, float]]:
    """A training's history.csv: for each of its columns the values by epoch; seconds and rates are left out."""
    found: dict[str, dict[int, float]] = {}
    for row in csv.DictReader(io.StringIO(table)):
        epoch = int(row.pop("epoch"))
        for name, value in row.items():
            found.setdefault(name, {})[epoch] = float(value)
    return found


def _trial(study: Study, number: str | None) -> TrialRecord:
    records = study.records()
    if number is None:
        best = study.best()
        if best is None:
            raise InputError(f"study '{study.name}' has no complete trial yet; name one, as in {study.name}/0.")
        return best
    found = next((record for record in records if str(record.number) == number), None)
    if found is None:
        last = max((record.number for record in records), default=0)
        raise InputError(f"study '{study.name}' has no trial '{number}'; write one of 0 to {last}.")
    return found


def _of_study(
    study: Study, trial: TrialRecord, params: Params, root: Path
) -> tuple[dict[str, Any], str, dict[str, dict[int, float]], str | None]:
    """Environment and diff, kept in the study's folder, else on its tracked run; losses by epoch and run of a trial."""
    folder = study.folder / KEPT
    environment, diff = b"", b""
    if (folder / "environment.json").exists():
        environment = (folder / "environment.json").read_bytes()
        diff = (folder / "git.diff").read_bytes() if (folder / "git.diff").exists() else b""
    losses: dict[str, dict[int, float]] = {}
    run_id: str | None = None
    try:
        runs = Runs(params, root)
        child = runs.of(trial.uid)
        if child is not None:
            run_id = child.run_id
            losses = {name: runs.points(run_id, name) for name in LOSSES if name in child.metrics}
        parent = None if environment else runs.of(study.uid)
        if parent is not None:
            environment = runs.file(parent.run_id, ENVIRONMENT) or b""
            diff = runs.file(parent.run_id, DIFF) or b""
    except TrackingError:
        # The study's own record is enough; what the picture shows beside it is compared where it can be read.
        pass
    return _json(environment or None), diff.decode(errors="replace"), losses, run_id


def _with_seed(params: Params, seed: int) -> Params:
    return params.model_copy(update={"seed": seed})


def _json(content: bytes | None) -> dict[str, Any]:
    return {} if content is None else json.loads(content)
