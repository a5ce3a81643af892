"""``nnops init`` and ``nnops demo``: projects from nothing."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder.")] = Path(),
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="A CSV, Parquet, JSON lines, NPZ, IDX or text file, or a folder of images, WAV files or texts.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", help="The column to predict; or several, A,B: labels of 0 and 1, or of a series."),
    ] = None,
    test: Annotated[Path | None, typer.Option("--test", help="A separate file of test rows.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The model's name in the registry.")] = None,
    drop: Annotated[str | None, typer.Option("--drop", help="Columns that are not to be learned from, A,B.")] = None,
    time: Annotated[str | None, typer.Option("--time", help="The rows are steps of a series; their time.")] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="language_model or sequence, for texts; others are found.")
    ] = None,
    group: Annotated[str | None, typer.Option("--group", help="The column that tells several series apart.")] = None,
    groups: Annotated[
        str | None, typer.Option("--groups", help="Columns whose groups are compared, A,B: is the model fair to them?")
    ] = None,
    edges: Annotated[
        Path | None, typer.Option("--edges", help="A table whose first two columns name rows that are joined.")
    ] = None,
) -> None:
    """Make a project around your data. Writes params.yaml, dvc.yaml, pipelines/ and what git and DVC need."""
    from nnops.cli.scaffold import Project, copy_data, write_project
    from nnops.data.infer import infer_file
    from nnops.data.infer_text import infer_texts, is_corpus
    from nnops.data.reader import PLACES
    from nnops.errors import InputError

    for existing in ("params.yaml", "dvc.yaml", "pipelines"):
        if (folder / existing).exists():
            raise InputError(f"{folder / existing} exists; choose another folder, nothing was changed.")
    refuse_file(folder)
    if data is None:
        raise InputError("a project is made around data; write 'nnops init [DIR] --data FILE --target COLUMN'.")
    if groups is not None and (time is not None or task is not None):
        raise InputError("--groups are columns of a table with one target a row; leave it out with --time and --task.")
    if edges is not None and (time is not None or task is not None):
        raise InputError("--edges join the rows of a table; leave it out with --time and --task.")
    if time is not None:
        from nnops.data.infer_series import infer_series

        if task is not None:
            raise InputError(
                "--task is for texts, and --time says that the rows are steps of a series; write one of them."
            )
        if test is not None:
            raise InputError("--test: a series is split by time; leave it out and set data.series.borders.")
        suggested = infer_series(data, time, group, _names(target), _names(drop))
    elif task is not None or (target is None and is_corpus(data)):
        suggested = infer_texts(task or "language_model", data, target, test)
    elif group is not None:
        raise InputError("--group tells several series apart; name the time of their steps, too, with --time COLUMN.")
    else:
        suggested = infer_file(data, target, test, _names(drop), _names(groups), edges)
    section, used = suggested.data, list[str]()
    for named in (section.get("source"), section.get("test"), (section.get("edges") or {}).get("source")):
        options = (named or {}).get("options", {})
        for option in PLACES:
            if option in options:
                options[option] = copy_data(Path(options[option]), folder)
                used.append(options[option] + (", copied" if options[option].startswith("data/") else ", where it is"))
    project = Project(
        name=name or _model_name(folder, data),
        data=section,
        comments=suggested.comments,
        task=suggested.task,
        image=suggested.image,
        rows=suggested.rows,
        lonely=suggested.lonely,
    )
    write_project(folder, project)
    kinds = section.get("kinds") or {}
    counted = ", ".join(f"{list(kinds.values()).count(kind)} {kind}" for kind in dict.fromkeys(kinds.values()))
    answers = section.get("target")
    answers = " and ".join(answers) if isinstance(answers, list) else answers
    what = suggested.comments["source"]
    if counted and not section.get("series"):
        what = f"target '{answers}'; columns: {counted}"
    typer.echo(f"{suggested.task} ({suggested.comments['task']}), {what}")
    typer.echo(f"wrote params.yaml, dvc.yaml and pipelines/ in {folder.resolve().name}/; data: {', '.join(used)}")
    typer.echo("next: " + (f"cd {folder} && " if folder != Path() else "") + "dvc repro")


def refuse_file(folder: Path) -> None:
    """Judge where a new project is to be made.

    Raises:
        InputError: A file lies there, or on the way.
    """
    from nnops.errors import InputError

    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not there.is_dir():
        raise InputError(f"{there} is a file, and a project is made in a folder; name another.")


def _names(listed: str | None) -> list[str]:
    return [name.strip() for name in listed.split(",")] if listed else []


def _model_name(folder: Path, data: Path) -> str:
    import re

    word = folder.resolve().name if folder != Path() else data.name.split(".")[0]
    word = re.sub(r"[^A-Za-z0-9_.-]+", "-", word).strip("-.")
    return word or "model"


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Replaced by the next demo.")] = Path("demo"),
    trials: Annotated[int, typer.Option(min=4, max=1000, help="Trials of the sweep.")] = 24,
) -> None:
    """The main job on scikit-learn's digits. Pipeline, sweep on Ray Tune, best config applied, pipeline again."""
    from nnops.cli.demo import run_demo

    refuse_file(folder)
    run_demo(folder, trials)
