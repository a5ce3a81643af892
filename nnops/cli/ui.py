"""``nnops ui``: the MLflow UI on the right store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nnops.params import Params


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 5000,
) -> None:
    """Open the MLflow UI on this project's runs, sweeps and models (http://127.0.0.1:PORT)."""
    import socket
    import subprocess

    from nnops import params as params_file
    from nnops.errors import InputError
    from nnops.tracking.spool import wake_leftovers
    from nnops.tracking.ui import ui_command, ui_environment

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
    raise SystemExit(subprocess.run(command, env=ui_environment(), check=False).returncode)


def _address(params: "Params", port: int) -> str:
    """The page with this project's runs; MLflow's own first page is made for something else."""
    from nnops.tracking.index import open_index

    experiment = open_index(params, Path()).experiment_id
    page = f"/#/experiments/{experiment}/runs?workflowType=machine_learning" if experiment else ""
    return f"http://127.0.0.1:{port}{page}"
