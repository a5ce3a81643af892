"""The MLflow UI of a project: how to start it, and links into it."""

import importlib.util
import json
import os
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

from nnops.errors import TrackingError
from nnops.params import Params
from nnops.tracking.address import is_database, sqlite_path, store_uri
from nnops.tracking.database import check_file

PORT = 5000


def ui_command(params: Params, root: Path, port: int = PORT) -> list[str]:
    """The command that shows a project's store, on this machine only; to be run with :func:`ui_environment`.

    One worker is quickest for one person: MLflow's own shape is 15 processes and 2.3 GB, this one is 2 and 0.5 GB.

    Raises:
        ParamsError: The store's address is wrong.
        TrackingError: The store is a server, which has a UI of its own, or a file that is no database, or it cannot
            be made.
    """
    uri = store_uri(params, root)
    if not is_database(uri):
        raise TrackingError(f"the MLflow store is a server; open {uri} in a browser.")
    check_file(uri)
    path = sqlite_path(uri)
    if path is not None and not path.exists():
        from nnops.tracking.border import configure
        from nnops.tracking.database import prepare

        configure()
        prepare(uri, root)
    uvicorn = ["--log-level", "warning"]
    if importlib.util.find_spec("uvloop"):
        uvicorn += ["--loop", "uvloop"]
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--uvicorn-opts", " ".join(uvicorn)]
    # MLflow's own pattern lets any host name that begins like a private address through.
    return [*command, "--allowed-hosts", f"localhost:{port},127.0.0.1:{port}"]


def ui_environment(params: Params, root: Path) -> dict[str, str]:
    """The environment for :func:`ui_command`: the store, no telemetry, no job runners, no warnings to MLflow's authors.

    The store is not in the command, since its address may hold a password and anybody may list commands. Only GenAI
    evaluation needs job runners.
    """
    return {"PYTHONWARNINGS": "ignore", **os.environ} | {
        "MLFLOW_BACKEND_STORE_URI": store_uri(params, root),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def runs_link(base: str, experiment_id: str) -> str:
    """The table of runs, in the UI's mode for model training; it opens in another one by itself.

    >>> runs_link("http://127.0.0.1:5000", "1")
    'http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning'
    """
    return f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs?workflowType=machine_learning"


def run_link(base: str, experiment_id: str, run_id: str) -> str:
    """The page of one run.

    >>> run_link("http://127.0.0.1:5000/", "1", "ab12")
    'http://127.0.0.1:5000/#/experiments/1/runs/ab12?workflowType=machine_learning'
    """
    return f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}?workflowType=machine_learning"


def children_link(base: str, experiment_id: str, run_id: str, metric: str, direction: str) -> str:
    """The curves of the runs under a run, the best by ``metric`` first.

    Args:
        base: The server's address.
        experiment_id: MLflow's id of the experiment.
        run_id: The parent run.
        metric: What they are sorted by.
        direction: ``minimize`` or ``maximize``.
    """
    order = urlencode({"orderByKey": f"metrics.`{metric}`", "orderByAsc": str(direction == "minimize").lower()})
    search = urlencode({"searchFilter": f"tags.mlflow.parentRunId='{run_id}'"}, quote_via=quote)
    return f"{runs_link(base, experiment_id)}&compareRunsMode=CHART&{order}&{search}"


def compare_link(base: str, experiment_id: str, run_ids: list[str]) -> str:
    """Runs of one experiment side by side.

    >>> compare_link("", "1", ["ab", "cd"])
    '/#/compare-runs?runs=%5B%22ab%22%2C%22cd%22%5D&experiments=%5B%221%22%5D&workflowType=machine_learning'
    """
    runs, experiments = (quote(json.dumps(ids, separators=(",", ":"))) for ids in (run_ids, [experiment_id]))
    return f"{base.rstrip('/')}/#/compare-runs?runs={runs}&experiments={experiments}&workflowType=machine_learning"


def view_link(base: str, experiment_id: str, key: str) -> str:
    """The table of runs in a view that was shared.

    >>> view_link("", "1", "s-1")
    '/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=s-1'
    """
    return f"{runs_link(base, experiment_id)}&viewStateShareKey={quote(key, safe='')}"
