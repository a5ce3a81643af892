"""``nnops folds``: cross-validation."""

from pathlib import Path
from typing import Annotated

import typer

from nnops.cli.option import Json, Sets, print_json


def folds(
    count: Annotated[int | None, typer.Option("--folds", min=2, help="How many; else data.split.folds, or 5.")] = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Train the model once for each fold and print mean and spread. Stratified and grouped as data.split.by says."""
    from nnops.evaluation.folds import cross_validate
    from nnops.params import FILE, load

    params = load(FILE, sets or ())
    number = count or params.data.split.folds or 5

    def tell(fold: int, value: float) -> None:
        if not as_json:
            typer.echo(f"fold {fold + 1} of {number}: {value:.4g}")

    found = cross_validate(params, number, Path(), tell)
    if as_json:
        print_json(found.to_json())
        return
    typer.echo(f"{found.split} of {number} folds, mean and deviation:")
    width = max(len(name) for name in found.values)
    for name, (mean, std) in found.spread.items():
        low, high = min(found.values[name]), max(found.values[name])
        typer.echo(f"  {name:<{width}}  {mean:.4g} ± {std:.2g}  ({low:.4g} to {high:.4g})")
