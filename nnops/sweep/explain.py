"""One trial explained: what became of it and why, its curve, and how to make it again."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnops.errors import InputError
from nnops.number import short
from nnops.sweep.figures.axis import label
from nnops.sweep.importance import rank
from nnops.sweep.judgement import Judge, Judgement
from nnops.sweep.lineage import lineage_words
from nnops.sweep.study import Study, TrialRecord
from nnops.sweep.words import duration

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Peers that are named.
NAMED = 5
BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Explained:
    """A trial and what there is to say of it.

    Attributes:
        study: The study.
        trial: The trial.
        why: What became of it and why, in sentences.
        judgements: Where it was held against others.
        run_id: Of its tracked run, or None.
        lineage: Whose training it goes on with, in words.
    """

    study: Study
    trial: TrialRecord
    why: str
    judgements: tuple[Judgement, ...]
    run_id: str | None = None
    lineage: str = ""

    @property
    def seed(self) -> int:
        """What it was trained under."""
        trial = self.trial
        return trial.seed if trial.seed is not None else int(trial.config.get("seed", self.study.params.seed))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        trial = self.trial
        return {
            "study": self.study.name,
            "number": trial.number,
            "state": trial.state,
            "value": trial.value,
            "values": trial.values,
            "measures": trial.measures,
            "why": self.why,
            "reason": trial.reason,
            "epochs": trial.epochs,
            "seconds": trial.seconds,
            "reports": {str(epoch): value for epoch, value in trial.reports.items()},
            "best_epoch": trial.best_epoch,
            "judgements": [
                {
                    "epoch": each.epoch,
                    "value": each.value,
                    "limit": each.limit,
                    "stopped": each.stopped,
                    "belief": each.belief,
                    "peers": [{"number": number, "value": value} for number, value in each.peers],
                }
                for each in self.judgements
            ],
            "config": trial.config,
            "parent": trial.parent,
            "seed": self.seed,
            "fingerprint": trial.fingerprint,
            "weights_sha256": trial.weights_sha256,
            "repeats": trial.repeat,
            "run_id": self.run_id,
            "again": commands(self.study, trial),
        }

    def table(self) -> "RenderableType":
        """For the terminal."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        trial, metric = self.trial, self.study.objective.metric
        head = Text.assemble((f"{self.study.name}, trial {trial.number}", "bold"), f"  {trial.state}\n", self.why)
        facts = Table.grid(padding=(0, 2))
        if trial.reports:
            values = list(trial.reports.values())
            facts.add_row(Text("curve", style="dim"), f"{sparkline(values)}  {short(values[0])} to {short(values[-1])}")
        pairs: list[tuple[str, Any]] = [
            (metric, None if trial.value is None else short(trial.value, 6)),
            *((name, short(value, 6)) for name, value in {**trial.measures, **trial.values}.items() if name != metric),
            ("epochs", f"{trial.epochs}, weights of epoch {trial.best_epoch}" if trial.best_epoch else trial.epochs),
            ("training", None if trial.seconds is None else duration(trial.seconds)),
            *((key, label(value)) for key, value in trial.now.items()),
            ("lineage", self.lineage or None),
            ("seed", self.seed),
            ("fingerprint", trial.fingerprint),
            ("weights", trial.weights_sha256),
            ("run", self.run_id),
        ]
        for name, value in pairs:
            if value is not None:
                facts.add_row(Text(name, style="dim"), Text(str(value)))
        parts: list[RenderableType] = [head, Text(), facts]
        if self.judgements:
            parts += [Text(), _judgements_table(self.judgements, metric)]
        parts += [
            Text(),
            *(Text(f"  {line}", style="" if _runs(line) else "dim") for line in commands(self.study, trial)),
        ]
        return Group(*parts)


def explain_trial(study: Study, number: int, run_id: str | None = None) -> Explained:
    """Explain one trial of a study, or one repeat.

    Raises:
        InputError: The study has no such trial.
    """
    trials, repeats = study.trials(), study.repeats()
    trial = next((each for each in [*trials, *repeats] if each.number == number), None)
    if trial is None:
        last = max((each.number for each in [*trials, *repeats]), default=None)
        there = "it has none yet" if last is None else f"write one of 0 to {last}"
        raise InputError(f"study '{study.name}' has no trial {number}; {there}.")
    judge = Judge(study, trials)
    judgements = judge.judgements(trial) if trial.repeat is None else []
    last_one = judgements[-1] if judgements and judgements[-1].stopped and trial.state == "pruned" else None
    said, lineage = (
        why(study, trials, trial, last_one),
        lineage_words(trials, number) if trial.parent is not None else "",
    )
    return Explained(study, trial, said, tuple(judgements), run_id, lineage)


def why(study: Study, trials: list[TrialRecord], trial: TrialRecord, stop: Judgement | None) -> str:
    """What became of a trial and why, in sentences.

    Args:
        study: The study.
        trials: Of the search.
        trial: The trial.
        stop: The judgement that stopped it, where a pruner did.
    """
    metric = study.objective.metric
    if trial.state == "running":
        return f"It runs, or waits to be resumed; {trial.epochs} epochs are reported."
    if stop is not None:
        return _why_stopped(study, stop)
    if trial.reason is not None:
        what = {"pruned": "It was let go", "failed": "It failed", "infeasible": "It is infeasible"}
        return f"{what.get(trial.state, 'It ended')}: {trial.reason.rstrip('.')}."
    if trial.state == "pruned":
        return f"It was stopped early, after epoch {trial.epochs}."
    text = f"It spent its full fidelity of {trial.epochs} epochs."
    if trial.repeat is not None:
        return f"{text} It repeats trial {trial.repeat} under seed {trial.seed}, on the same rows."
    complete = sorted((each for each in trials if each.state == "complete"), key=rank(study))
    place = next(place for place, each in enumerate(complete, 1) if each.number == trial.number)
    best = study.best(trials)
    if best is not None and best.number == trial.number:
        return f"{text} It is the best of {len(complete)} complete trials."
    than = f"; the best is trial {best.number}" if best else ""
    return f"{text} By {metric} it is number {place} of {len(complete)} complete trials{than}."


def _why_stopped(study: Study, stop: Judgement) -> str:
    objective = study.objective
    pruner = study.params.sweep.pruner.name
    bound = "at least" if objective.direction == "maximize" else "at most"
    text = f"{pruner} stopped it at epoch {stop.epoch}: {objective.metric} was {short(stop.value, 6)}"
    loss = objective.loss
    better = bisect_left(stop.peers, loss(stop.value), key=lambda peer: loss(peer[1]))
    if stop.peers:
        text += f", number {better + 1} of {len(stop.peers) + 1} trials compared there"
    if stop.limit is not None:
        text += f"; to go on it had to be {bound} {short(stop.limit, 6)}"
        enough = [number for number, value in stop.peers if loss(value) <= loss(stop.limit)]
        if enough:
            names = ", ".join(map(str, enough[:NAMED])) + (f" and {len(enough) - NAMED} more" if enough[NAMED:] else "")
            text += f", as {'trials' if enough[1:] else 'trial'} {names} {'were' if enough[1:] else 'was'}"
    return f"{text}."


def commands(study: Study, trial: TrialRecord) -> list[str]:
    """How to make a trial again: commands, or a word on why there is none."""
    if trial.repeat is not None:
        return [
            f"a repeat is made by its study alone; nnops sweep apply {study.name} --trial {trial.repeat} is its origin"
        ]
    apply = f"nnops sweep apply {study.name} --trial {trial.number}"
    if trial.state == "running":
        return [f"nnops sweep resume {study.name}"]
    if trial.weights_sha256 is None:
        return [apply, "dvc repro", "it kept no weights; this trains its config to the full fidelity"]
    return [apply, "dvc repro", "makes its very weights"]


def sparkline(values: list[float]) -> str:
    """A curve as bars, at most 40 of them.

    >>> sparkline([0.0, 0.5, 1.0])
    '▁▅█'
    """
    shown = values if len(values) <= 40 else [values[round(place * (len(values) - 1) / 39)] for place in range(40)]
    low, span = min(shown), max(shown) - min(shown)
    return "".join(BARS[round((value - low) / span * 7) if span else 0] for value in shown)


def _judgements_table(judgements: tuple[Judgement, ...], metric: str) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("epoch", metric, "compared to", "had to reach", ""):
        table.add_column(name, justify="left" if name == "" else "right")
    for each in judgements:
        verdict = Text("stopped", style="red") if each.stopped else Text("went on", style="green")
        if each.belief is not None and not each.stopped:
            verdict.append(f", not believed ({each.belief:.2f})", style="dim")
        limit = "-" if each.limit is None else short(each.limit, 6)
        table.add_row(str(each.epoch), short(each.value, 6), f"{len(each.peers)} trials", limit, verdict)
    return table


def _runs(line: str) -> bool:
    return line.startswith(("nnops ", "dvc "))
