"""The demo: the whole of the main job in one folder, by the commands that a person would type."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nnops.cli.scaffold import Project, mark_demo, write_project
from nnops.errors import InputError, NnopsError
from nnops.files import read_json

STEPS = (
    ("dvc repro", "prepare, train, evaluate, compress and register a first model"),
    ("nnops sweep start", "search a better one on Ray Tune with Optuna"),
    ("nnops sweep apply", "write the best configuration into params.yaml"),
    ("dvc repro", "make that model, to the bit"),
)


def run_demo(folder: Path, trials: int) -> None:
    """Run the demo in ``folder``.

    Raises:
        InputError: The folder holds something that is not a demo.
        NnopsError: A command failed.
    """
    console = Console(highlight=False)
    if folder.exists() and any(folder.iterdir()):
        if not (folder / ".nnops" / "demo.json").exists():
            raise InputError(f"{folder} holds something else than a demo; write 'nnops demo OTHER_FOLDER'.")
        shutil.rmtree(folder)
    console.print(f"[bold]The main job on scikit-learn's digits, in {folder}/[/bold] (1,797 images of 8x8 pixels)")
    for number, (command, what) in enumerate(STEPS, start=1):
        console.print(f"  {number}. [cyan]{command:<18}[/cyan] {what}")
    console.print(f"It takes about 2 minutes on 2 cores; the sweep has {trials} trials.\n")

    start_s = time.monotonic()
    mark_demo(folder)
    write_project(folder, _project())
    _say(console, 1, "dvc repro")
    _run(folder, "dvc", "repro", "--quiet")
    before = _numbers(folder)
    _say(console, 2, f"nnops sweep start digits --trials {trials} --engine ray")
    _run(folder, "nnops", "sweep", "start", "digits", "--trials", str(trials), "--engine", "ray")
    _say(console, 3, "nnops sweep apply digits")
    _run(folder, "nnops", "sweep", "apply", "digits")
    _say(console, 4, "dvc repro")
    _run(folder, "dvc", "repro", "--quiet")
    after = _numbers(folder)

    console.print()
    console.print(_table(before, after))
    console.print(_verdict(folder))
    console.print(f"Done in {time.monotonic() - start_s:.0f} s. See the runs, the sweep and the model:\n")
    nnops = os.path.relpath(Path(sys.executable).parent / "nnops", folder)
    console.print(f"  [bold]cd {folder} && {nnops} ui[/bold]", soft_wrap=True)


def _project() -> Project:
    data = {"source": {"name": "sklearn", "options": {"set": "digits"}}, "target": "target"}
    comments = {"source": "1,797 images of 8x8 pixels, 10 classes"}
    return Project("digits", data, comments, "multiclass", image=False, rows=1797, gate=("accuracy >= 0.95",))


def _say(console: Console, number: int, command: str) -> None:
    console.print(f"[dim]{number}/{len(STEPS)}[/dim] [cyan]{command}[/cyan]")


def _run(folder: Path, *command: str) -> None:
    scripts = str(Path(sys.executable).parent)
    env = os.environ | {"PATH": scripts + os.pathsep + os.environ.get("PATH", "")}
    done = subprocess.run([str(Path(scripts) / command[0]), *command[1:]], cwd=folder, env=env, check=False)
    if done.returncode != 0:
        raise NnopsError(f"'{' '.join(command)}' in {folder} ended with exit code {done.returncode}.")


def _numbers(folder: Path) -> dict[str, float]:
    artifacts = folder / "artifacts"
    return read_json(artifacts / "evaluate" / "metrics.json") | read_json(artifacts / "compress" / "metrics.json")


def _table(before: dict[str, float], after: dict[str, float]) -> Table:
    table = Table(title="digits", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("sweep")
    table.add_column("model")
    for name in ("val accuracy", "test accuracy", "KiB", "1 row, ms", "256 rows, ms"):
        table.add_column(name, justify="right")
    for moment, numbers in (("before", before), ("after", after)):
        for variant, label in (("onnx_fp32", "fp32"), ("onnx_int8", "int8")):
            if f"{variant}.size_bytes" not in numbers:
                continue
            table.add_row(
                moment,
                label,
                f"{numbers[f'{variant}.val.accuracy']:.4f}",
                f"{numbers[f'{variant}.test.accuracy']:.4f}",
                f"{numbers[f'{variant}.size_bytes'] / 1024:.1f}",
                f"{numbers[f'{variant}.latency_p50_ms']:.3f}",
                f"{numbers[f'{variant}.batch_latency_p50_ms']:.3f}",
            )
    return table


def _verdict(folder: Path) -> str:
    """Whether the pipeline made the sweep's winner again to the bit, from the records of both."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "nnops"), "sweep", "show", "digits", "--json"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    import json

    study: dict[str, Any] = json.loads(done.stdout)
    sweep_hash = study["best"]["weights_sha256"]
    pipeline_hash = read_json(folder / "artifacts" / "train" / "model.json")["weights_sha256"]
    if sweep_hash == pipeline_hash:
        return f"The pipeline's weights are the winning trial's, to the bit (sha256 {pipeline_hash[:12]})."
    return f"The pipeline's weights ({pipeline_hash[:12]}) are not the winning trial's ({sweep_hash[:12]})."
