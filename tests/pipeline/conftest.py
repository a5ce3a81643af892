"""Real projects in temporary folders, run by the commands that a person types."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


class Shell:
    """Runs commands as a person does who activated the virtual environment."""

    scripts = Path(sys.executable).parent

    def __init__(self) -> None:
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "NNOPS_", "PYTEST_"))}
        path = f"{self.scripts}{os.pathsep}{os.environ['PATH']}"
        self.environment = keep | {"PATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "160"}

    def run(
        self, folder: Path, *command: str, code: int | None = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a folder and expect its exit code."""
        done = subprocess.run(
            [str(self.scripts / command[0]), *command[1:]],
            cwd=folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if code is not None:
            assert done.returncode == code, f"{command} gave {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, folder: Path, *command: str) -> subprocess.Popen[bytes]:
        """Start a command as the head of its own process group."""
        return subprocess.Popen(
            [str(self.scripts / command[0]), *command[1:]],
            cwd=folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """kill -9 of the whole process group."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="session")
def shell() -> Shell:
    return Shell()


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file with numbers, words and gaps, made from scikit-learn's breast cancer set."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer(as_frame=True)
    frame = bunch.frame.iloc[:, :6].copy()
    frame["size"] = ["large" if area > 600 else "small" for area in bunch.frame["mean area"]]
    frame["outcome"] = [bunch.target_names[code] for code in bunch.frame["target"]]
    frame.loc[::17, "mean radius"] = None
    path = tmp_path_factory.mktemp("data") / "tumours.csv"
    frame.to_csv(path, index=False)
    return path
