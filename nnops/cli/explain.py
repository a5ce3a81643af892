"""``nnops model explain``: why a model answers what it answers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnops.cli.option import Json, print_json, waiting

if TYPE_CHECKING:
    from nnops.evaluation.explain.base import Explanation
    from nnops.evaluation.explain.subject import Kind, Subject
    from nnops.params import Params

#: Rows that are explained unless a person says more.
ROWS: "dict[Kind, int]" = {"image": 8, "series": 6, "table": 100, "text": 12}
#: Lines of the table on the terminal.
LINES = 10


def explain(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="NAME@ALIAS, NAME/NUMBER, NAME or a bundle's folder; without one what is in artifacts.",
        ),
    ] = None,
    rows: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Raw rows to explain, as 'predict' takes them; else of test.")
    ] = None,
    method: Annotated[str | None, typer.Option("--method", help="How; without one what fits the data best.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="An option of it; may be given many times."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option("--rows", metavar="N", help="Explain N rows: the first of FILE, or from all over test."),
    ] = None,
    answer: Annotated[
        str | None, typer.Option("--answer", help="The class, label or target explained; else the likeliest, or yes.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where to; else explanation/METHOD.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say why a model answers what it answers: numbers, figures, and how far they can be trusted."""
    from nnops.errors import InputError
    from nnops.evaluation.explain.explain import DEFAULT, build_method, kind_of
    from nnops.evaluation.explain.explain import explain as run
    from nnops.evaluation.explain.write import write_explanation

    if count is not None and count < 1:
        raise InputError(f"--rows must be at least 1, got {count}.")
    if out is not None and (out.is_file() or not out.parent.is_dir()):
        raise InputError(f"--out {out}: must be a folder, or a new one in a folder that exists.")
    if model is not None and rows is None and Path(model).is_file():
        model, rows = None, Path(model)
    source = _Source.find(model)
    kind = kind_of(source.trained.spec)
    asked = build_method(method, _options(option or []), kind)
    name = method or DEFAULT[kind]
    subject, notes = source.subject(rows, count or ROWS[kind], answer)
    with waiting(f"{name} ..."):
        found = run(subject, asked)
    folder = out or Path("explanation") / name
    record = write_explanation(folder, subject, found, name, asked.model_dump(mode="json"))
    for note in notes:
        typer.echo(f"nnops: note: {note}", err=True)
    if as_json:
        print_json({**record, "model": source.name, "folder": str(folder)})
        return
    _show(source.name, name, subject, found, record)
    typer.echo(f"figures and numbers -> {folder}")


class _Source:
    """Where a trained network comes from.

    Args:
        name: How it is called.
        folder: Of model.safetensors and model.json.
        fitted: The folder of its preprocess.json and schema.json.
        metric: What it is judged by, or None.
        seed: Of its record.
    """

    def __init__(self, name: str, folder: Path, fitted: Path, metric: str | None, seed: int) -> None:
        from nnops.training.artifact import read_model

        self.name, self.fitted, self.metric, self.seed = name, fitted, metric, seed
        self.trained = read_model(folder)

    @classmethod
    def find(cls, reference: str | None) -> "_Source":
        """A version, a bundle, or what the pipeline of this folder left."""
        params = _params()
        if reference is None:
            stages = Path("artifacts")
            metrics = params.evaluate.metrics
            return cls("artifacts/train", stages / "train", stages / "prepare", next(iter(metrics), None), params.seed)
        from nnops.registry.store import open_bundle

        bundle = open_bundle(reference, params, Path())
        metrics = bundle.lineage["params"].get("evaluate", {}).get("metrics", ())
        return cls(reference, bundle.folder, bundle.folder, next(iter(metrics), None), bundle.lineage["seed"])

    def subject(self, file: Path | None, count: int, answer: str | None) -> "tuple[Subject, list[str]]":
        """What is explained, and what a person should know of its rows."""
        from nnops.data.prepared import Prepared
        from nnops.data.rows import read_rows
        from nnops.evaluation.explain.gather import gather, read_fitted
        from nnops.files import read_json

        prepared = Path("artifacts") / "prepare"
        data = Prepared.open(prepared) if (prepared / "schema.json").exists() else None
        known = data is not None and data.hash == self.trained.record["data_hash"]
        notes: list[str] = []
        raw = read_rows(file, read_json(self.fitted / "schema.json"), notes) if file is not None else None
        if raw is not None and not known:
            notes.append(
                "the data of its training are not in artifacts/prepare, so rows are compared with one another."
            )
        subject = gather(
            self.trained,
            read_fitted(self.fitted),
            seed=self.seed,
            data=data,
            raw=raw,
            rows=count,
            answer=answer,
            metric=self.metric,
        )
        return subject, notes


def _options(words: list[str]) -> dict[str, Any]:
    """``KEY=VALUE`` as options, values read as YAML."""
    from nnops.errors import InputError, ParamsError
    from nnops.params import parse_set

    try:
        return dict(parse_set(word) for word in words)
    except ParamsError as error:
        raise InputError(str(error).replace("--set", "--option")) from error


def _show(model: str, method: str, subject: "Subject", found: "Explanation", record: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    # Importances, curves and channels are of the model as a whole.
    of = "the model" if found.form in ("importance", "curves", "channels") else f"{len(subject)} rows"
    typer.echo(f"{model} explained by {method}: {found.unit}, {of}")
    if record["most"]:
        words = {"importance": "drop", "curves": "reach"}
        table = Table("column", words.get(found.form, "mean size"), box=None, padding=(0, 2, 0, 0))
        bounded = found.form == "importance"
        if bounded:
            table.add_column("low")
            table.add_column("high")
        for column in table.columns[1:]:
            column.justify = "right"
        for one in record["most"][:LINES]:
            bounds = [f"{one[key]:.4g}" for key in ("low", "high")] if bounded else []
            table.add_row(one["column"], f"{one['value']:.4g}", *bounds)
        Console(highlight=False).print(table)
    elif found.score_N is not None:
        table = Table("row", "answer", "score", *(["most"] if subject.tokens else []), box=None, padding=(0, 2, 0, 0))
        for row, score in enumerate(found.score_N[:LINES]):
            words = subject.tokens[row] if subject.tokens else ()
            order = sorted(range(len(words)), key=lambda place: -abs(found.value[row, place]))
            most = [", ".join(words[place] for place in order[:4])] if words else []
            table.add_row(str(subject.number_N[row]), subject.answers[subject.choice_N[row]], f"{score:.3g}", *most)
        Console(highlight=False).print(table)
    for note in found.notes:
        typer.echo(f"{note}.")


def _params() -> "Params":
    """The project's params; a folder without params.yaml has the defaults, which name the local registry."""
    from nnops import params as params_file

    return params_file.load() if params_file.FILE.exists() else params_file.parse({})
