"""``nnops init`` and ``nnops demo``: projects from nothing."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    data: Annotated[Path, typer.Option("--data", help="A CSV, Parquet, NPZ or IDX file, or a folder of images.")],
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The project's folder.")] = Path(),
    target: Annotated[str | None, typer.Option("--target", help="The column to predict.")] = None,
    test: Annotated[Path | None, typer.Option("--test", help="A separate file of test rows.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The model's name in the registry.")] = None,
) -> None:
    """Make a project around your data: params.yaml, dvc.yaml, pipelines/ and what git and DVC need."""
    from nnops.cli.scaffold import Project, copy_data, write_project
    from nnops.data.infer import infer_file
    from nnops.errors import InputError

    for existing in ("params.yaml", "dvc.yaml", "pipelines"):
        if (folder / existing).exists():
            raise InputError(f"{folder / existing} exists; choose another folder, nothing was changed.")
    suggested = infer_file(data, target, test)
    section = suggested.data
    for key in ("source", "test"):
        options = (section.get(key) or {}).get("options", {})
        for option in ("path", "images", "labels"):
            if option in options:
                options[option] = copy_data(Path(options[option]), folder)
    project = Project(
        name=name or _model_name(folder, data),
        data=section,
        comments=suggested.comments,
        task=suggested.task,
        image=suggested.image,
        rows=suggested.rows,
    )
    write_project(folder, project)
    kinds = section.get("kinds") or {}
    counted = ", ".join(f"{list(kinds.values()).count(kind)} {kind}" for kind in dict.fromkeys(kinds.values()))
    typer.echo(f"{suggested.task}, target '{section.get('target')}'" + (f"; columns: {counted}" if counted else ""))
    typer.echo(f"wrote params.yaml, dvc.yaml and pipelines/ in {folder.resolve().name}/")
    typer.echo("next: " + (f"cd {folder} && " if folder != Path() else "") + "dvc repro")


def _model_name(folder: Path, data: Path) -> str:
    import re

    word = folder.resolve().name if folder != Path() else data.name.split(".")[0]
    word = re.sub(r"[^A-Za-z0-9_.-]+", "-", word).strip("-.")
    return word or "model"


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Replaced by the next demo.")] = Path("demo"),
    trials: Annotated[int, typer.Option(min=4, max=1000, help="Trials of the sweep.")] = 24,
) -> None:
    """The main job on scikit-learn's digits: pipeline, sweep on Ray Tune, best config applied, pipeline again."""
    from nnops.cli.demo import run_demo

    run_demo(folder, trials)
