"""All benchmarks that need nothing outside the project: ``python -m benchmarks``."""

import os
import subprocess
import sys


def main() -> None:
    """Run each in its own process; the sweep's peers are given by the variable PEERS, a folder."""
    commands = [["benchmarks.command_line"], ["benchmarks.training_loop"]]
    if os.environ.get("PEERS"):
        commands.append(["benchmarks.sweep_digits", os.environ["PEERS"]])
    for command in commands:
        print(f"\n== {command[0]}", flush=True)
        subprocess.run([sys.executable, "-m", *command], check=True)


if __name__ == "__main__":
    main()
