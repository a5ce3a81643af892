"""Insight: what a study has learned, as figures (history, importance, parallel coordinates) and as a note."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nnops.sweep.dimension import Dimension
from nnops.sweep.importance import importance, position, rank
from nnops.sweep.study import Study, TrialRecord

#: Axes of the parallel coordinates beside the objective's; the most important keys come first.
AXES = 7
#: Rows of the note's table.
ROWS = 15


def draw(study: Study, records: list[TrialRecord], folder: Path) -> list[Path]:
    """Draw the figures that the records allow.

    Returns:
        ``history.png``, ``importance.png`` and ``parallel.png``, as far as there is something to see.
    """
    told = [record for record in records if record.value is not None and record.state in ("complete", "pruned")]
    if not told:
        return []
    weights = importance(study, records)
    paths = [draw_history(study, records, folder / "history.png")]
    if weights:
        paths.append(draw_importance(study, weights, folder / "importance.png"))
    if len(told) > 1:
        paths.append(draw_parallel(study, told, weights, folder / "parallel.png"))
    return paths


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """The shortest endings of dotted keys that still tell them apart.

    >>> short_names(["train.optimizer.options.lr", "model.options.dropout"])
    {'train.optimizer.options.lr': 'lr', 'model.options.dropout': 'dropout'}
    >>> short_names(["model.name", "train.optimizer.name"])
    {'model.name': 'model.name', 'train.optimizer.name': 'optimizer.name'}
    """
    keys = list(keys)

    def ending(key: str, count: int) -> str:
        return ".".join(key.split(".")[-count:])

    found: dict[str, str] = {}
    for key in keys:
        counts = range(1, key.count(".") + 2)
        found[key] = next(
            (
                ending(key, count)
                for count in counts
                if ending(key, count) != "name"
                and all(ending(other, count) != ending(key, count) for other in keys if other != key)
            ),
            key,
        )
    return found


def describe(study: Study, records: list[TrialRecord]) -> str:
    """The study as Markdown: the best trial, then a table of the others."""
    objective, names = study.objective, short_names(study.space.by_key)
    best = study.best(records)
    counts = {
        state: sum(record.state == state for record in records) for state in dict.fromkeys(r.state for r in records)
    }
    lines = [
        f"**{objective.direction} {objective.metric}**, {', '.join(f'{n} {state}' for state, n in counts.items())}",
        "",
    ]
    if best is not None:
        lines += [
            f"Best: **{best.value:.6g}** by trial {best.number}; `nnops sweep apply {study.name}` takes it over.",
            "",
        ]
    lines += [
        "| trial | state | " + " | ".join([objective.metric, "epochs", "seconds", *names.values()]) + " |",
        "|---" * (5 + len(names)) + "|",
    ]
    for record in sorted((r for r in records if r.state != "running"), key=rank(study))[:ROWS]:
        cells = [
            "-" if record.value is None else f"{record.value:.6g}",
            str(record.epochs),
            f"{record.seconds or 0:.1f}",
            *(_cell(record.config.get(key)) for key in names),
        ]
        lines.append(f"| {record.number} | {record.state} | " + " | ".join(cells) + " |")
    left = len(records) - ROWS
    return "\n".join([*lines, "", f"and {left} more"] if left > 0 else lines) + "\n"


def draw_history(study: Study, records: list[TrialRecord], path: Path) -> Path:
    """Every trial's value in the order asked, and the best so far."""
    from nnops.figure import COLORS, MUTED, new_figure, save_png, set_title

    objective = study.objective
    figure = new_figure(7.5, 3.8)
    axes: Any = figure.subplots()
    complete = [r for r in records if r.state == "complete" and r.value is not None]
    pruned = [r for r in records if r.state == "pruned" and r.value is not None]
    lost = [r for r in records if r.state in ("failed", "infeasible")]
    if pruned:
        axes.scatter(
            [r.number for r in pruned], [r.value for r in pruned],
            s=16, facecolors="none", edgecolors=MUTED, linewidths=0.9, label=f"stopped early ({len(pruned)})",
        )  # fmt: skip
    axes.scatter(
        [r.number for r in complete], [r.value for r in complete],
        s=24, color=COLORS[0], label=f"complete ({len(complete)})", zorder=3,
    )  # fmt: skip
    steps: list[tuple[int, float]] = []
    for record in complete:
        value = record.value or 0.0
        if not steps or objective.loss(value) < objective.loss(steps[-1][1]):
            steps.append((record.number, value))
    if steps:
        numbers = [number for number, _ in steps] + [max(records[-1].number, 1)]
        values = [value for _, value in steps] + [steps[-1][1]]
        axes.step(numbers, values, where="post", color=COLORS[1], linewidth=1.6, label="best so far", zorder=2)
    if lost:
        low, high = axes.get_ylim()
        floor = low if objective.direction == "maximize" else high
        axes.scatter(
            [r.number for r in lost], [floor] * len(lost),
            marker="x", s=22, color=COLORS[3], linewidths=1.2, label=f"failed ({len(lost)})", clip_on=False,
        )  # fmt: skip
    axes.set_xlabel("trial")
    axes.set_ylabel(objective.metric)
    best = study.best(records)
    note = f"best {best.value:.4g}, trial {best.number}" if best else "nothing complete"
    set_title(axes, f"{study.name}: search history", note)
    figure.legend(loc="outside lower center", ncols=4)
    save_png(figure, path)
    return path


def draw_importance(study: Study, weights: dict[str, float], path: Path) -> Path:
    """A bar for each key."""
    from nnops.figure import COLORS, INK, new_figure, save_png, set_title

    names = short_names(weights)
    figure = new_figure(7.5, 1.3 + 0.34 * len(weights))
    axes: Any = figure.subplots()
    keys = list(reversed(weights))
    axes.barh([names[key] for key in keys], [weights[key] for key in keys], color=COLORS[0], height=0.62)
    for place, key in enumerate(keys):
        axes.text(weights[key] + 0.01, place, f"{weights[key]:.0%}", va="center", fontsize=8.5, color=INK)
    axes.set_xlim(0, max(weights.values()) * 1.12)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    set_title(axes, f"{study.name}: what decided the best trials", "PED-ANOVA")
    save_png(figure, path)
    return path


def draw_parallel(study: Study, told: list[TrialRecord], weights: dict[str, float], path: Path) -> Path:
    """A line for each trial through its values, coloured by its objective."""
    from matplotlib.collections import LineCollection

    from nnops.figure import FAINT, INK, MUTED, SEQUENTIAL, new_figure, save_png, set_title

    objective = study.objective
    keys = [*weights, *(key for key in study.space.by_key if key not in weights)][:AXES]
    names = short_names(keys)
    figure = new_figure(max(7.5, 1.5 * (len(keys) + 1)), 4.2)
    axes: Any = figure.subplots()
    values = [record.value for record in told if record.value is not None]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    ordered = sorted(told, key=rank(study), reverse=True)
    lines: list[list[tuple[float, float]]] = []
    tones: list[float] = []
    for place, record in enumerate(ordered):
        points = [
            (float(x), position(study.space.by_key[key], record.config[key])) if key in record.config else (x, math.nan)
            for x, key in enumerate(keys)
        ]
        lines.append([*points, (float(len(keys)), ((record.value or 0.0) - low) / span)])
        tones.append(0.08 + 0.92 * (place + 1) / len(ordered))
    collection = LineCollection(lines, linewidths=[0.7 + 1.1 * tone**3 for tone in tones], alpha=0.85)
    collection.set_color([SEQUENTIAL(tone) for tone in tones])
    axes.add_collection(collection)
    for x, key in enumerate(keys):
        axes.axvline(x, color=FAINT, linewidth=1.2, zorder=0)
        for height, text in ticks(study.space.by_key[key]):
            label = axes.text(x - 0.03, height, text, ha="right", va="center", fontsize=7.5, color=MUTED)
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0})
    axes.axvline(len(keys), color=FAINT, linewidth=1.2, zorder=0)
    for height, value in ((0.0, low), (1.0, high)):
        axes.text(len(keys) + 0.04, height, f"{value:.4g}", ha="left", va="center", fontsize=7.5, color=MUTED)
    axes.set_xlim(-0.45, len(keys) + 0.4)
    axes.set_ylim(-0.06, 1.06)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks(range(len(keys) + 1), [*names.values(), objective.metric], color=INK)
    axes.tick_params(axis="x", length=0)
    set_title(axes, f"{study.name}: which values went together", "darker is better")
    save_png(figure, path)
    return path


def ticks(dimension: Dimension) -> list[tuple[float, str]]:
    """Heights and labels of an axis: its ends, powers of ten inside, or its choices."""
    if dimension.kind == "choice":
        return [(position(dimension, choice), _cell(choice)) for choice in dimension.choices]
    marks = dimension.extremes()
    if dimension.log:
        first, last = math.ceil(math.log10(dimension.low)), math.floor(math.log10(dimension.high))
        marks += [10.0**power for power in range(first, last + 1)]
    elif len(marks) > 1:
        marks.append((dimension.low + dimension.high) / 2)
    return [(position(dimension, mark), _cell(mark)) for mark in dict.fromkeys(marks)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value)
