"""``nnops sweep``: plan, start, resume, watch and hand over a search."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnops.cli.option import Json, Sets, print_json

if TYPE_CHECKING:
    from nnops.params import Params
    from nnops.sweep.run import Summary

app = typer.Typer(help="Search a better configuration; any kill loses nothing.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The study.")]
Trials = Annotated[int | None, typer.Option(min=1, help="Trials in all; else sweep.budget.trials.")]
Time = Annotated[str | None, typer.Option("--time", metavar="2h", help="Time in all, such as 90s, 30m, 2h, 1d.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Trials at once; else sweep.workers.")]
Engine = Annotated[str | None, typer.Option(metavar="ray|inline|auto", help="Else sweep.engine.")]
Address = Annotated[str | None, typer.Option(help="A Ray cluster; else one is started on this machine.")]


@app.command()
def plan(
    sets: Sets = None, trials: Trials = None, workers: Workers = None, engine: Engine = None, as_json: Json = False
) -> None:
    """Say what the sweep would cost, from a short probe; starts nothing."""
    from nnops.sweep.plan import make_plan

    made = make_plan(_params(sets, trials, None), Path(), engine=engine, workers=workers)
    if as_json:
        print_json(made.to_json())
    else:
        _print(made.table())


@app.command()
def start(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A new study; else sweep.name.")] = None,
    trials: Trials = None,
    time: Time = None,
    workers: Workers = None,
    engine: Engine = None,
    address: Address = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Start a study. Ctrl-C once lets running trials go and keeps the study; 'nnops sweep resume' goes on."""
    from nnops.sweep.study import free_name

    params = _params(sets, trials, time)
    name = name or params.sweep.name or free_name(Path(), params.register_.name)
    _run(params, name, as_json, engine=engine, workers=workers, address=address)


@app.command()
def resume(
    name: Name,
    trials: Trials = None,
    time: Time = None,
    workers: Workers = None,
    engine: Engine = None,
    address: Address = None,
    as_json: Json = False,
) -> None:
    """Go on with a study to its budget: trials that were running go on under their numbers."""
    from nnops.params import Budget

    seconds = Budget(time=time).seconds if time else None
    _run(
        _params(None, None, None),
        name,
        as_json,
        engine=engine,
        workers=workers,
        address=address,
        trials=trials,
        seconds=seconds,
        resume=True,
    )


@app.command()
def stop(name: Name) -> None:
    """Ask the driver of a study to let its trials go and leave; the study can be resumed."""
    from nnops.sweep.control import ask_to_stop

    typer.echo(ask_to_stop(Path(), name))


@app.command("list")
def list_studies(as_json: Json = False) -> None:
    """List the studies of this project, and which of them are alive."""
    from nnops.sweep.show import list_studies

    records = list_studies(Path())
    if as_json:
        print_json(records)
        return
    if not records:
        typer.echo("no studies yet; 'nnops sweep start' makes one.")
        return
    from rich.table import Table

    table = Table("study", "state", "trials", "best", "objective", box=None, padding=(0, 2, 0, 0))
    for record in records:
        best = "-" if record["best"] is None else f"{record['best']['value']:.5g} (trial {record['best']['number']})"
        objective = f"{record['objective']['direction']} {record['objective']['metric']}"
        table.add_row(record["name"], record["state"], str(record["trials"]), best, objective)
    _print(table)


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show a study: its state, its trials, the best one and its config."""
    from nnops.sweep.show import show_study

    shown = show_study(_params(None, None, None, required=False), Path(), name)
    if as_json:
        print_json(shown.to_json())
    else:
        _print(shown.table())


@app.command()
def apply(
    name: Name,
    trial: Annotated[int | None, typer.Option(min=0, help="Another trial than the best one.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Also where params.yaml has changed since.")] = False,
    as_json: Json = False,
) -> None:
    """Write the best configuration into params.yaml, comments kept; 'dvc repro' then makes its very model."""
    from nnops.sweep.apply import apply_trial

    applied = apply_trial(Path(), name, trial, force=force)
    if as_json:
        print_json(applied.to_json())
        return
    for key, value in applied.config.items():
        typer.echo(f"  {key}: {value}")
    typer.echo(f"params.yaml has the config of trial {applied.number} of '{name}'; 'dvc repro' makes its model.")


@app.command()
def delete(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a study, its record and its checkpoints; its runs in MLflow stay."""
    from nnops.sweep.study import Study

    study = Study.open(Path(), name)
    if not yes:
        typer.confirm(f"Delete study '{name}' with {study.count()} trials?", abort=True)
    study.delete()
    typer.echo(f"study '{name}' is deleted.")


def _params(sets: list[str] | None, trials: int | None, time: str | None, required: bool = True) -> "Params":
    from nnops import params as params_file

    if not required and not params_file.FILE.exists():
        return params_file.parse({})
    params = params_file.load(params_file.FILE, sets or ())
    budget: dict[str, Any] = {}
    if trials is not None:
        budget["sweep.budget.trials"] = trials
    if time is not None:
        budget["sweep.budget.time"] = time
    return params_file.overlay(params, budget)


def _run(params: "Params", name: str, as_json: bool, **options: Any) -> None:
    """Run a study with the view that fits the output, and end with what to do next."""
    from nnops.sweep.run import run_sweep
    from nnops.sweep.table import open_view

    with open_view(json=as_json) as view:
        summary = run_sweep(params, Path(), name, on_event=view, **options)
    if as_json:
        from nnops.sweep.show import show_study

        print_json(show_study(params, Path(), name).to_json())
    else:
        _say_next(summary)
    if summary.best is None and summary.state == "complete":
        raise SystemExit(1)


def _say_next(summary: "Summary") -> None:
    if summary.state != "complete":
        typer.echo(f"'{summary.name}' is stopped and loses nothing; go on with: nnops sweep resume {summary.name}")
    elif summary.best is None:
        typer.echo(f"no trial of '{summary.name}' was complete; see: nnops sweep show {summary.name}")
    else:
        typer.echo(f"next: nnops sweep apply {summary.name} && dvc repro")


def _print(table: Any) -> None:
    from rich.console import Console

    Console(highlight=False).print(table)
