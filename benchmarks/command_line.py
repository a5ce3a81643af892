"""How long ``nnops --help`` takes beside an import of typer: ``python -m benchmarks.command_line [REPEATS]``."""

import statistics
import subprocess
import sys
import time
from pathlib import Path


def seconds(*command: str) -> float:
    """Wall time of a command in seconds."""
    start_s = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start_s


def main() -> None:
    """Interleave both and print medians."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    nnops = str(Path(sys.executable).parent / "nnops")
    own: list[float] = []
    peer: list[float] = []
    for _ in range(repeats):
        own.append(seconds(nnops, "--help"))
        peer.append(seconds(sys.executable, "-c", "import typer"))
    a, b = statistics.median(own), statistics.median(peer)
    print(f"nnops --help {a:.3f} s, import typer {b:.3f} s, ratio {a / b:.2f} (medians of {repeats})")


if __name__ == "__main__":
    main()
