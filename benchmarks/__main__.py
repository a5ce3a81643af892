"""``python -m benchmarks``: all that need nothing outside the project; ``python -m benchmarks NAME``: that one."""

import os
import subprocess
import sys

#: What the whole run holds; search_quality takes hours of real curves and is asked for by name.
ALL = ("command_line", "training_loop", "dropout", "order", "trial_cost", "tracking_latency", "chaos")


def main() -> None:
    """Run each in its own process; the sweep's peers are given by the variable PEERS, a folder."""
    if sys.argv[1:]:
        name, *words = sys.argv[1:]
        sys.exit(subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *words], check=False).returncode)
    commands = [[name] for name in ALL]
    if os.environ.get("PEERS"):
        commands.append(["sweep_digits", os.environ["PEERS"]])
    for name, *words in commands:
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *words], check=True)


if __name__ == "__main__":
    main()
