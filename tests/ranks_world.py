"""Several processes of one training by gloo, without Ray: forked from one that has imported everything.

    python tests/ranks_world.py FOLDER PROCESSES

Each process trains every case and writes what came out as FOLDER/RANK.json.
"""

import json
import os
import sys
from pathlib import Path

import torch
from small import params, small

from nnops.errors import TrainingError
from nnops.params import Params
from nnops.training.ranks import Ranks
from nnops.training.train import train

#: A plain one, which one process trains to the same losses; and one with all that draws or counts.
PLAIN = {"epochs": 2, "batch_size": 4, "optimizer": {"name": "sgd", "options": {"lr": 0.05, "momentum": 0.9}}}
RICH = {
    "epochs": 3,
    "batch_size": 16,
    "accumulate": 2,
    "clip_norm": 1.0,
    "augment": [{"name": "mixup"}, {"name": "flip"}],
    "changes": [{"after": 2, "set": {"train.optimizer.options.lr": 1e-4}}],
}
MLP = {"name": "mlp", "options": {"hidden": [8]}}
CNN = {"name": "cnn", "options": {"channels": [4], "norm": "batch", "dropout": 0.3}}


def plain(workers: int) -> Params:
    return params(model=MLP, train=PLAIN | {"workers": workers})


def rich(workers: int) -> Params:
    return params(model=CNN, train=RICH | {"workers": workers})


def _cases(folder: Path, ranks: Ranks) -> dict[str, object]:
    data, found = small(folder / f"data-{ranks.rank}"), {}
    for name, chosen in (("plain", plain(ranks.size)), ("rich", rich(ranks.size))):
        whole = train(chosen, data, ranks=ranks)
        kept = folder / f"{name}-kept"
        part = train(chosen, data, ranks=ranks, checkpoints=kept, until=1)
        torch.distributed.barrier()
        rest = train(chosen, data, ranks=ranks, checkpoints=kept)
        found[name] = {
            "history": whole.history,
            "sha256": whole.weights_sha256,
            "fingerprint": whole.fingerprint,
            "ended": [part.ended, rest.ended],
            "resumed": rest.weights_sha256,
        }
    steep = params(
        model=MLP, train=PLAIN | {"workers": ranks.size, "optimizer": {"name": "sgd", "options": {"lr": 1e30}}}
    )
    try:
        train(steep, data, ranks=ranks)
    except TrainingError as error:
        found["steep"] = str(error)
    return found


def main(folder: Path, size: int) -> int:
    children = []
    for rank in range(size):
        child = os.fork()
        if not child:
            torch.distributed.init_process_group(
                "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=size
            )
            found = _cases(folder, Ranks(rank, size))
            (folder / f"{rank}.json").write_text(json.dumps(found))
            torch.distributed.destroy_process_group()
            os._exit(0)
        children.append(child)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), int(sys.argv[2])))
