"""The note of a study: what its tracked run says of it in Markdown, with links to its trials and its figures.

Links are written as :mod:`nnops.tracking.link` reads them: ``run:UID``, ``image:PATH`` and so on.
"""

import re
from typing import Any

from nnops.number import short
from nnops.sweep.event import Ended
from nnops.sweep.figures.axis import label
from nnops.sweep.figures.seen import Seen
from nnops.sweep.importance import rank
from nnops.sweep.insight import short_names
from nnops.sweep.repeat import summarize
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.verdict import explain_best, measured_names
from nnops.sweep.words import duration

#: Rows of the table, and how many trials are compared by a link.
ROWS, COMPARED = 10, 6
#: Columns of a view; MLflow keeps a few thousand characters of it.
COLUMNS = 20
#: Figures that stand in the note itself; the others are linked.
SHOWN = ("front", "history", "importance")
#: Their folder: a run's page shows pictures in their own size.
SMALL = "figures/small"
PAGE, TABLE = "report.html", "trials.json"


def describe(seen: Seen, figures: tuple[str, ...] = ()) -> str:
    """The study as Markdown: what was found, how to take it over, figures, the best trials.

    Args:
        seen: The study.
        figures: Names of the figures that the run has in its folder ``figures``.
    """
    study, best = seen.study, seen.best
    goals = " and ".join(f"{each.direction} {_code(each.metric)}" for each in study.objectives)
    lines = [f"**{goals}**: {_counts(seen)}", ""]
    ended = sorted((trial for trial in seen.trials if trial.state != "running"), key=rank(study))
    if best is not None:
        several = len(study.objectives) > 1 or study.params.sweep.repeats is not None
        why = f" ({_plain(explain_best(study, seen.trials, best))})" if several else ""
        lines += [f"Best: **{short(best.value, 6)}** by [trial {best.number}](run:{best.uid}){why}; "
                  f"`nnops sweep apply {study.name}` and `dvc repro` make its model.", ""]  # fmt: skip
    # A run's page shows the first lines alone until it is asked for more.
    lines += [_links(seen, ended, figures), ""]
    if best is not None:
        lines += [*(f"    {key}: {_inert(label(value))}" for key, value in best.now.items()), ""]
    if study.constraints:
        lines += [f"Within {', '.join(_code(str(each)) for each in study.constraints)}.", ""]
    for name in SHOWN:
        if name in figures:
            lines += [f"[![{name}](image:{SMALL}/{name}.png)](artifact:figures/{name}.png)", ""]
    lines += [*_repeats(seen), *_table(seen, ended[:ROWS])]
    left = len(seen.trials) - min(len(ended), ROWS)
    if left:
        lines += ["", f"and {left} more: {_code(TABLE)} among the artifacts, or `nnops sweep show {study.name}`"]
    return "\n".join(lines) + "\n"


def view_key(study: Study) -> str:
    """The key of the view that holds the study's trials."""
    return re.sub(r"[^A-Za-z0-9-]", "-", study.uid)


def view_of(study: Study) -> dict[str, Any]:
    """The table of runs with the study's trials alone, the best first, and the columns that tell them apart."""
    columns = [
        "tags.`nnops.state`",
        *(f"metrics.`{'best/' if place == 0 else ''}{each.metric}`" for place, each in enumerate(study.objectives)),
        "metrics.`last`",
        *(f"metrics.`{each.metric}`" for each in study.constraints),
        "metrics.`epochs`",
        "metrics.`seconds`",
        *(f"params.`{key}`" for key in study.space.by_key),
    ]
    return {
        "searchFilter": f"tags.`nnops.parent` = '{study.uid}'",
        "orderByKey": f"metrics.`best/{study.objective.metric}`",
        "orderByAsc": study.objective.direction == "minimize",
        "selectedColumns": list(dict.fromkeys(columns))[:COLUMNS],
    }


def _links(seen: Seen, ended: list[TrialRecord], figures: tuple[str, ...]) -> str:
    objective = seen.study.objective
    links = [
        f"[all trials as a table](view:{view_key(seen.study)})",
        f"[their curves](children:{_metric(objective.metric)}:{objective.direction})",
    ]
    top = [trial.uid for trial in ended if trial.state == "complete"][:COMPARED]
    if len(top) > 1:
        links.append(f"[the best {len(top)} compared](compare:{','.join(top)})")
    if figures:
        links.append(f"[the report](artifact:{PAGE})")
    links += [f"[{name}](artifact:figures/{name}.png)" for name in figures if name not in SHOWN]
    return " · ".join(links)


def _repeats(seen: Seen) -> list[str]:
    """A line for each trial that was repeated."""
    found = [each for each in summarize(seen.study, seen.trials, seen.repeats) if each.means]
    name = seen.study.objective.metric
    lines: list[str] = []
    for each in found:
        low, high = each.intervals[name]
        lines.append(f"- [trial {each.trial.number}](run:{each.trial.uid}) repeated under {len(each.runs)} seeds: "
                     f"mean {short(each.means[name], 6)} ({short(low, 6)} to {short(high, 6)})")  # fmt: skip
    return [*lines, ""] if lines else []


def _table(seen: Seen, trials: list[TrialRecord]) -> list[str]:
    study = seen.study
    names, further = short_names(study.space.by_key), measured_names(study)
    columns = [study.objective.metric, *further, "epochs", "seconds", *names.values()]
    lines = ["| trial | state | " + " | ".join(map(_plain, columns)) + " |", "|---" * (2 + len(columns)) + "|"]
    for trial in trials:
        measured = {**trial.measures, **trial.values}
        cells = [
            short(trial.value, 6),
            *(short(measured.get(name)) for name in further),
            str(trial.epochs),
            f"{trial.seconds or 0:.1f}",
            *(_plain(label(trial.now[key])) if key in trial.now else "" for key in names),
        ]
        lines.append(f"| [{trial.number}](run:{trial.uid}) | {trial.state} | " + " | ".join(cells) + " |")
    return lines


def describe_trial(study: Study, event: Ended) -> str:
    """A trial as Markdown: how it ended, and the commands that say why and make it again."""
    value = f", {_code(study.objective.metric)} {short(event.value, 6)}" if event.value is not None else ""
    lines = [f"**{event.state}** after {event.epochs} epoch{'s' * (event.epochs != 1)}{value}", ""]
    lines += [_plain(event.reason), ""] if event.reason else []
    lines.append(f"`nnops sweep show {study.name} --trial {event.number}` says why.")
    if event.repeat is None:
        lines.append(f"`nnops sweep apply {study.name} --trial {event.number}` and `dvc repro` make it again.")
    return "\n".join(lines) + "\n"


def _counts(seen: Seen) -> str:
    states = [trial.state for trial in seen.trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    spent = sum(trial.seconds or 0.0 for trial in [*seen.trials, *seen.repeats])
    return f"{counts or 'no trials yet'}; {sum(t.epochs for t in seen.trials)} epochs in {duration(spent)} of training"


def _metric(name: str) -> str:
    """A metric's name inside a link."""
    return re.sub(r"[()\s]", "_", name)


def _plain(text: Any) -> str:
    """Text whose characters mean nothing to Markdown."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(str(text).split()))


def _code(text: str) -> str:
    return f"`{_inert(text.replace('`', chr(39)))}`"


def _inert(text: str) -> str:
    """Text for a place that Markdown shows as it is: one line, and nothing that reads as a link of ours."""
    return " ".join(text.split()).replace("](", "] (")
