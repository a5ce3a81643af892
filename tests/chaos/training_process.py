"""A process that trains in children of its own, one for each line on standard input, and says their pids.

The children are forked after torch was imported, so a test can kill many of them in a short time.
"""

import json
import os
import sys
from pathlib import Path

import torch

from nnops.data.prepared import Prepared
from nnops.params import parse
from nnops.training.train import train


def attempt(task: dict) -> None:
    seen: list[int] = []

    def report(moment) -> bool:
        seen.append(moment.seconds > 0)
        return True

    trained = train(
        parse(task["params"]), Prepared.open(Path(task["data"])), report=report, checkpoints=Path(task["kept"])
    )
    result = {
        "weights_sha256": trained.weights_sha256,
        "history": trained.history,
        "ended": trained.ended,
        "best_epoch": trained.best_epoch,
        "replayed": seen.count(False),
    }
    Path(task["result"]).write_text(json.dumps(result))


def main() -> None:
    torch.set_num_threads(1)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                attempt(json.loads(line))
                status = 0
            finally:
                os._exit(status)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
