"""The world of the chaos benchmark: real processes that are killed, and the ways to kill them."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from nnops.sweep.names import studies

#: Drives a study to its budget, beginning it or going on with it; what it notes goes to a file.
DRIVE = """
import sys
from pathlib import Path
from nnops.errors import NnopsError
from nnops.params import load
from nnops.sweep.run import run_sweep
from nnops.sweep.names import studies
root, address = Path(sys.argv[1]), sys.argv[2] or None
resume = (studies(root) / "s" / "study.json").exists()
notes = (root.parent / "notes").open("a")
def listen(event):
    if event.kind == "note":
        notes.write(event.text + "\\n")
        notes.flush()
try:
    run_sweep(load(root / "params.yaml"), root, "s", on_event=listen, resume=resume, address=address)
except NnopsError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


class World:
    """A project whose sweep is driven by processes that die.

    Args:
        folder: Of this world alone; the project is ``folder/project``.
        record: What params.yaml holds.
        luck: Chooses moments and victims.
    """

    def __init__(self, folder: Path, record: dict[str, Any], luck: random.Random) -> None:
        self.folder, self.root, self.luck = folder, folder / "project", luck
        self.record = record
        self.address = ""
        self.environment = {"NNOPS_TRACKING": "off", "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        self.environment["NNOPS_CHAOS"] = str(folder)
        self.driver: subprocess.Popen[bytes] | None = None
        self.count: Callable[[], int] | None = None
        self.ends: list[Callable[[], object]] = []

    def build(self) -> None:
        """Make the project."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "params.yaml").write_text(json.dumps(self.record))

    def drive(self) -> subprocess.Popen[bytes]:
        """The driver that runs, or a new one."""
        if self.driver is None:
            with (self.folder / "output").open("ab") as output:
                self.driver = subprocess.Popen(
                    [sys.executable, "-c", DRIVE, str(self.root), self.address],
                    env=os.environ | self.environment,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        return self.driver

    def done(self) -> bool:
        """Whether the study has been driven to its end; a driver that failed is forgotten."""
        if self.driver is None or self.driver.poll() is None:
            return False
        over = self.driver.returncode == 0
        self.driver = None
        return over

    def words(self) -> int:
        """How much the record holds."""
        if self.count is not None:
            return self.count()
        journal = studies(self.root) / "s" / "journal.log"
        if not journal.exists():
            return 0
        # What is kept of the study itself, such as the time spent, says nothing of its trials.
        return sum(not line.startswith(b'{"op_code":2,') for line in journal.read_bytes().splitlines())

    def wait(self, words: int, limit_s: float = 60.0) -> None:
        """Until the record has some more words, at most so many, and a random moment more."""
        until, deadline = self.words() + self.luck.randrange(1, words), time.monotonic() + limit_s
        while self.drive().poll() is None and self.words() < until and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(self.luck.uniform(0.0, 0.02))

    def kill_driver(self) -> bool:
        """Kill -9 the driver and all that it started; whether it still ran."""
        driver = self.drive()
        if driver.poll() is not None:
            return False
        family = psutil.Process(driver.pid).children(recursive=True)
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
        self.driver = None
        # Ray's own processes have sessions of their own; without their driver they end by themselves, sooner so.
        for process in family:
            slay(process)
        return True

    def kill_worker(self, titles: tuple[str, ...] = ("SweepTrial.train", "Trainable.train")) -> bool:
        """Kill -9 a process of Ray on this machine whose title ends so; whether there was one."""
        found = [process for process in psutil.process_iter(["pid", "cmdline"]) if _title(process).endswith(titles)]
        mine = [process for process in found if self._owns(process)]
        return bool(mine) and slay(self.luck.choice(mine))

    def close(self) -> None:
        """End all that still runs."""
        if self.driver is not None and self.driver.poll() is None:
            self.kill_driver()
        for end in reversed(self.ends):
            end()

    def _owns(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("NNOPS_CHAOS") == str(self.folder)
        except psutil.Error:
            return False


class Pulse:
    """Watches how long a sweep stands still.

    Args:
        world: Whose record is looked at.
    """

    def __init__(self, world: World) -> None:
        self._world, self._over = world, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.longest_s = 0.0

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        words, since_s = 0, time.monotonic()
        # Before its first trial a sweep only starts, after its last one it only ends.
        while not self._over.wait(0.5):
            now = self._world.words()
            if now != words:
                self.longest_s = max(self.longest_s, time.monotonic() - since_s if words else 0.0)
                words, since_s = now, time.monotonic()


def _title(process: psutil.Process) -> str:
    return " ".join((process.info["cmdline"] or [])[:1])


def slay(process: psutil.Process) -> bool:
    """Kill -9; whether there was somebody."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


class Nodes:
    """A Ray cluster of three nodes on this machine.

    Args:
        world: Whose drivers shall use it.
    """

    def __init__(self, world: World) -> None:
        from ray.cluster_utils import Cluster

        from nnops.sweep.engines.ray import SETTINGS

        os.environ |= SETTINGS | {"NNOPS_CHAOS": str(world.folder)}
        self._world = world
        small = {"num_cpus": 1, "object_store_memory": 80 * 1024 * 1024}
        self._cluster: Any = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
        self._small = small
        self._others = [self._cluster.add_node(**small) for _ in range(2)]
        world.address = self._cluster.address
        world.ends.append(self._cluster.shutdown)

    def kill(self) -> bool:
        """Kill -9 a node that is not the head, its workers included; another one joins the cluster."""
        node = self._world.luck.choice(self._others)
        self._others.remove(node)
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        family = raylet.children(recursive=True)
        hit = slay(raylet)
        for process in family:
            slay(process)
        self._cluster.remove_node(node, allow_graceful=False)
        self._others.append(self._cluster.add_node(**self._small))
        return hit


class Server:
    """An MLflow server.

    Args:
        world: Whose runs it takes.
        store: Its database's address.
    """

    def __init__(self, world: World, store: str) -> None:
        self._world, self._store, self._port = world, store, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"http://127.0.0.1:{self._port}"
        world.environment |= {"NNOPS_TRACKING": "on", "MLFLOW_TRACKING_URI": self.uri}
        self.start()
        world.ends.append(self.kill)
        # MLflow's own making of its tables is not what is tried here; killed in it, SQLite stays without half of them.
        deadline = time.monotonic() + 120
        while not self._answers():
            if time.monotonic() > deadline:
                raise SystemExit("MLflow does not start:\n" + (world.folder / "server.log").read_text())
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.uri}/health", timeout=5) as answer:
                return answer.status == 200
        except (URLError, OSError):
            return False

    def start(self) -> None:
        """Start it, without waiting."""
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", self._store, "--workers", "1"]
        command += ["--artifacts-destination", str(self._world.folder / "artifacts"), "--port", str(self._port)]
        environment = os.environ | self._world.environment | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        environment.pop("MLFLOW_TRACKING_URI", None)
        with (self._world.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=self._world.folder
            )

    def kill(self) -> bool:
        """Kill -9 the server."""
        if self._process is None:
            return False
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        return True

    def kill_and_start(self) -> bool:
        """Kill -9 the server; it comes back."""
        hit = self.kill()
        self.start()
        return hit


class Postgres:
    """A PostgreSQL server in a folder of its own.

    Args:
        world: Who needs it.
    """

    def __init__(self, world: World) -> None:
        self._world, self._port = world, free_port()
        self._data = world.folder / "postgres"
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._data.mkdir()
        if self._user:
            for path in [self._data, *world.folder.parents]:
                if path == self._data:
                    shutil.chown(path, self._user)
                elif path.stat().st_mode & 0o001 == 0:
                    path.chmod(path.stat().st_mode | 0o011)
            world.folder.chmod(0o755)
        self._run(["initdb", "--pgdata", str(self._data), "--auth", "trust", "--username", "nnops"])
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        world.ends.append(self.kill)
        self.url = f"postgresql+psycopg://nnops@127.0.0.1:{self._port}/postgres"

    def count_words(self) -> int:
        """How much a study's record holds in it."""
        ask = "SELECT (SELECT count(*) FROM trials) + (SELECT count(*) FROM trial_intermediate_values)"
        command = ["psql", "-h", "127.0.0.1", "-p", str(self._port), "-U", "nnops", "-Atc", ask, "postgres"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        return int(answer or 0)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = ["postgres", "-D", str(self._data), "-p", str(self._port), "-k", str(self._data)]
        with (self._world.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, user=self._user, stdout=log, stderr=log, start_new_session=True, cwd=self._data
            )
        deadline = time.monotonic() + 60
        while subprocess.run(["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self._port)], check=False).returncode:
            if time.monotonic() > deadline:
                raise SystemExit("PostgreSQL does not start:\n" + (self._world.folder / "postgres.log").read_text())
            time.sleep(0.1)

    def kill(self) -> bool:
        """Kill -9 all of its processes."""
        if self._process is None:
            return False
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for process in family:
            slay(process)
        self._process.wait()
        self._process = None
        return True

    def kill_and_start(self) -> bool:
        """Kill -9 it; it comes back some moments later."""
        hit = self.kill()
        time.sleep(self._world.luck.uniform(0.0, 2.0))
        self.start()
        return hit

    def _run(self, command: list[str]) -> None:
        subprocess.run(command, user=self._user, check=True, capture_output=True, cwd=self._data)


class Disk:
    """A small disk that holds the project, and fills.

    Args:
        world: Whose project it holds; not built yet.
    """

    def __init__(self, world: World, size_mib: int = 16) -> None:
        self._world = world
        world.root.mkdir(parents=True)
        size = f"size={size_mib}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "nnops-chaos", str(world.root)], check=True)
        world.ends.append(self._unmount)

    def fill(self) -> bool:
        """Leave no byte until the driver has ended or some seconds have passed; whether it had to end."""
        ballast = self._world.root / "ballast"
        driver = self._world.drive()
        with ballast.open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(b"\0" * 65536)
            except OSError:
                pass
            deadline = time.monotonic() + 10
            while driver.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
        ballast.unlink()
        return True

    def _unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self._world.root)], check=True)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
