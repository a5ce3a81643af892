"""Results beside one another: what differs in params, data, code and environment, and what came of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nnops.errors import InputError
from nnops.evaluation.paired import Paired
from nnops.reproduce.listing import NOTE, lower_is_better, params_of, shown, value_of
from nnops.reproduce.sheet import Sheet
from nnops.tracking.runs import RunView

#: Numbers that say how fast or large, of which less is better.
COSTS = ("size_bytes", "latency_p50_ms")
#: More differing lines of params than these are not of one kind of experiment.
SAME = "same"


def contrast(
    runs: Sequence[RunView],
    parents: Mapping[str, RunView],
    environments: Sequence[Mapping[str, Any]],
    diffs: Sequence[str],
    decisions: Sequence[str] = (),
    *,
    whole: bool = False,
) -> list[Sheet]:
    """One sheet each for results, params, data, code and environment; only lines that differ unless ``whole``.

    Args:
        runs: Two or more.
        parents: Studies by uid.
        environments: What was recorded with each (:func:`nnops.tracking.record.collect`).
        diffs: What the code of each differed in from its commit.
        decisions: What each calls positive, in words; empty where that is what is more likely than not.
        whole: Also lines that are the same.

    Raises:
        InputError: They are of different tasks, so that no number of one can be held against the other's.
    """
    tasks = {run.name: task for run in runs if (task := _task(run, parents))}
    if len(set(tasks.values())) > 1:
        said = ", ".join(f"{name} is {task}" for name, task in tasks.items())
        raise InputError(f"only results of one task can be compared, but {said}; choose runs of the same task.")
    names = names_of(runs)
    decided = [{"decided at": text} if text else {} for text in decisions or [""] * len(runs)]
    params = [params_of(run, parents) | said for run, said in zip(runs, decided, strict=True)]
    code = [_code(environment, diff) for environment, diff in zip(environments, diffs, strict=True)]
    return [
        _results(runs, names),
        _lines("params", names, params, whole),
        _lines(
            "data", names, [_data(run, environment) for run, environment in zip(runs, environments, strict=True)], True
        ),
        _lines("code", names, code, True),
        _lines("environment", names, [_environment(each) for each in environments], whole),
    ]


def paired_sheet(found: Sequence[Paired], names: Sequence[str]) -> Sheet:
    """Two results on the same rows: how far they are apart, and whether that can be chance."""
    first, second = names
    words = {"second is better": f"{second} is better", "second is worse": f"{first} is better", "level": "level"}
    rows: list[tuple[str, ...]] = []
    for one in found:
        said = words[one.verdict]
        if one.alone is not None and one.p is not None:
            said += f"; right alone on {one.alone[0]} and {one.alone[1]} rows, McNemar's p {one.p:.2g}"
        values = (shown(value) for value in one.values)
        rows.append((one.metric, *values, f"{one.gap:+.4g} ({one.low:+.4g} to {one.high:+.4g})", said))
    title = f"paired on {found[0].rows:,} rows of test"
    return Sheet(title, ("", first, second, "difference", ""), tuple(rows), numbers=frozenset({1, 2, 3}))


def _results(runs: Sequence[RunView], names: Sequence[str]) -> Sheet:
    found: list[str] = []
    for run in runs:
        wanted = (
            name.removeprefix("best/")
            for name in run.metrics
            if name.startswith(("best/val_", "test."))
            or name.endswith(tuple(f"{run.tags.get('variant', '?')}.{cost}" for cost in COSTS))
        )
        found += [name for name in wanted if name not in found]
    found = [name for name in found if not name.endswith((".low", ".high"))]
    rows: list[tuple[str, ...]] = []
    marked: set[tuple[int, int]] = set()
    for line, name in enumerate(found):
        values = [value_of(run, name) for run in runs]
        cells = [_with_interval(run, name, value) for run, value in zip(runs, values, strict=True)]
        there = [value for value in values if value is not None]
        if len(there) > 1 and min(there) != max(there):
            best = min(there) if lower_is_better(name) or name.endswith(COSTS) else max(there)
            marked |= {(line, place + 1) for place, value in enumerate(values) if value == best}
        rows.append((name, *cells))
    rows.append(("made again", *(run.tags.get("nnops.reproduced", "") for run in runs)))
    rows.append(("note", *(run.tags.get(NOTE, "") for run in runs)))
    numbers = frozenset(range(1, len(runs) + 1))
    return Sheet("results", ("", *names), tuple(rows), frozenset(marked), numbers)


def _with_interval(run: RunView, name: str, value: float | None) -> str:
    low, high = run.metrics.get(f"{name}.low"), run.metrics.get(f"{name}.high")
    return shown(value) if low is None or high is None else f"{shown(value)} ({shown(low)} to {shown(high)})"


def _lines(title: str, names: Sequence[str], records: Sequence[Mapping[str, str]], whole: bool) -> Sheet:
    keys = list(dict.fromkeys(key for record in records for key in record))
    rows: list[tuple[str, ...]] = []
    marked: set[tuple[int, int]] = set()
    for key in keys:
        texts = [record.get(key, "") for record in records]
        differs = len(set(texts)) > 1
        if differs:
            marked |= {(len(rows), place) for place in range(len(texts) + 1)}
        if differs or whole:
            rows.append((key, *texts))
    if not rows:
        rows = [(SAME, *("" for _ in names))]
    return Sheet(title, ("", *names), tuple(rows), frozenset(marked))


def _data(run: RunView, environment: Mapping[str, Any]) -> dict[str, str]:
    found = {"hash": (run.tags.get("data.hash") or run.tags.get("nnops.data_hash", ""))[:12]}
    for entry in environment.get("files", []):
        found[entry["path"]] = entry["sha256"][:12]
    return found


def _code(environment: Mapping[str, Any], diff: str) -> dict[str, str]:
    git = environment.get("git") or {}
    changed = sorted({line[6:] for line in diff.splitlines() if line.startswith("+++ b/")})
    ours = environment.get("code") or {}
    return {
        "commit": (git.get("commit") or "none")[:12],
        "branch": git.get("branch") or "",
        "changed since": ", ".join(changed),
        **{f"nnops, {part}": value[:12] for part, value in ours.items()},
    }


def _environment(environment: Mapping[str, Any]) -> dict[str, str]:
    hardware, torch = environment.get("hardware") or {}, environment.get("torch") or {}
    found = {"python": environment.get("python", ""), **(environment.get("packages") or {})}
    found |= {"cpu": hardware.get("cpu", ""), "gpus": ", ".join(hardware.get("gpus", []))}
    found |= {key: json.dumps(value) for key, value in torch.items()}
    return {key: str(value) for key, value in found.items()} | dict(environment.get("variables") or {})


def _task(run: RunView, parents: Mapping[str, RunView]) -> str:
    own = run.tags.get("task", "")
    parent = parents.get(run.tags.get("nnops.parent", ""))
    return own or ("" if parent is None else parent.params.get("data.task", ""))


def names_of(runs: Iterable[RunView]) -> list[str]:
    """A name for each column, no two the same."""
    names: list[str] = []
    for run in runs:
        names.append(run.name if run.name and run.name not in names else run.run_id[:8])
    return names
