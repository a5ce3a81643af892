"""``nnops sweep``: plan, start, resume, watch and hand over a search."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnops.cli.option import Json, Sets, print_json, waiting

if TYPE_CHECKING:
    from nnops.params import Params
    from nnops.sweep.summary import Summary

#: Characters in a line that goes to a file or a pipe.
WIDE = 1000

app = typer.Typer(help="Search a better configuration; any kill loses nothing.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The study.")]
Trials = Annotated[int | None, typer.Option(help="Trials in all; else sweep.budget.trials.")]
Time = Annotated[str | None, typer.Option("--time", metavar="2h", help="Time in all, such as 90s, 30m, 2h, 1d.")]
Epochs = Annotated[int | None, typer.Option(help="Epochs of all trials; else sweep.budget.epochs.")]
GpuHours = Annotated[float | None, typer.Option(help="GPU hours in all; else sweep.budget.gpu_hours.")]
Patience = Annotated[int | None, typer.Option(help="Trials without a better best; else sweep.budget.patience.")]
From = Annotated[
    list[str] | None,
    typer.Option("--from", metavar="STUDY", help="An earlier study to learn from; may be given many times."),
]
Configs = Annotated[
    list[str] | None,
    typer.Option("--config", metavar="FILE|JSON", help="A config to try first; may be given many times."),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Trials at once; else sweep.workers.")]
Engine = Annotated[str | None, typer.Option(metavar="ray|inline|auto", help="Else sweep.engine.")]
Address = Annotated[str | None, typer.Option(help="A Ray cluster; else one is started on this machine.")]


@app.command()
def plan(
    sets: Sets = None,
    trials: Trials = None,
    time: Time = None,
    epochs: Epochs = None,
    gpu_hours: GpuHours = None,
    patience: Patience = None,
    workers: Workers = None,
    engine: Engine = None,
    address: Address = None,
    as_json: Json = False,
) -> None:
    """Say what the sweep would cost, from a short probe, and what is wrong with it; starts nothing."""
    from nnops.sweep.plan import make_plan

    params = _params(sets, trials=trials, time=time, epochs=epochs, gpu_hours=gpu_hours, patience=patience)
    with waiting("a short training, to see what a trial costs ..."):
        made = make_plan(params, Path(), engine=engine, workers=workers, address=address)
    if as_json:
        print_json(made.to_json())
    else:
        _print(made.table())


@app.command()
def start(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A new study; else sweep.name.")] = None,
    trials: Trials = None,
    time: Time = None,
    epochs: Epochs = None,
    gpu_hours: GpuHours = None,
    patience: Patience = None,
    workers: Workers = None,
    engine: Engine = None,
    address: Address = None,
    studies: From = None,
    configs: Configs = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Start a study. Ctrl-C once lets running trials go and keeps the study; 'nnops sweep resume' goes on."""
    from nnops.sweep.names import free_name

    params = _params(sets, trials=trials, time=time, epochs=epochs, gpu_hours=gpu_hours, patience=patience)
    params = _warm(params, studies or [], configs or [])
    if name is None:
        name = params.sweep.name or free_name(Path(), params.register_.name)
    _run(params, name, as_json, engine=engine, workers=workers, address=address)


@app.command()
def resume(
    name: Name,
    trials: Trials = None,
    time: Time = None,
    epochs: Epochs = None,
    gpu_hours: GpuHours = None,
    patience: Patience = None,
    workers: Workers = None,
    engine: Engine = None,
    address: Address = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Go on with a study to its budget, or with one that is paused. Trials that were running go on."""
    from nnops.sweep.budget import Limits
    from nnops.sweep.control import go_on

    budget = Limits.given(trials=trials, time=time, epochs=epochs, gpu_hours=gpu_hours, patience=patience)
    changed = any(each is not None for each in (trials, time, epochs, gpu_hours, patience, workers, engine, address))
    waits = go_on(Path(), name, _storage(), changed=changed)
    if waits is not None:
        typer.echo(waits)
        return
    _run(_params(sets), name, as_json, engine=engine, workers=workers, address=address, budget=budget, resume=True)


@app.command()
def grow(
    name: Name,
    new: Annotated[str | None, typer.Argument(metavar="[NEW]", help="The grown study; else NAME-2.")] = None,
    top: Annotated[int, typer.Option(min=1, help="With more train.epochs: how many of the best get them.")] = 3,
    trials: Trials = None,
    time: Time = None,
    epochs: Epochs = None,
    gpu_hours: GpuHours = None,
    patience: Patience = None,
    workers: Workers = None,
    engine: Engine = None,
    address: Address = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Go on with a study that ended as a new one, under the wider bounds or the more epochs that params.yaml has."""
    from nnops.sweep.grow import more_epochs
    from nnops.sweep.names import free_name
    from nnops.sweep.study import Study

    params = _params(sets, trials=trials, time=time, epochs=epochs, gpu_hours=gpu_hours, patience=patience)
    params = more_epochs(params, Study.open(Path(), name, params.sweep.storage), top, trials)
    new = free_name(Path(), name) if new is None else new
    _run(params, new, as_json, engine=engine, workers=workers, address=address, grows=name, top=top)


@app.command()
def stop(name: Name) -> None:
    """Ask a study's driver to stop. It lets its trials go and leaves; the study can be resumed."""
    from nnops.sweep.control import ask_to_stop

    typer.echo(ask_to_stop(Path(), name, _storage()))


@app.command()
def pause(name: Name) -> None:
    """Ask a study's driver to hold its trials. It waits, and 'nnops sweep resume' lets it go on."""
    from nnops.sweep.control import ask_to_pause

    typer.echo(ask_to_pause(Path(), name, _storage()))


@app.command("list")
def list_studies(as_json: Json = False) -> None:
    """List this project's studies, and which are alive."""
    from nnops.sweep.show import list_studies

    records = list_studies(Path())
    if as_json:
        print_json(records)
        return
    if not records:
        typer.echo("no studies yet; 'nnops sweep start' makes one.")
        return
    from rich.table import Table

    from nnops.number import short

    table = Table("study", "state", "driver", "trials", "best", "objective", box=None, padding=(0, 2, 0, 0))
    for record in records:
        best = "-" if record["best"] is None else f"{short(record['best']['value'])} (trial {record['best']['number']})"
        several = record["objective"] if isinstance(record["objective"], list) else [record["objective"]]
        objective = ", ".join(f"{each['direction']} {each['metric']}" for each in several)
        table.add_row(record["name"], record["state"], _driver(record), str(record["trials"]), best, objective)
    _print(table)
    for record in records:
        if "reason" in record:
            typer.echo(f"{record['name']}: {record['reason']}")


@app.command()
def show(
    name: Name,
    trial: Annotated[int | None, typer.Option(min=0, help="One trial: why it was stopped, and by whom.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write all of it, with figures, as one page.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a study: its state, its trials, the best one and its config; or one trial; or write a page."""
    from nnops.errors import InputError
    from nnops.sweep.show import show_study, show_trial

    params = _params(required=False)
    if trial is not None:
        if html is not None:
            raise InputError("write --trial N or --html FILE, not both: the page holds every trial.")
        explained = show_trial(params, Path(), name, trial)
        if as_json:
            print_json(explained.to_json())
        else:
            _print(explained.table())
        return
    shown = show_study(params, Path(), name)
    if html is not None:
        shown.write_page(html)
        typer.echo(f"{html} holds study '{name}'; open it in a browser.", err=as_json)
    if as_json:
        print_json(shown.to_json())
    elif html is None:
        _print(shown.table())


@app.command()
def apply(
    name: Name,
    trial: Annotated[int | None, typer.Option(min=0, help="Another trial than the best one.")] = None,
    ensemble: Annotated[
        int | None, typer.Option(min=2, help="So many of the best trials, to answer as one by soft voting.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also where params.yaml has changed since.")] = False,
    as_json: Json = False,
) -> None:
    """Write the best configuration into params.yaml. Comments are kept; 'dvc repro' then makes its very model."""
    from nnops.sweep.apply import apply_trial

    if ensemble is not None:
        _apply_ensemble(name, trial, ensemble, force, as_json)
        return
    applied = apply_trial(Path(), name, trial, force=force)
    if as_json:
        print_json(applied.to_json())
        return
    for key, value in applied.config.items():
        typer.echo(f"  {key}: {value}")
    typer.echo(f"params.yaml has the config of trial {applied.number} of '{name}': {applied.why}.")
    for note in applied.notes:
        typer.echo(f"note: {note}")
    if not applied.notes:
        typer.echo("next: dvc repro")


def _apply_ensemble(name: str, trial: int | None, count: int, force: bool, as_json: bool) -> None:
    from nnops.errors import InputError
    from nnops.sweep.together import apply_ensemble

    if trial is not None:
        raise InputError("--trial names one trial and --ensemble several; leave one of them out.")
    every = apply_ensemble(Path(), name, count, force=force)
    if as_json:
        print_json([applied.to_json() for applied in every])
        return
    for applied in every:
        typer.echo(f"  trial {applied.number}, {applied.value:g}: {applied.config}")
    typer.echo(f"params.yaml has an ensemble of {len(every)} trials of '{name}' under train.ensemble.")
    for note in every[0].notes:
        typer.echo(f"note: {note}")
    typer.echo("next: dvc repro")


@app.command()
def delete(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a study's record and checkpoints. Its runs in MLflow stay."""
    from nnops.sweep.delete import find_deletable

    found = find_deletable(Path(), name)
    if not yes:
        typer.confirm(f"Delete study '{name}' {found.words}?", abort=True)
    found.delete()
    typer.echo(f"study '{name}' is deleted.")


def _driver(record: dict[str, Any]) -> str:
    """Who drives a study, or died while driving it, in few words."""
    from nnops.sweep.words import duration

    driver = record["driver"]
    if driver is None:
        return "-"
    who = f"process {driver['process']} on {driver['machine']}"
    return who if driver["alive"] else f"died {duration(driver['seconds'])} ago ({who})"


def _storage() -> str | None:
    """Where studies of other machines are."""
    return _params(required=False).sweep.storage


def _params(sets: list[str] | None = None, required: bool = True, **budget: Any) -> "Params":
    """What params.yaml says, with ``--set`` and options of the budget laid over it."""
    from nnops import params as params_file

    if not required and not params_file.FILE.exists():
        return params_file.parse({})
    params = params_file.load(params_file.FILE, sets or ())
    given = {key: value for key, value in budget.items() if value is not None}
    if given:
        from nnops.sweep.budget import Limits

        Limits.given(**given)
    return params_file.overlay(params, {f"sweep.budget.{key}": value for key, value in given.items()})


def _warm(params: "Params", studies: list[str], configs: list[str]) -> "Params":
    """Add what a search shall begin with to what params.yaml names."""
    if not studies and not configs:
        return params
    from nnops.params import overlay
    from nnops.sweep.warm import read_config

    start = params.sweep.warm_start
    given = [config for text in configs for config in read_config(text)]
    added = {
        "sweep.warm_start.studies": [*start.studies, *studies],
        "sweep.warm_start.configs": [*start.configs, *given],
    }
    return overlay(params, added)


def _run(params: "Params", name: str, as_json: bool, **options: Any) -> None:
    """Run a study with the view that fits the output, and end with what to do next."""
    from nnops.sweep.names import taken
    from nnops.sweep.run import run_sweep
    from nnops.sweep.table import open_view

    # Standard output belongs to the JSON document, whatever a library may say.
    try:
        with redirect_stdout(sys.stderr if as_json else sys.stdout), open_view(json=as_json) as view:
            summary = run_sweep(params, Path(), name, on_event=view, **options)
    except KeyboardInterrupt:
        if taken(Path(), name):
            typer.echo(_goes_on(name), err=True)
        raise
    if as_json:
        from nnops.sweep.show import show_study

        print_json(show_study(params, Path(), name).to_json())
    else:
        if summary.plan is not None and summary.actual is not None:
            from nnops.sweep.actual import compare

            typer.echo()
            _print(compare(summary.plan, summary.actual))
        _say_next(summary, params)
    if summary.state != "complete":
        # What stands behind '&&' is for a search that is done.
        raise SystemExit(130)
    if summary.best is None:
        raise SystemExit(1)


def _say_next(summary: "Summary", params: "Params") -> None:
    if summary.state != "complete":
        typer.echo(_goes_on(summary.name))
    elif summary.best is None:
        typer.echo(f"no trial of '{summary.name}' was complete; see: nnops sweep show {summary.name}")
    else:
        set_only = _set_only(params, summary.best.config)
        first = f"write {', '.join(set_only)} into params.yaml, as --set had it; then: " if set_only else ""
        typer.echo(f"next: {first}nnops sweep apply {summary.name} && dvc repro")


def _set_only(params: "Params", config: dict[str, Any]) -> list[str]:
    """What trials were trained with that params.yaml does not say and the best config will not write there."""
    from nnops import params as params_file
    from nnops.sweep.apply import SECTIONS

    had = params_file.flatten(params.record(*SECTIONS))
    has = params_file.flatten(params_file.load(params_file.FILE).record(*SECTIONS))
    return [f"'{key}: {value}'" for key, value in had.items() if key not in config and has.get(key) != value]


def _goes_on(name: str) -> str:
    return f"'{name}' is stopped and loses nothing; go on with: nnops sweep resume {name}"


def _print(table: Any) -> None:
    """Print what is made for a terminal; where none reads, no width cuts it."""
    import os

    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    Console(highlight=False, width=width).print(table)
