"""``nnops params``: judge, show and describe params.yaml."""

import typer

from nnops.cli.option import Json, Sets, print_json, waiting

app = typer.Typer(help="Judge and show params.yaml.", no_args_is_help=True)


@app.command()
def check(sets: Sets = None, as_json: Json = False) -> None:
    """Judge params.yaml before any work. Keys, values, components and their options, the search space."""
    from nnops import params as params_file
    from nnops.judge import judge

    params = params_file.load(params_file.FILE, sets or ())
    with waiting("looking at the data ..."):
        judge(params)
    if as_json:
        print_json({"ok": True, "params": params.record()})
    else:
        typer.echo(f"{params_file.FILE}: all good ({len(params_file.flatten(params.record()))} keys).")


@app.command()
def show(sets: Sets = None, as_json: Json = False) -> None:
    """Print the params with every default filled in."""
    from nnops import params as params_file

    params = params_file.load(params_file.FILE, sets or ())
    if as_json:
        print_json(params.whole())
        return
    typer.echo(params_file.dump(params.whole()), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON schema of params.yaml, for editors."""
    from nnops.params import schema

    print_json(schema())
