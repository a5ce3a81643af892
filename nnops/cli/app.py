"""The command ``nnops`` and its groups."""

import sys
from typing import Annotated

import typer

from nnops.cli import doctor, folds, model, params, project, sweep, ui
from nnops.cli import run as results
from nnops.errors import InputError

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
app.add_typer(results.app, name="run")
app.add_typer(model.app, name="model")
app.command("doctor")(doctor.doctor)
app.command("folds")(folds.folds)
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


def run() -> None:
    """Run the command line.

    Raises:
        InputError: A word of it is wrong; one sentence, as for all that is wrong.
        KeyboardInterrupt: Ctrl-C.
    """
    _refuse_empty(sys.argv[1:])
    try:
        code = app(prog_name="nnops", standalone_mode=False)
    except typer.Abort:
        typer.echo("nnops: nothing is changed.", err=True)
        raise SystemExit(1) from None
    except typer.TyperException as error:
        if "\n" in error.format_message():
            # No word at all was given, and the message is the help.
            typer.echo(error.format_message(), err=True)
            raise SystemExit(error.exit_code) from error
        context = getattr(error, "ctx", None)
        see = f"; see '{context.command_path} --help'" if context is not None else ""
        if (fault := _fault(error)) is not None:
            raise InputError(f"{fault}{see}.") from error
        said = error.format_message().rstrip(".").replace(". Did", "; did")
        raise InputError(f"{said[:1].lower()}{said[1:]}{'' if said.endswith('?') else f'{see}.'}") from error
    if code == 130:
        # What typer makes of Ctrl-C.
        raise KeyboardInterrupt
    raise SystemExit(code)


def _refuse_empty(words: list[str]) -> None:
    """No option means anything with nothing as its value."""
    for word, after in zip(words, [*words[1:], None], strict=True):
        name, equals, value = word.partition("=")
        if name.startswith("--") and not value and (equals or after == ""):
            raise InputError(f"{name} must not be empty; write a value, or leave it out.")


def _fault(error: typer.TyperException) -> str | None:
    """What is wrong with the value of an option, in the words that are used for keys of params.yaml."""
    from pydantic import ValidationError

    from nnops.catalog import plainly

    param = getattr(error, "param", None)
    if param is None or not isinstance(error.__cause__, ValidationError):
        return None
    name = param.opts[0] if param.param_type_name == "option" else param.human_readable_name
    return f"{name} {plainly(error.__cause__.errors()[0])}"
