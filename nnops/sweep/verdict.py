"""Why a trial is the best one, in words and as a table: of a front, of repeats, within constraints."""

from typing import TYPE_CHECKING

from nnops.number import short
from nnops.sweep.repeat import LEVEL, Repeated, further_seeds, noise, summarize, winner
from nnops.sweep.study import Study, TrialRecord

if TYPE_CHECKING:
    from rich.console import RenderableType


def explain_best(study: Study, trials: list[TrialRecord], best: TrialRecord) -> str:
    """How the best trial is the best, in words."""
    members = [str(trial.number) for trial in study.front(trials)]
    several = len(study.objectives) > 1
    rule = f"nearest to the best of every objective on the front of {len(members)}"
    hint = f" (trials {', '.join(members)}; --trial N takes another one)" if members[1:] else ""
    won = winner(study, trials, summarize(study, trials, study.repeats()))
    if won is None and several and not members[1:]:
        return "alone on the front: no other trial is better in any objective"
    if won is None:
        return f"{rule}{hint}" if several else f"best {study.objective.metric}: {short(best.value, 6)}"
    name = study.objective.metric
    low, high = won.intervals[name]
    mean = f"{name} {short(won.means[name], 6)} ({short(low, 6)} to {short(high, 6)}, {LEVEL:.0%})"
    if several:
        return f"{rule} by its means over {len(won.runs)} further seeds: {mean}{hint}"
    return f"best mean over {len(won.runs)} further seeds: {mean}"


def measured_names(study: Study) -> list[str]:
    """Further objectives, and what is bounded, in this order."""
    names = [each.metric for each in (*study.objectives[1:], *study.constraints)]
    return [name for name in dict.fromkeys(names) if name != study.objective.metric]


def repeats_table(study: Study, trials: list[TrialRecord], repeated: list[Repeated]) -> "RenderableType":
    """The best trials under further seeds, the winner bold, and how much a seed moves an objective."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    won = winner(study, trials, repeated)
    seeds = len(further_seeds(study))
    table = Table(box=None, pad_edge=False, header_style="dim")
    spread = noise(repeated)
    # What no seed moves, such as a size, needs no mean.
    names = [o.metric for o in study.objectives if spread.get(o.metric, 1.0) > 0]
    for title in (
        "trial",
        "seeds",
        *(title for name in names for title in (f"{name} in the search", f"mean ({LEVEL:.0%})")),
    ):
        table.add_column(title, justify="right")
    for each in repeated:
        ended = sum(run.state != "running" for run in each.runs)
        lost = sum(run.state in ("failed", "infeasible") for run in each.runs)
        cells = [str(each.trial.number), f"{ended}/{seeds}" + (f", {lost} lost" if lost else "")]
        for name in names:
            cells.append(short(each.trial.values[name]))
            if name in each.means:
                low, high = each.intervals[name]
                cells.append(f"{short(each.means[name])} ({short(low)} to {short(high)})")
            else:
                cells.append("-")
        table.add_row(*cells, style="bold" if won is not None and each is won else "")
    parts: list[RenderableType] = [Text(f"repeated under {seeds} further seeds", style="dim"), table]
    moved = [f"{name} by {short(deviation, 2)}" for name, deviation in spread.items() if deviation > 0]
    if moved:
        parts.append(Text(f"another seed moves {', '.join(moved)} (standard deviation)", style="dim"))
    return Group(*parts)
