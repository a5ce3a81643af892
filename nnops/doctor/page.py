"""What an examination looks like: on a terminal, as plain lines, and as a folder with figures."""

from pathlib import Path
from typing import TYPE_CHECKING

from nnops.doctor.examine import Examined
from nnops.doctor.finding import SEVERITIES, Finding, Severity, short
from nnops.files import write_bytes, write_json

if TYPE_CHECKING:
    from rich.console import RenderableType

STYLES: dict[Severity, str] = {"error": "bold red", "warning": "yellow", "note": "cyan"}
MARKS: dict[Severity, str] = {"error": "✖", "warning": "▲", "note": "●"}


def headline(seen: Examined) -> str:
    """What was looked at, and what came out, in one line."""
    counts = {name: sum(one.severity == name for one in seen.findings) for name in SEVERITIES}
    said = [f"{count} {name}{'s' * (count > 1)}" for name, count in counts.items() if count]
    return f"{len(seen.looked)} checks: {', '.join(said) or 'all well'}"


def about(seen: Examined) -> str:
    """The network, the data and the trainings that were looked at."""
    case = seen.case
    rows = ", ".join(f"{case.data.rows(split)} {split}" for split in ("train", "val", "test"))
    numbers = sum(weight.numel() for weight in case.network.parameters())
    pasts = "; ".join(past.name for past in case.pasts) or "no training yet"
    return f"{case.params.model.name} of {numbers:,} weights, {case.spec.task}, {rows} rows; {pasts}"


def render(seen: Examined) -> "RenderableType":
    """For a terminal: a headline, and a block for each finding."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    worst = seen.findings[0].severity if seen.findings else None
    head = Text.assemble((headline(seen), STYLES[worst] if worst else "bold green"), "\n", (about(seen), "dim"))
    parts: list[RenderableType] = [head]
    for finding in seen.findings:
        style = STYLES[finding.severity]
        title = Text.assemble((f"{MARKS[finding.severity]} {finding.check}", style), f"  {finding.sentence}")
        parts += [Text(), title, Padding(Text(evidence(finding), style="dim"), (0, 0, 0, 2))]
        parts.append(Padding(Text(finding.remedy), (0, 0, 0, 2)))
        if finding.sets:
            parts.append(Padding(Text(finding.command, style="green"), (0, 0, 0, 2)))
    hint = rate_line(seen)
    return Group(*parts, *([Text(), Text(hint, style="dim")] if hint else []))


def lines(seen: Examined) -> list[str]:
    """The same without a terminal: one line for each thing that is said."""
    found = [headline(seen), about(seen)]
    for finding in seen.findings:
        found.append(f"{finding.severity} {finding.check}: {finding.sentence}")
        found += [f"  evidence: {evidence(finding)}", f"  remedy: {finding.remedy}"]
        found += [f"  try: {finding.command}"] if finding.sets else []
    hint = rate_line(seen)
    return [*found, hint] if hint else found


def rate_line(seen: Examined) -> str:
    """What the range test says where it found nothing wrong."""
    if "learning_rate" not in seen.looked or any(one.check == "learning_rate" for one in seen.findings):
        return ""
    found = seen.case.rates
    falls = f"{found.falls:.2g}"
    where = f"between learning rates of {falls} and {found.breaks:.2g}" if found.breaks else f"from {falls} on"
    return (
        f"the learning rate is {seen.case.lr:.3g}; the loss falls {where}, and the range test would take"
        f" {found.suggested:g}."
    )


def evidence(finding: Finding) -> str:
    """Names and numbers in one line."""
    return ", ".join(f"{name} {short(value)}" for name, value in finding.evidence.items())


def markdown(seen: Examined, figures: list[str]) -> str:
    """The report as Markdown, its figures beside it."""
    text = ["# Diagnosis", "", f"{headline(seen)}. {about(seen)}.", ""]
    for finding in seen.findings:
        text += [f"## {finding.severity}: {finding.check}", "", finding.sentence, ""]
        text += ["| evidence | |", "|---|---:|"]
        text += [f"| {name} | {short(value)} |".replace("_", " ") for name, value in finding.evidence.items()]
        text += ["", finding.remedy, ""]
        text += [f"`nnops doctor {finding.command}`", ""] if finding.sets else []
    hint = rate_line(seen)
    text += [f"{hint[:1].upper()}{hint[1:]}", ""] if hint else []
    for name in figures:
        text += [f"![{name.removesuffix('.png').replace('_', ' ')}]({name})", ""]
    text += [f"Looked at: {', '.join(seen.looked)}.", ""]
    text += [f"Not looked at: {', '.join(f'{k} ({v})' for k, v in seen.skipped.items())}.", ""] if seen.skipped else []
    return "\n".join(text)


def write_report(seen: Examined, folder: Path) -> list[Path]:
    """Write report.md, report.json and the figures; the same examination gives the same bytes."""
    from nnops.doctor.checks.one_batch import OneBatch
    from nnops.doctor.figure import draw_batch, draw_flows, draw_rates
    from nnops.doctor.layer import measure_flow
    from nnops.figure import save_png

    case, figures = seen.case, []
    if "learning_rate" in seen.looked:
        figures.append(folder / "lr_range.png")
        save_png(draw_rates(case.rates, case.lr), figures[-1])
    if "one_batch" in seen.looked:
        figures.append(folder / "one_batch.png")
        save_png(draw_batch(*OneBatch().curves(case)), figures[-1])
    if case.flows:
        inputs, target_B = case.batch(0)
        flows = {"at the start": case.flows}
        for past in case.pasts:
            if past.module is not None:
                flows["after the training"] = measure_flow(past.module, case.loss, inputs, target_B)
        figures.append(folder / "gradients.png")
        save_png(draw_flows(flows), figures[-1])
    write_json(folder / "report.json", seen.to_json())
    write_bytes(folder / "report.md", markdown(seen, [path.name for path in figures]).encode())
    return [folder / "report.md", folder / "report.json", *figures]
