"""``nnops run``: results on record, beside one another, and made again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnops.cli.option import Json, print_json, waiting

if TYPE_CHECKING:
    from nnops.params import Params
    from nnops.reproduce.sheet import Sheet

app = typer.Typer(help="Results on record: listed, compared, made again.", no_args_is_help=True)


As = Annotated[str, typer.Option("--as", metavar="table|markdown|html", help="How it is shown.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write it to this file.")]


@app.command("list")
def list_all(
    study: Annotated[str | None, typer.Option("--study", metavar="NAME", help="The trials of this study.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 50,
    form: As = "table",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """The experiment table: results of the pipeline, or a study's trials, with model, numbers and notes."""
    from nnops.reproduce.listing import list_runs, records
    from nnops.tracking.runs import Runs
    from nnops.tracking.spool import wake_leftovers

    runs = Runs(_params(), Path())
    everything = runs.all(limit=100_000)
    parents = {run.uid: run for run in everything if run.kind == "study"}
    if study is None:
        found = [run for run in everything if run.kind == "pipeline"]
    else:
        found = [run for run in everything if run.kind == "trial" and run.tags.get("nnops.study") == study]
        if not found:
            from nnops.catalog import unknown
            from nnops.errors import InputError

            raise InputError(unknown("study", study, [run.name for run in parents.values()]))
    if not found and not as_json:
        late = wake_leftovers(Path())
        typer.echo(
            "what was logged is still on its way to MLflow; ask again in a moment."
            if late
            else "no results yet; 'dvc repro' makes one."
        )
        return
    if as_json:
        print_json(records(found[:limit], parents))
    else:
        _show([list_runs(found[:limit], parents)], "Experiments", form, out)


@app.command()
def compare(
    results: Annotated[list[str], typer.Argument(metavar="RUN RUN ...", help="Ids or fingerprints; parts are enough.")],
    whole: Annotated[bool, typer.Option("--whole", help="Also what is the same.")] = False,
    form: As = "table",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Hold results against one another: numbers, and what differs in params, data, code and environment."""
    import json

    from nnops.errors import InputError
    from nnops.evaluation.paired import pair
    from nnops.evaluation.threshold import Decision
    from nnops.reproduce.contrast import contrast, names_of, paired_sheet
    from nnops.reproduce.find import DIFF, ENVIRONMENT
    from nnops.tracking.runs import Runs

    if len(results) < 2:
        raise InputError("compare wants at least two runs, as in 'nnops run compare 3f1d59 77e5c9'.")
    runs = Runs(_params(), Path())
    found = [runs.find(result) for result in results]
    parents = {uid: run for uid in {run.tags.get("nnops.parent", "") for run in found} - {""} if (run := runs.of(uid))}
    environments, diffs, decisions = [], [], []
    for run in found:
        decision = runs.file(run.run_id, "evaluate/threshold.json")
        decisions.append(Decision.from_json(json.loads(decision)).words() if decision else "")
        parent = parents.get(run.tags.get("nnops.parent", ""), run)
        environments.append(json.loads(runs.file(parent.run_id, ENVIRONMENT) or b"{}"))
        diffs.append((runs.file(parent.run_id, DIFF) or b"").decode(errors="replace"))
    sheets = contrast(found, parents, environments, diffs, decisions, whole=whole)
    if len(found) == 2 and len({run.tags.get("data.hash", run.run_id) for run in found}) == 1:
        told = [runs.file(run.run_id, "evaluate/predictions.csv") for run in found]
        pairs = pair(*(text.decode() for text in told if text)) if all(told) else []
        sheets[1:1] = [paired_sheet(pairs, names_of(found))] if pairs else []
    if as_json:
        print_json({sheet.title: sheet.to_json() for sheet in sheets})
    else:
        _show(sheets, "Comparison", form, out)
        if any(row[0] == "hash" and len(set(row[1:])) > 1 for sheet in sheets for row in sheet.rows):
            typer.echo("note: the prepared data differ, so the numbers are of other rows.", err=True)


@app.command()
def note(
    result: Annotated[str, typer.Argument(metavar="RUN", help="Its id or fingerprint; a part is enough.")],
    text: Annotated[str, typer.Argument(help="What to remember; it stands in the table of experiments.")],
) -> None:
    """Write a note on a result."""
    from nnops.reproduce.listing import NOTE
    from nnops.tracking.runs import Runs

    runs = Runs(_params(), Path())
    run = runs.find(result)
    runs.mark(run.run_id, {NOTE: text}, {})
    typer.echo(f"{run.run_id[:8]} {run.name}: {text}")


@app.command()
def reproduce(
    result: Annotated[
        str,
        typer.Argument(
            metavar="RUN|TRIAL|MODEL", help="A run's id or fingerprint, STUDY/TRIAL, or MODEL@ALIAS; parts are enough."
        ),
    ],
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="How far numbers may be off, of their size where that is above 1.")
    ] = 0.01,
    keep: Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="Leave the scratch folder here.")] = None,
    install: Annotated[
        bool, typer.Option("--install", help="With the libraries on record, in an environment of its own.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a result again from its record, in a folder of its own, and compare: data, every epoch, weights, metrics.

    Exit code 0: the same to the bit, or all numbers within the tolerance; 1: it differs.
    """
    from nnops.reproduce.reproduce import reproduce as again

    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        from nnops.errors import InputError

        raise InputError(f"--keep {keep}: must be a new or an empty folder, but there is something in it.")

    def tell(stage: str) -> None:
        if not as_json:
            typer.echo(f"{stage} ...", err=True)

    with waiting("making it again ..."):
        recorded, verdict = again(result, _params(), Path(), tolerance=tolerance, keep=keep, install=install, tell=tell)
    if as_json:
        print_json({"name": recorded.name, "kind": recorded.kind, **verdict.to_json()})
    else:
        typer.echo(f"{recorded.kind} {recorded.name}: {verdict.sentence}.")
        for note in verdict.notes:
            typer.echo(f"note: {note}.")
    if verdict.word == "differs":
        raise typer.Exit(1)


def _show(sheets: "list[Sheet]", title: str, form: str, out: Path | None) -> None:
    from nnops.errors import InputError
    from nnops.reproduce.sheet import page

    if form not in ("table", "markdown", "html"):
        raise InputError(f"--as: must be table, markdown or html, got '{form}'.")
    if form == "table" and out is None:
        from rich.console import Console

        console = Console(highlight=False)
        for place, sheet in enumerate(sheets):
            fitting = sheet.within(console.width)
            console.print(*([""] if place else []), fitting.table(), sep="\n")
            if left := [name for name in sheet.columns if name not in fitting.columns]:
                typer.echo(f"no room for {', '.join(left)}: widen the terminal, or --as html --out FILE", err=True)
        return
    text = page(title, sheets) if form == "html" else "\n".join(sheet.markdown() for sheet in sheets)
    if out is None:
        typer.echo(text, nl=False)
        return
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.parent}; make it, or choose another.")
    from nnops.files import write_bytes

    write_bytes(out, text.encode())
    typer.echo(f"{title.lower()} -> {out}")


def _params() -> "Params":
    """The project's params; a folder without params.yaml has the defaults, which name the local store."""
    from nnops import params as params_file

    return params_file.load() if params_file.FILE.exists() else params_file.parse({})
