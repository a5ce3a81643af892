"""A family's training step beside a plain torch loop of the same module, on one thread: ``--family NAME``.

    python -m benchmarks family --family vgg resnet [--options '{"channels": [16, 32]}'] [--check]

plain  as few calls as torch's public face allows: tensors, an index a batch, forward, loss, backward, fused AdamW
nnops  nnops.training.loop.train_epoch() with the same module and the same rate

Rows are drawn at random, since only time is measured: images of 28x28 for families of images, else 64 numbers. Both
take turns; a ratio is the median over the turns of ratios within a turn, as a shared machine has slow and fast minutes.
"""

import argparse
import copy
import json
import os
import statistics
import time
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from torch.nn import functional as F

from nnops.batch import Spec
from nnops.data.prepared import Tensors
from nnops.errors import ParamsError
from nnops.models import MODELS
from nnops.params import parse
from nnops.training.loop import train_epoch
from nnops.training.optimizer import AdamW
from nnops.training.plan import build_plan
from nnops.training.step import SoloStep, trainable
from nnops.training.train import build_loss

IMAGES = Spec("multiclass", ("image",), ((1, 28, 28),), (), 10)
NUMBERS = Spec("multiclass", ("numeric",), ((64,),), (), 10)
RATE = 1e-3
#: Most time that a step of nnops may take, as a ratio to the plain loop's.
LIMIT = 1.03


def measure(name: str, options: dict[str, Any], steps: int, batch: int, turns: int) -> dict[str, float]:
    """Milliseconds a step of both (median), and the median ratio."""
    family = MODELS.build(name, options)
    torch.manual_seed(0)
    try:
        spec, model = IMAGES, family.build(IMAGES)
    except ParamsError:
        spec, model = NUMBERS, family.build(NUMBERS)
    rows = Tensors((torch.randn(steps * batch, *spec.shapes[0]),), torch.randint(0, spec.outputs, (steps * batch,)))
    params = parse({"train": {"batch_size": batch, "epochs": turns + 1}})
    plan = build_plan(params, spec, RATE)
    other = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(other.parameters(), lr=RATE, fused=True)
    step = SoloStep(model, build_loss(params, spec), AdamW(lr=RATE).build(trainable(model)), None)
    other.train()

    def plain() -> None:
        inputs, target = rows.inputs[0], rows.target
        for chosen in torch.randperm(len(target)).split(batch):
            loss = F.cross_entropy(other(inputs.index_select(0, chosen)), target.index_select(0, chosen))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    pairs: list[tuple[float, float]] = []
    for turn in range(turns + 1):
        # Times of this process, which other ones on a shared machine do not count in.
        ways = [plain, lambda turn=turn: train_epoch(plan, step, rows, turn)]
        seconds = [0.0, 0.0]
        for way in (0, 1) if turn % 2 else (1, 0):
            start_s = time.process_time()
            ways[way]()
            seconds[way] = time.process_time() - start_s
        pairs.append((seconds[0], seconds[1]))
    pairs = pairs[1:]
    return {
        "plain_ms": statistics.median(a for a, _ in pairs) / steps * 1e3,
        "nnops_ms": statistics.median(b for _, b in pairs) / steps * 1e3,
        "ratio": statistics.median(b / a for a, b in pairs),
    }


def main() -> int:
    """Print a row for each family; with --check, exit 1 where the limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", nargs="+", required=True, choices=MODELS.names())
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    missed = 0
    for name in arguments.family:
        row = measure(name, arguments.options, arguments.steps, arguments.batch, arguments.turns)
        print(f"{name:14}" + "".join(f"{key} {value:8.3f}  " for key, value in row.items()), flush=True)
        missed += row["ratio"] > LIMIT
    print(f"{missed} above {LIMIT}" if missed else "all ratios are within the limit")
    return 1 if missed and arguments.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
