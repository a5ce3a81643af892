"""Options and output that commands share."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Lay a value over params.yaml; may be given many times."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def print_json(record: Any) -> None:
    """Print one JSON document on standard output; numbers that JSON cannot say become null."""
    json.dump(_finite(record), sys.stdout, indent=2, sort_keys=True, ensure_ascii=False)
    sys.stdout.write("\n")


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show on a terminal that something takes its time."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text, spinner_style="dim"):
        yield


def _finite(record: Any) -> Any:
    if isinstance(record, dict):
        return {key: _finite(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [_finite(value) for value in record]
    if isinstance(record, float) and (record != record or record in (float("inf"), float("-inf"))):
        return None
    return record
