"""Execute a notebook where no Jupyter is installed: ``python examples/execute.py examples/study.ipynb``.

A notebook is JSON, and its cells are Python; running them in order and keeping what the last expression of each shows
takes these lines, where nbclient would bring twenty packages and a kernel. Cells run in an empty folder.
"""

import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def execute(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of its code cells; the first error ends it."""
    space: dict[str, Any] = {"__name__": "__main__"}
    cells: list[dict[str, Any]] = []
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            cells.append(cell)
            continue
        count += 1
        cells.append(cell | {"execution_count": count, "outputs": _run("".join(cell["source"]), space, count)})
    return notebook | {"cells": cells}


def show(value: Any) -> dict[str, Any]:
    """A value in every form that a notebook shows."""
    data: dict[str, Any] = {"text/plain": repr(value).splitlines(keepends=True)}
    html = value._repr_html_() if hasattr(value, "_repr_html_") else None
    if html is not None:
        data["text/html"] = html.splitlines(keepends=True)
    if hasattr(value, "_repr_png_"):
        data["image/png"] = base64.b64encode(value._repr_png_()).decode()
    return data


def _run(source: str, space: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Run a cell; what it prints, and what its last line gives."""
    tree = ast.parse(source, f"cell {count}")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    outputs: list[dict[str, Any]] = []
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {count}", "exec"), space)
        value = eval(compile(ast.Expression(last.value), f"cell {count}", "eval"), space) if last else None
    if printed.getvalue():
        outputs.append(
            {"name": "stdout", "output_type": "stream", "text": printed.getvalue().splitlines(keepends=True)}
        )
    if value is not None:
        outputs.append({"data": show(value), "execution_count": count, "metadata": {}, "output_type": "execute_result"})
    return outputs


def main(path: Path) -> None:
    """Execute a notebook and write its outputs into it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            done = execute(notebook)
        finally:
            os.chdir(before)
    path.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
