"""The command ``nnops`` and its groups."""

from typing import Annotated

import typer

from nnops.cli import model, params, project, sweep, ui

app = typer.Typer(
    name="nnops",
    help="Experiments and hyperparameter search on neural networks: DVC stages, Ray Tune with Optuna, MLflow.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("init")(project.init)
app.command("demo")(project.demo)
app.add_typer(params.app, name="params")
app.add_typer(sweep.app, name="sweep")
app.add_typer(model.app, name="model")
app.command("ui")(ui.ui)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    del debug  # taken off the command line before it is parsed; stands here for the help
    if version:
        from nnops import __version__

        typer.echo(f"nnops {__version__}")
        raise typer.Exit
