"""What a slow way to the tracking server costs a sweep: untracked, tracked beside the server, tracked from afar.

    python -m benchmarks tracking_latency [--rounds 5] [--latency-ms 100] [--trials 64] [--epochs 20] [--engine inline]

A real ``mlflow server`` on SQLite stands behind a proxy that holds every byte back for half the latency on each way and
a new connection for all of it. Sweeps on digits (TPE, ASHA, order fixed, so the same trials) take turns, each a process
of its own in a fresh project; before the next one begins, all that the last one tracked has arrived. Shown are the time
of the sweep, and how much of it the driver was inside the tracker: all that tracking can add where the machine has a
core for the writer. On a machine that is full, the writer and the server take time from trainings, too.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

from benchmarks.chaos_world import Server, World, free_port
from benchmarks.sweep_digits import SPACE
from nnops.tracking.segment import segments
from nnops.tracking.spool import spool_folder, wake_leftovers

KINDS = ("untracked", "beside", "afar")


#: A sweep, and the seconds that its driver spent in calls of the tracker, nested ones counted once.
DRIVE = """
import functools, json, sys, time
from pathlib import Path
from nnops.params import load
from nnops.sweep import run
from nnops.tracking.spool import SpoolRun, SpoolTracker
spent, depth = 0.0, 0
def timed(call):
    @functools.wraps(call)
    def inner(*words, **options):
        global spent, depth
        depth += 1
        start_s = time.monotonic()
        try:
            return call(*words, **options)
        finally:
            depth -= 1
            if not depth:
                spent += time.monotonic() - start_s
    return inner
for kind in (SpoolRun, SpoolTracker):
    for name in ("open", "close", "log", "numbers", "tag", "note", "file", "dataset", "finish", "leave", "__init__"):
        if hasattr(kind, name):
            setattr(kind, name, timed(getattr(kind, name)))
start_s = time.monotonic()
workers = 2 if sys.argv[1] == "ray" else None
run.run_sweep(load(Path("params.yaml")), Path("."), "bench", engine=sys.argv[1], workers=workers)
print(json.dumps([time.monotonic() - start_s, spent]))
"""


class Proxy:
    """Passes on what comes to a port of its own, late.

    Args:
        port: Where to.
        latency_s: There and back.
    """

    def __init__(self, port: int, latency_s: float) -> None:
        self.port = free_port()
        self._to, self._half_s = port, latency_s / 2
        ready = threading.Event()
        threading.Thread(target=asyncio.run, args=(self._serve(ready),), daemon=True).start()
        ready.wait()

    async def _serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        ready.set()
        await server.serve_forever()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * self._half_s)
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._to)
        await asyncio.gather(self._pass(reader, to_writer), self._pass(to_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one way; what was said soon after each other arrives so."""
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        clock = asyncio.get_running_loop().time

        async def deliver() -> None:
            while True:
                due_s, data = await late.get()
                await asyncio.sleep(due_s - clock())
                if not data:
                    break
                writer.write(data)
            writer.close()

        task = asyncio.create_task(deliver())
        try:
            while data := await reader.read(65536):
                late.put_nowait((clock() + self._half_s, data))
        except ConnectionError:
            pass
        late.put_nowait((clock() + self._half_s, b""))
        await task


def main() -> None:
    """Run the rounds and print a row of a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency-ms", type=float, default=100.0)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--engine", default="inline", choices=["inline", "ray"])
    chosen = parser.parse_args()
    times: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in KINDS}
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="nnops-latency-", ignore_cleanup_errors=True) as folder:
        world = World(Path(folder), {}, random.Random(0))
        server = Server(world, f"sqlite:///{folder}/server.db")
        try:
            proxy = Proxy(int(server.uri.rpartition(":")[2]), chosen.latency_ms / 1000)
            uris = {"untracked": None, "beside": server.uri, "afar": f"http://127.0.0.1:{proxy.port}"}
            for number in range(chosen.rounds):
                for kind in KINDS[number % 3 :] + KINDS[: number % 3]:
                    root = Path(folder) / f"{kind}-{number}"
                    found = sweep(root, uris[kind], chosen.engine, chosen.trials, chosen.epochs)
                    times[kind].append(found)
                    print(
                        f"round {number + 1}: {kind}", *(f"{each:.2f}" for each in found), file=sys.stderr, flush=True
                    )
        finally:
            world.close()
    print(f"{chosen.engine}, {chosen.rounds} rounds; load of the machine {before:.1f} to {os.getloadavg()[0]:.1f}")
    print("| | sweep, s | in the tracker, s | share, % | arrived, s later |\n|---|---:|---:|---:|---:|")
    for kind, some in times.items():
        whole, inside, late = (median(each) for each in zip(*some, strict=True))
        shares = [100 * spent / (seconds - spent) for seconds, spent, _ in some]
        share = f"{median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"
        print(f"| {kind} | {whole:.1f} | {inside:.3f} | {share} | {late:.0f} |", flush=True)


def sweep(root: Path, uri: str | None, engine: str, trials: int, epochs: int) -> tuple[float, float, float]:
    """Seconds that a sweep takes, those of its driver in the tracker, and until all has arrived."""
    root.mkdir()
    record = {
        "seed": 1,
        "model": {"name": "mlp", "options": {"hidden": [128, 64]}},
        "train": {"epochs": epochs, "batch_size": 64},
        "sweep": {
            "objective": {"metric": "val_accuracy", "direction": "maximize"},
            "sampler": {"name": "tpe"},
            "pruner": {"name": "asha"},
            # The same trials each time, so that times differ by what is asked here alone.
            "order": "fixed",
            "budget": {"trials": trials},
            "space": SPACE,
        },
    }
    (root / "params.yaml").write_text(json.dumps(record))
    environment = (
        os.environ | {"NNOPS_TRACKING": "on" if uri else "off"} | ({"MLFLOW_TRACKING_URI": uri} if uri else {})
    )
    command = [sys.executable, "-c", DRIVE, engine]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr[-4000:])
    seconds, inside = json.loads(done.stdout.splitlines()[-1])
    end_s = time.monotonic()
    while uri and segments(spool_folder(root)):
        wake_leftovers(root)
        time.sleep(0.1)
    return seconds, inside, time.monotonic() - end_s


if __name__ == "__main__":
    main()
