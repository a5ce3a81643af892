"""Building the page: everything that people wrote is escaped, and a policy in the page forbids any other script."""

import base64
import hashlib
import json
import time
from html import escape
from pathlib import Path
from typing import Any

from nnops import __version__
from nnops.files import write_bytes
from nnops.number import short
from nnops.sweep.actual import measure_actual, plan_of, side_by_side
from nnops.sweep.explain import commands, why
from nnops.sweep.figures import build_figures
from nnops.sweep.figures.axis import label
from nnops.sweep.figures.seen import Seen
from nnops.sweep.importance import rank
from nnops.sweep.insight import short_names
from nnops.sweep.judgement import Judge
from nnops.sweep.repeat import LEVEL, summarize
from nnops.sweep.samplers.auto import chosen
from nnops.sweep.study import TrialRecord
from nnops.sweep.verdict import explain_best, measured_names
from nnops.sweep.words import duration

#: Points of a trial's curve that the page keeps.
POINTS = 40
#: Figures that share a row on a wide screen.
HALF = ("importance", "contour", "hypervolume", "repeats", "front")
STATES = ("complete", "pruned", "infeasible", "failed", "running")
#: Said of a figure to those who cannot see it.
ALT = {
    "history": "Value of each trial and the best so far; regret over epochs spent",
    "front": "The Pareto front",
    "hypervolume": "Hypervolume of the front over trials",
    "repeats": "Means of the repeated trials with their intervals",
    "importance": "Importance of each tuned key",
    "slices": "The objective over each tuned key",
    "contour": "Rank of trials over the two most important keys",
    "parallel": "Parallel coordinates of all trials",
    "lineage": "The population as a tree: which training went on with which, by epoch and value",
    "rungs": "Learning curves, and how many trials reached each epoch",
    "timeline": "When each trial ran",
}


def write_page(seen: Seen, path: Path, state: str) -> None:
    """Write the page of a study into one file.

    Args:
        seen: The study.
        path: The file.
        state: The study's, as :attr:`nnops.sweep.study.Study.state`.
    """
    write_bytes(path, build_page(seen, state).encode())


def build_page(seen: Seen, state: str) -> str:
    """The page of a study."""
    style, script = ((Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("style.css", "script.js"))
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{script_hash}'"
    name = escape(seen.study.name)
    return "\n".join(
        [
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>\n{style}</style>\n</head>\n<body>\n<main>",
            _head(seen, state),
            _cards(seen),
            _best(seen, state),
            _plan(seen),
            _repeats(seen),
            _figures(seen),
            _trials(seen),
            f"<footer>nnops {__version__}, {time.strftime('%Y-%m-%d %H:%M')}; this file needs no network</footer>",
            f"</main>\n<script>{script}</script>\n</body>\n</html>\n",
        ]
    )


def _head(seen: Seen, state: str) -> str:
    study = seen.study
    goal = " and ".join(f"{each.direction} {each.metric}" for each in study.objectives)
    within = f", within {', '.join(map(str, study.constraints))}" if study.constraints else ""
    said = f"<p>{escape(study.reason)}</p>\n" if study.reason else ""
    how = f"{chosen(study.params).words} + {study.params.sweep.pruner.name}, seed {study.params.seed}"
    return (
        f'<h1>{escape(study.name)}<span class="pill">{escape(state)}</span></h1>\n'
        f'<p>{escape(goal + within)}</p>\n{said}<p class="muted">{escape(how)}</p>'
    )


def _cards(seen: Seen) -> str:
    study, best = seen.study, seen.best
    ran = [*seen.trials, *seen.repeats]
    states = [trial.state for trial in seen.trials]
    counts = ", ".join(f"{states.count(each)} {each}" for each in STATES if each in states)
    spent = sum(trial.epochs for trial in seen.trials)
    whole = sum(int(trial.config.get("train.epochs", study.params.train.epochs)) for trial in seen.trials)
    shares = f"{spent / whole:.0%} of training all to the end" if whole else ""
    kept = study.attrs.get("budget", {}).get("trials")
    by = f", trial {best.number}" if best else ""
    cards = [
        (short(best.value, 6) if best else "-", f"best {study.objective.metric}{by}"),
        (str(len(seen.trials)), (f"of {kept} trials: " if kept else "trials: ") + (counts or "none yet")),
        (f"{spent:,}", f"epochs; {shares}"),
        (duration(sum(trial.seconds or 0.0 for trial in ran)), "of training, all workers together"),
        (duration(float(study.attrs.get("spent_s", 0.0))), "from start to end"),
    ]  # fmt: skip
    inside = "\n".join(
        f'<div class="card"><b>{escape(big)}</b><span>{escape(small)}</span></div>' for big, small in cards
    )
    return f'<div class="cards">\n{inside}\n</div>'


def _best(seen: Seen, state: str) -> str:
    study, best = seen.study, seen.best
    name = study.name
    ways = []
    if best is not None:
        ways = [("take the best config over", f"nnops sweep apply {name}\ndvc repro"),
                ("another trial; why one was stopped",
                 f"nnops sweep apply {name} --trial N\nnnops sweep show {name} --trial N")]  # fmt: skip
    more = len(seen.trials) * 2 or 64
    if state == "stopped":
        ways.append(("go on to its budget", f"nnops sweep resume {name}"))
    elif not chosen(study.params).sampler.reach:
        ways.append(("give it more", f"nnops sweep resume {name} --trials {more}"))
    boxes = [f"<small>{escape(what)}</small>\n<pre>{escape(text)}</pre>" for what, text in ways]
    right = f'<div class="box"><h2>Go on</h2>\n{"".join(boxes)}</div>'
    if best is None:
        return (
            f'<div class="two"><div class="box"><h2>Best config</h2><p>Nothing is complete yet.</p></div>{right}</div>'
        )
    config = "".join(f"<dt>{escape(key)}</dt><dd>{escape(label(value))}</dd>" for key, value in best.now.items())
    measured = {
        name: value for name, value in {**best.measures, **best.values}.items() if name != study.objective.metric
    }
    config += "".join(f"<dt>{escape(key)}</dt><dd>{short(value, 6)}</dd>" for key, value in measured.items())
    if best.weights_sha256:
        config += f"<dt>weights</dt><dd>{escape(best.weights_sha256[:16])}…</dd>"
    said = f'<p class="muted">{escape(explain_best(study, seen.trials, best))}</p>'
    left = f'<div class="box"><h2>Best config: trial {best.number}</h2>{said}<dl>{config}</dl></div>'
    return f'<div class="two">{left}{right}</div>'


def _plan(seen: Seen) -> str:
    plan = plan_of(seen.study)
    if plan is None:
        return ""
    actual = measure_actual(seen.study, [*seen.trials, *seen.repeats])
    names, planned, taken = zip(*side_by_side(plan, actual), strict=True)
    head = "".join(f"<dt>{escape(name)}</dt>" for name in ("", *names))
    rows = "".join(
        f"<dt>{title}</dt>" + "".join(f"<dd>{escape(cell)}</dd>" for cell in cells)
        for title, cells in (("plan", planned), ("actual", taken))
    )
    beside = f'<dl class="beside" style="grid-template-columns: repeat({len(names) + 1}, auto)">{head}{rows}</dl>'
    return f'<div class="box below"><h2>The plan and what was taken</h2>{beside}</div>'


def _repeats(seen: Seen) -> str:
    found = [each for each in summarize(seen.study, seen.trials, seen.repeats) if each.means]
    if not found:
        return ""
    name = seen.study.objective.metric
    lines = []
    for each in found:
        low, high = each.intervals[name]
        lines.append(f"<dt>trial {each.trial.number}</dt><dd>{short(each.means[name], 6)} "
                     f"<small>({short(low, 6)} to {short(high, 6)})</small></dd>")  # fmt: skip
    title = f"Repeated under {len(found[0].runs)} further seeds: mean {escape(name)}, {LEVEL:.0%} interval"
    return f'<div class="box below"><h2>{title}</h2><dl>{"".join(lines)}</dl></div>'


def _figures(seen: Seen) -> str:
    from nnops.figure import render_svg

    drawn = [
        f'<figure class="{"half" if name in HALF else "whole"}" role="img" aria-label="{escape(ALT[name])}">'
        f"{render_svg(figure, name)}</figure>"
        for name, figure in build_figures(seen).items()
    ]
    return f'<h2>Figures</h2>\n<div class="figures">\n{"".join(drawn)}\n</div>' if drawn else ""


def _trials(seen: Seen) -> str:
    study = seen.study
    names, further = short_names(study.space.by_key), measured_names(study)
    columns = ["trial", "state", study.objective.metric, *further, "epochs", "seconds", *names.values()]
    judge = Judge(study, seen.trials)
    # In the order in which they ended, which is the quickest one for the judge.
    ended = sorted(seen.trials, key=lambda trial: trial.ended or 0.0)
    reasons = {t.number: why(study, seen.trials, t, judge.stop_of(t, limit=False)) for t in ended}
    reasons |= {t.number: why(study, seen.trials, t, None) for t in seen.repeats}
    rows = [_row(seen, trial, list(names), further, reasons[trial.number])
            for trial in [*sorted(seen.trials, key=rank(study)), *seen.repeats]]  # fmt: skip
    ways: dict[tuple[str, ...], int] = {}
    for row in rows:
        row["again"] = ways.setdefault(tuple(row["again"]), len(ways))
    data = {"columns": columns, "metric": study.objective.metric, "again": list(ways), "rows": rows}
    # A script element ends at the first '</', whatever is quoted.
    text = json.dumps(_finite(data), ensure_ascii=False, separators=(",", ":"), default=str).replace("<", "\\u003c")
    states = [state for state in STATES if any(row["state"] == state for row in rows)]
    boxes = "".join(f'<label><input type="checkbox" value="{each}" checked> {each}</label>' for each in states)
    heads = "".join(f'<th scope="col"><button type="button">{escape(name)}</button></th>' for name in columns)
    return (
        f'<h2>Trials</h2>\n<div class="tools"><input type="search" id="search" aria-label="filter" '
        f'placeholder="filter: adamw epochs&gt;=3 lr&lt;0.01">{boxes}<span class="muted" id="count"></span></div>\n'
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody></tbody></table></div>\n'
        f'<button type="button" class="more-rows" hidden></button>\n'
        f'<script type="application/json" id="data">{text}</script>'
    )


def _row(seen: Seen, trial: TrialRecord, keys: list[str], further: list[str], reason: str) -> dict[str, Any]:
    study = seen.study
    measured = {**trial.measures, **trial.values}
    curve = list(trial.reports.items())
    if len(curve) > POINTS:
        curve = [curve[round(place * (len(curve) - 1) / (POINTS - 1))] for place in range(POINTS)]
    seconds = None if trial.seconds is None else round(trial.seconds, 2)
    facts = {
        "seed": trial.seed if trial.seed is not None else trial.config.get("seed", study.params.seed),
        "best epoch": trial.best_epoch,
        "fingerprint": trial.fingerprint and trial.fingerprint[:16],
        "weights": trial.weights_sha256 and trial.weights_sha256[:16],
        "repeats": trial.repeat,
    }
    return {
        "state": trial.state,
        "best": seen.best is not None and trial.number == seen.best.number,
        "cells": [
            trial.number,
            trial.state,
            trial.value,
            *(measured.get(name) for name in further),
            trial.epochs,
            seconds,
            *(trial.now.get(key) for key in keys),
        ],
        "why": reason,
        "facts": [[name, value] for name, value in facts.items() if value is not None],
        "curve": [[epoch, float(f"{value:.5g}")] for epoch, value in curve],
        # The same for most trials but for their numbers.
        "again": [line.replace(f"--trial {trial.number}", "--trial #") for line in commands(study, trial)],
    }


def _finite(record: Any) -> Any:
    """Numbers that JSON cannot say become null."""
    if isinstance(record, dict):
        return {key: _finite(value) for key, value in record.items()}
    if isinstance(record, list):
        return [_finite(value) for value in record]
    return None if isinstance(record, float) and record - record != 0 else record
