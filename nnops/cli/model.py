"""``nnops model``: the registry, and answers for raw rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnops.cli.explain import explain
from nnops.cli.option import Json, print_json
from nnops.number import short

if TYPE_CHECKING:
    from nnops.params import Params
    from nnops.registry.bundle import Bundle
    from nnops.registry.store import Registry
    from nnops.registry.version import Version

app = typer.Typer(help="The model registry, and answers for raw rows.", no_args_is_help=True)
app.command("explain")(explain)

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
    """Show a version: its numbers, lineage and the gate's verdict."""
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
            numbers.add_row(name, short(bundle.metrics[name], 6))
    _print(numbers)
    if not verdict.get("results"):
        typer.echo("gate: no conditions were set")
    for result in verdict.get("results", []):
        typer.echo(f"gate: {result['condition']}  {'holds' if result['passed'] else 'FAILS'}  ({result['value']})")


@app.command()
def lineage(
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="NAME@ALIAS, NAME/NUMBER or NAME.")] = None,
    data: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Every model made from this file of data instead.")
    ] = None,
    figure: Annotated[Path | None, typer.Option("--figure", metavar="FILE", help="Draw it to this PNG.")] = None,
    as_json: Json = False,
) -> None:
    """Say where a model came from, data to alias with hashes, or which models came from a file."""
    from nnops.errors import InputError
    from nnops.reproduce.lineage import descendants, trace

    if (model is None) == (data is None):
        raise InputError("name a model, as in 'nnops model lineage digits@champion', or a file with --from FILE.")
    if figure is not None and (data is not None or figure.suffix != ".png" or not figure.parent.is_dir()):
        raise InputError(f"--figure {figure}: draws one model to a .png file in a folder that exists.")
    found = [trace(model, _params(), Path())] if model is not None else descendants(data or Path(), _params(), Path())
    if figure is not None:
        from nnops.figure import save_png
        from nnops.reproduce.figure import draw_lineage

        save_png(draw_lineage(found[0]), figure)
    if as_json:
        records = [each.to_json() for each in found]
        print_json(records[0] if model is not None else records)
        return
    if not found:
        typer.echo(f"no model was made from a file of the content of {data}.")
    for place, each in enumerate(found):
        typer.echo("\n".join([*([""] if place else []), f"{each.model}", *each.lines()]))
    if figure is not None:
        typer.echo(f"figure -> {figure}")


@app.command()
def card(
    model: Reference,
    form: Annotated[str, typer.Option("--as", metavar="markdown|html", help="How it is written.")] = "markdown",
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file.")] = None,
) -> None:
    """The model's card, from its record: purpose, data, numbers, groups, robustness, limits, lineage."""
    import json

    from nnops.errors import InputError
    from nnops.registry.card import FIGURES, build_card
    from nnops.tracking.runs import Runs

    if form not in ("markdown", "html"):
        raise InputError(f"--as: must be markdown or html, got '{form}'.")
    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {out.parent}; make it, or choose another.")
    registry = _registry()
    version = registry.find(model)
    bundle = registry.fetch(version)
    runs = Runs(_params(), Path())
    run = runs.of(bundle.lineage["fingerprint"])
    taken = {name: runs.file(run.run_id, f"evaluate/figures/{name}.png") for name in FIGURES} if run else {}
    figures = {name: data for name, data in taken.items() if data}
    tags = version.tags
    known = {"version": version.reference, "aliases": " and ".join(version.aliases)}
    known |= {"commit": tags.get("git.commit", ""), "reproduced": tags.get("nnops.reproduced", "")}
    made = build_card(bundle, json.loads(tags.get("nnops.verdict", "{}")), figures, known)
    text = made.html() if form == "html" else made.markdown()
    if out is None:
        typer.echo(text, nl=False)
        return
    from nnops.files import write_bytes

    write_bytes(out, text.encode())
    typer.echo(f"card of {version.reference} -> {out}")


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
def fetch(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="NAME@ALIAS, NAME/NUMBER or NAME.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for its bundle.")],
) -> None:
    """Copy a version's bundle out of the registry, to serve it or to begin another training with its weights."""
    import shutil

    from nnops.errors import InputError
    from nnops.registry.store import open_bundle

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} must be a new or an empty folder, but there is something in it; choose another.")
    bundle = open_bundle(model, _params(), Path())
    shutil.copytree(bundle.folder, folder, dirs_exist_ok=True)
    typer.echo(f"{model} ({bundle.variant}, {bundle.hash[:12]}) -> {folder}")


@app.command()
def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="NAME@ALIAS, NAME/NUMBER, NAME or a bundle's folder.")],
    rows: Annotated[Path, typer.Argument(metavar="FILE", help="Raw rows: CSV, Parquet, JSON lines, NPZ, images, WAV.")],
    beam: Annotated[int, typer.Option("--beam", help="Sequences: beginnings of an answer kept at each step.")] = 1,
    length_penalty: Annotated[
        float, typer.Option("--length-penalty", help="Sequences, with --beam: 0 favours short answers.")
    ] = 1.0,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the answers to this CSV file; of a segmentation a folder, for masks."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer raw rows: classes with probabilities, or values; of texts other texts, or how surprising they are."""
    from nnops.data.rows import read_rows, row_names
    from nnops.registry.store import open_bundle

    if out is not None and not out.parent.is_dir():
        from nnops.errors import InputError

        raise InputError(f"--out {out}: there is no folder {out.parent}; make it, or choose another.")
    bundle = open_bundle(model, _params(), Path())
    if beam != 1 and bundle.manifest["task"] != "sequence":
        from nnops.errors import InputError

        raise InputError(f"--beam is for sequences, and the task of {bundle.name} is {bundle.manifest['task']}.")
    notes = list[str]()
    raw = read_rows(rows, bundle.schema, notes)
    answers = bundle.predict(raw, beam, length_penalty)
    for note in (*(f"note: {note}" for note in notes), *_unlike_training(bundle, raw, answers)):
        typer.echo(f"nnops: {note}", err=True)
    names = row_names(rows, bundle.schema)
    if names is not None:
        answers.insert(0, "file", names)
    if bundle.manifest["task"] == "segmentation" and out is not None:
        from nnops.data.mask_file import write_masks

        named = names or ([rows.name] if len(answers) == 1 else [f"{row:05}.png" for row in range(len(answers))])
        write_masks(out, named, bundle.segment(raw), bundle.schema["values"])
        typer.echo(f"{len(answers)} masks -> {out}")
        return
    if as_json:
        print_json(answers.to_dict(orient="records"))
    elif out is not None:
        from nnops.files import write_bytes

        write_bytes(out, answers.to_csv(index=False).encode())
        typer.echo(f"{len(answers)} answers -> {out}")
    else:
        typer.echo(answers.to_csv(index=False, float_format="%.6g"), nl=False)


@app.command()
def generate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="NAME@ALIAS, NAME/NUMBER, NAME or a bundle's folder.")],
    prompt: Annotated[str, typer.Option("--prompt", help="The text to go on with; without one a text is begun.")] = "",
    tokens: Annotated[int, typer.Option("--tokens", help="Most tokens to add.")] = 100,
    temperature: Annotated[
        float, typer.Option("--temperature", help="Above 1 more daring, below 1 less; 0 takes the likeliest token.")
    ] = 1.0,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Draw from so many of the likeliest tokens.")] = None,
    top_p: Annotated[float, typer.Option("--top-p", help="Draw from the likeliest that make this share.")] = 1.0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same text.")] = 7,
    as_json: Json = False,
) -> None:
    """Go on with a text, by a language model."""
    from nnops.evaluation.sample import Sampling
    from nnops.registry.language import generate as go_on
    from nnops.registry.store import open_bundle

    bundle = open_bundle(model, _params(), Path())
    text = go_on(bundle, prompt, tokens, Sampling(temperature, top_k, top_p), seed)
    if as_json:
        print_json({"prompt": prompt, "text": text, "seed": seed})
    else:
        typer.echo(prompt + text)


def _unlike_training(bundle: "Bundle", rows: Any, answers: Any) -> list[str]:
    """Sentences on what training never showed; the answers get a column that names its columns, row by row."""
    from pandas import DataFrame

    if not isinstance(rows, DataFrame):
        return []
    unseen, beyond = bundle.preprocess.unseen(rows), bundle.outside(rows)
    notes: list[str] = []
    for name, words in unseen.items():
        new = sorted(set(words.values()))
        shown = ", ".join(f"'{word}'" for word in new[:3]) + (", ..." if len(new) > 3 else "")
        notes.append(f"note: column '{name}' has {shown}, which training never showed; that counts as unknown.")
    notes += [f"note: {one.sentence(name)}" for name, one in beyond.items()]
    if notes:
        places = {name: set(words) for name, words in unseen.items()}
        places |= {name: set(one.places) for name, one in beyond.items()}
        answers["outside"] = [
            "|".join(name for name, own in places.items() if row in own) for row in range(len(answers))
        ]
    return notes


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
