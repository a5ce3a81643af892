"""``nnops model``: the registry, and answers for raw rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnops.cli.option import Json, print_json

if TYPE_CHECKING:
    from nnops.params import Params
    from nnops.registry.store import Registry
    from nnops.registry.version import Version

app = typer.Typer(help="The model registry, and answers for raw rows.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="MODEL", help="NAME@ALIAS, NAME/NUMBER or NAME (its champion).")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A registered model.")]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List registered models, their newest version and their aliases."""
    registry = _registry()
    models = [registry.model(name) for name in registry.names()]
    if as_json:
        print_json([{"name": model.name, "versions": [v.to_json() for v in model.versions]} for model in models])
        return
    if not models:
        typer.echo("no models yet; 'dvc repro' registers one.")
        return
    from rich.table import Table

    columns = ("model", "versions", "champion", "challenger", "served as")
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for model in models:
        alias = {name: f"{number}" for name, number in model.aliases.items()}
        served = next((v.tags.get("nnops.variant", "") for v in model.versions if "champion" in v.aliases), "")
        table.add_row(
            model.name, str(len(model.versions)), alias.get("champion", "-"), alias.get("challenger", "-"), served
        )
    _print(table)


@app.command()
def show(model: Reference, as_json: Json = False) -> None:
    """Show a version: what it is, its numbers, its lineage and the gate's verdict."""
    import json

    registry = _registry()
    version = registry.find(model)
    bundle = registry.fetch(version)
    verdict = json.loads(version.tags.get("nnops.verdict", "{}"))
    if as_json:
        record = version.to_json() | {"metrics": bundle.metrics, "lineage": bundle.lineage, "verdict": verdict}
        print_json(record)
        return
    from rich.table import Table

    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    typer.echo(f"{version.reference}{aliases}: {bundle.manifest['task']}, served as {bundle.variant}")
    table = Table("", "", show_header=False, box=None, pad_edge=False)
    for key in ("fingerprint", "data_hash", "weights_sha256", "seed"):
        if key in bundle.lineage:
            table.add_row(key, str(bundle.lineage[key]))
    table.add_row("bundle", bundle.hash)
    table.add_row("run", version.run_id or "not known")
    _print(table)
    numbers = Table("metric", "value", box=None, padding=(0, 2, 0, 0))
    numbers.columns[1].justify = "right"
    for name in sorted(bundle.metrics):
        if name.startswith(("test.", f"{bundle.variant}.")):
            numbers.add_row(name, f"{bundle.metrics[name]:.6g}")
    _print(numbers)
    for result in verdict.get("results", []):
        typer.echo(f"gate: {result['condition']}  {'holds' if result['passed'] else 'FAILS'}  ({result['value']})")


@app.command()
def promote(model: Reference, as_json: Json = False) -> None:
    """Make a version champion; refused unless the gate let it through."""
    version = _registry().promote(model)
    _say(version, f"{version.reference} is champion.", as_json)


@app.command()
def rollback(name: Name, as_json: Json = False) -> None:
    """Make the champion before the present one champion again."""
    version = _registry().rollback(name)
    _say(version, f"{version.reference} is champion again.", as_json)


@app.command()
def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="NAME@ALIAS, NAME/NUMBER, NAME or a bundle's folder.")],
    rows: Annotated[Path, typer.Argument(metavar="FILE", help="Raw rows: CSV, Parquet, NPZ, or a folder of images.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write the answers to this CSV file.")] = None,
    as_json: Json = False,
) -> None:
    """Answer raw rows: classes with probabilities, or values."""
    from nnops.data.rows import read_rows
    from nnops.registry.store import open_bundle

    bundle = open_bundle(model, _params(), Path())
    answers = bundle.predict(read_rows(rows, bundle.schema))
    if as_json:
        print_json(answers.to_dict(orient="records"))
    elif out is not None:
        from nnops.files import write_bytes

        write_bytes(out, answers.to_csv(index=False).encode())
        typer.echo(f"{len(answers)} answers -> {out}")
    else:
        typer.echo(answers.to_csv(index=False), nl=False)


def _params() -> "Params":
    """The project's params; a folder without params.yaml has the defaults, which name the local registry."""
    from nnops import params as params_file

    return params_file.load() if params_file.FILE.exists() else params_file.parse({})


def _registry() -> "Registry":
    from nnops.registry.store import Registry

    return Registry(_params(), Path())


def _say(version: "Version", sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(version.to_json())
    else:
        typer.echo(sentence)


def _print(table: object) -> None:
    from rich.console import Console

    Console(highlight=False).print(table)
