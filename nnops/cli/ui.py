"""``nnops ui``: the MLflow UI, or Optuna's dashboard, on the right store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nnops.params import Params


def ui(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port on this machine; else 5000, with --studies 8080.")
    ] = None,
    studies: Annotated[bool, typer.Option("--studies", help="Open optuna-dashboard on the studies instead.")] = False,
) -> None:
    """Open the MLflow UI on this project. Runs, sweeps and models, at http://127.0.0.1:PORT."""
    if studies:
        _studies(8080 if port is None else port)
    else:
        _mlflow(5000 if port is None else port)


def _studies(port: int) -> None:
    """Serve the dashboard in this process, so that it ends with it."""
    import signal
    import sys

    from nnops.sweep.dashboard import serve

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    serve(Path(), port, lambda: typer.echo(f"studies: http://127.0.0.1:{port}/dashboard  (Ctrl-C ends it)"))


def _mlflow(port: int) -> None:
    import contextlib
    import os
    import signal
    import socket
    import subprocess
    import sys

    from nnops import params as params_file
    from nnops.errors import InputError
    from nnops.tracking.spool import wake_leftovers
    from nnops.tracking.ui import ui_command, ui_environment

    if not any(map(Path.exists, (params_file.FILE, Path("mlflow.db"), Path("mlruns")))):
        raise InputError(f"there is no project in {Path().absolute()}; go to the folder of its params.yaml.")
    params = params_file.load() if params_file.FILE.exists() else params_file.parse({})
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(f"port {port} is taken; write 'nnops ui --port {port + 1}'.") from error
    wake_leftovers(Path())
    command = ui_command(params, Path(), port)
    typer.echo(f"MLflow: {_address(params, port)}  (Ctrl-C ends it)")
    # MLflow leaves its workers behind when it is told to end, so all of them are told.
    server = subprocess.Popen(command, env=ui_environment(params, Path()), start_new_session=True)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        raise SystemExit(server.wait())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _address(params: "Params", port: int) -> str:
    """The page with this project's runs; MLflow's own first page is made for something else."""
    from nnops.tracking.index import open_index

    experiment = open_index(params, Path()).experiment_id
    page = f"/#/experiments/{experiment}/runs?workflowType=machine_learning" if experiment else ""
    return f"http://127.0.0.1:{port}{page}"
