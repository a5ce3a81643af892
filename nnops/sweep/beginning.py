"""The beginning of a sweep: what is judged, chosen and planned before its first trial, and when it goes on."""

from dataclasses import replace
from pathlib import Path

from nnops.catalog import unknown
from nnops.errors import InputError, NnopsError
from nnops.params import Params, flatten
from nnops.sweep.actual import plan_of
from nnops.sweep.apply import SECTIONS
from nnops.sweep.bucket import SCHEME
from nnops.sweep.budget import Limits
from nnops.sweep.engines import ENGINES, build_engine
from nnops.sweep.engines.base import Engine
from nnops.sweep.footprint import Footprint, footprints
from nnops.sweep.limit import check_limit
from nnops.sweep.objective import Objective
from nnops.sweep.plan import Plan, finish, pack, reckon, sooner
from nnops.sweep.probe import Probe, probe
from nnops.sweep.ready import Ready, get_ready
from nnops.sweep.share import LAST
from nnops.sweep.space import Space
from nnops.sweep.study import Study, difference


def build(name: str, workers: int | None, address: str | None, params: Params) -> Engine:
    """Build an engine and hold what is asked of it against the machines."""
    if name not in ENGINES:
        raise InputError(f"engine: {unknown('engine', name, [*ENGINES, 'auto'])}")
    resources = params.sweep.resources
    check_limit(params.sweep.limit)
    runner = build_engine(name, workers, resources.cpus, resources.share, address)
    runner.check()
    return runner


def check_machines(ready: Ready, folder: Path) -> None:
    """Judge whether the machines of a cluster see what trials need, unless it comes to them from elsewhere."""
    from nnops.sweep.engines.sharing import check_seen

    shared = ready.params.sweep.shared
    files = [ready.root.absolute()] if ready.tunes_data else []
    if shared is None:
        check_seen(folder / "checkpoints", files or [ready.data.folder.absolute() / LAST])
    elif not shared.startswith(SCHEME):
        check_seen(Path(shared), files)
    elif files:
        check_seen(folder, files)


def choose(
    ready: Ready, found: list[Footprint], workers: int | None, left: Limits | None = None
) -> tuple[str, Probe | None]:
    """The engine that would be done first, and what a probe showed; ``left`` is what a study that goes on may spend."""
    seen = probe(ready, found)
    return sooner(ready, seen, workers, left), seen


def left_of(study: Study, given: Limits) -> Limits:
    """What a study may still spend of its trials and epochs, after its budget was changed by what is given."""
    limits = Limits.read(study.attrs["budget"]).changed(given)
    trials = study.trials()
    ended, epochs = sum(trial.state != "running" for trial in trials), sum(trial.epochs for trial in trials)
    return replace(
        limits,
        trials=limits.trials and max(limits.trials - ended, 1),
        epochs=limits.epochs and max(limits.epochs - epochs, 1),
    )


def look_again(ready: Ready, runner: Engine | None) -> tuple[list[str], list[Footprint]]:
    """What :func:`look` said when the study began; its networks are asked again where an engine is to be chosen."""
    ready.build_all()
    return [], [] if runner is not None else footprints(ready)


def make_first_plan(
    ready: Ready,
    seen: Probe | None,
    found: list[Footprint],
    runner: Engine,
    warnings: list[str],
    notes: list[str],
    inherited: int = 0,
) -> Plan | None:
    """The plan of a study that begins; where its trials fail, that is for the search to find out."""
    try:
        seen = seen or probe(ready, found)
    except InputError:
        raise
    except NnopsError as error:
        notes.append(f"there is no plan: {error}")
        return None
    scarce = pack(runner, seen)
    warnings += [scarce] if scarce else []
    return finish(reckon(ready, seen, runner.name, runner.workers, inherited=inherited), warnings, ready)


def plan_again(study: Study, ready: Ready, runner: Engine, given: Limits) -> None:
    """Plan a study anew whose budget is changed, by what was seen at its beginning."""
    before = plan_of(study)
    if before is not None:
        pack(runner, before.seen)
    limits = Limits.read(study.attrs["budget"]).changed(given)
    if before is None or limits == Limits.read(study.attrs["budget"]):
        return
    plan = reckon(ready, before.seen, runner.name, runner.workers, limits)
    study.set("plan", finish(plan, list(before.warnings), ready).to_json())


def ready_again(study: Study, params: Params, root: Path) -> Ready:
    """Hold a study that goes on against what params say now; it trains under the params that it began with."""
    if params.sweep.space:
        differs = difference(study, params, Space.parse(params.sweep.space), Objective.written(params))
        if differs:
            raise InputError(
                f"study '{study.name}' has {differs}; put params.yaml back as it was, add each --set that it was"
                " started with, or start a new study with 'nnops sweep start NAME'."
            )
    ready = get_ready(study.params, root)
    kept = study.attrs["data_hash"]
    if ready.data.hash != kept:
        raise InputError(
            f"study '{study.name}' was begun on other data (hash {kept[:12]}, now {ready.data.hash[:12]}); put the data"
            " back, or start a new study with 'nnops sweep start NAME'."
        )
    return ready


def changes(study: Study, params: Params) -> list[str]:
    """What of params.yaml no longer is as the study began, where a trial would read it."""
    old, new = flatten(study.params.record(*SECTIONS)), flatten(params.record(*SECTIONS))
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    changed = [key for key in changed if key not in study.space.by_key]
    if not changed:
        return []
    return [f"params.yaml has changed since the study began ({', '.join(changed)}); its trials keep the old values."]
