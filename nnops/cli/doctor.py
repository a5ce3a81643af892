"""``nnops doctor``: what is wrong with data, network or training, how that is known, and what tries the remedy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnops.cli.option import Json, Sets, print_json, waiting

if TYPE_CHECKING:
    from nnops.data.prepared import Prepared
    from nnops.doctor.past import Past
    from nnops.params import Params

HERE = Path("artifacts") / "train"


def doctor(
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN|TRIAL|MODEL", help="Look at this result instead of the last training."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write a report with figures here.")] = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Look for what is wrong: in the data, the network, its first steps, and the last training.

    Each finding has its evidence, a remedy in plain words, and the --set that tries it. Exit code 0: nothing worse than
    a warning; 1: there is an error; 2: the input is wrong.
    """
    from nnops import params as params_file
    from nnops.doctor.case import Case
    from nnops.doctor.examine import examine
    from nnops.doctor.page import lines, render, write_report
    from nnops.errors import InputError
    from nnops.sweep.ready import find_data

    if out is not None and out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: must be a folder, and this is a file; name another.")
    if run is not None and sets:
        raise InputError("--run: a result on record has its own params, so --set cannot change them; leave one out.")
    params = params_file.load(params_file.FILE, sets or ())
    told = ""
    with waiting("looking ..."):
        if run is None:
            data = find_data(params, Path())
            pasts, told = _pasts(params, data, bool(sets))
        else:
            params, data, pasts = _recorded(run, params)
        seen = examine(Case(params, data, pasts))
        written = write_report(seen, out) if out is not None else []
    if as_json:
        print_json(seen.to_json())
    else:
        from rich.console import Console

        console = Console(highlight=False)
        if console.is_terminal:
            console.print(render(seen))
        else:
            typer.echo("\n".join(lines(seen)))
        if told:
            typer.echo(f"note: {told}", err=True)
        if written:
            typer.echo(f"report with {len(written) - 2} figures -> {written[0]}", err=True)
    if not seen.ok:
        raise typer.Exit(1)


def _pasts(params: "Params", data: "Prepared", changed: bool) -> "tuple[list[Past], str]":
    """The training under way, else the last one; or why none is looked at."""
    from nnops.doctor.past import read_past, read_running
    from nnops.files import read_json
    from nnops.training.train import build_model, name_result

    uid = name_result(params, data)
    record = HERE / "model.json"
    of_these = record.exists() and read_json(record).get("fingerprint") == uid
    if not params.train.several and not of_these:
        running = read_running(Path(".nnops") / "checkpoints" / uid[:16], build_model(params, data.spec))
        if running:
            return running, ""
    if not record.exists():
        return [], ""
    if of_these:
        return read_past(HERE), ""
    if changed or read_json(record).get("data_hash") != data.hash:
        return [], f"the training in {HERE} is of other params, so it is not looked at; 'dvc repro train' makes one."
    return read_past(HERE), f"the training in {HERE} is of other params of model, loss or train than these."


def _recorded(run: str, params: "Params") -> "tuple[Params, Prepared, list[Past]]":
    """A result on record: what it was made from, its data, and its training by its history."""
    from nnops.doctor.past import past_of
    from nnops.reproduce.find import find
    from nnops.sweep.ready import find_data

    recorded = find(run, params, Path())
    data = find_data(recorded.data_params, Path())
    return recorded.params, data, past_of(f"{recorded.kind} {recorded.name}", recorded.losses)
