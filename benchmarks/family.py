"""A family's training step beside a plain torch loop of the same module, on one thread: ``--family NAME``.

    python -m benchmarks family --family vgg resnet [--options '{"channels": [16, 32]}'] [--check]

plain  as few calls as torch's public face allows: tensors, an index a batch, forward, loss, backward, fused AdamW
nnops  nnops.training.loop.train_epoch() with the same module and the same rate

Rows are drawn at random, since only time is measured, of the first kind of data in DATA that the family takes; texts
have 8 to 32 tokens. Both take turns; a ratio is the median over the turns of ratios within a turn, as a shared machine
has slow and fast minutes, and its spread the quartiles of those.
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
from torch import Tensor, nn
from torch.nn import functional as F

from nnops.batch import TOKENS, WHOLE, Spec
from nnops.data.prepared import Tensors
from nnops.errors import InputError
from nnops.models import MODELS
from nnops.models.base import Model
from nnops.models.graph import hold_graph
from nnops.params import parse
from nnops.training.loop import train_epoch
from nnops.training.optimizer import AdamW
from nnops.training.plan import build_plan
from nnops.training.step import SoloStep, trainable
from nnops.training.train import build_loss

DATA = {
    "images of 28x28": Spec("multiclass", ("image",), ((1, 28, 28),), (), 10),
    "masks of 32x32": Spec("segmentation", ("image",), ((3, 32, 32),), (), 3),
    "64 numbers": Spec("multiclass", ("numeric",), ((64,),), (), 10),
    "texts": Spec("multiclass", ("text",), ((32,),), (), 10, vocabulary=5000),
    "windows of 96 steps": Spec("forecasting", ("series",), ((96, 7),), (), 24 * 7, targets=tuple(range(7))),
    "running text": Spec("language_model", ("text",), ((32,),), (), 1000, vocabulary=1000),
    "a graph": Spec("multiclass", ("numeric", "node"), ((32,), ()), (), 3, nodes=2000, links=16_000),
    "texts and answers": Spec("sequence", ("text", "answer"), ((32,), (32,)), (), 1000, vocabulary=1000),
}
RATE = 1e-3
#: Most time that a step of nnops may take, as a ratio to the plain loop's.
LIMIT = 1.03


def build(family: Model, wanted: str | None) -> tuple[str, Spec, nn.Module]:
    """The module, and the data that it takes: those that are wanted, or the first ones."""
    for kind, spec in DATA.items():
        if wanted in (None, kind) and family.dense in ("any", "mask" if spec.task == "segmentation" else "vector"):
            try:
                module = family.build(spec)
            except InputError:
                continue
            hold_graph(module, lambda spec=spec: link(spec))
            return kind, spec, module
    raise SystemExit(f"it takes none of {', '.join([wanted] if wanted else DATA)}.")


def link(spec: Spec) -> dict[str, Tensor]:
    """A graph whose links are drawn at random, each in both directions."""
    one, other = torch.randint(0, spec.nodes, (2, spec.links // 2))
    ends = torch.cat([one, other]), torch.cat([other, one])
    columns = torch.randn(spec.nodes, *spec.shapes[0])
    return {"row": ends[0], "column": ends[1], "weight": torch.ones(spec.links), "numeric": columns}


def draw(spec: Spec, rows: int) -> Tensors:
    """Random rows; texts end after 8 tokens or later."""
    there_NT = torch.arange(32) < torch.randint(8, 33, (rows, 1))
    if spec.nodes:
        node_N = torch.randint(0, spec.nodes, (rows,))
        return Tensors((torch.randn(rows, *spec.shapes[0]), node_N), torch.randint(0, spec.outputs, (rows,)))
    inputs = [
        torch.randint(1, spec.vocabulary, (rows, *shape)) * there_NT if name in WHOLE else torch.randn(rows, *shape)
        for name, shape in zip(spec.inputs, spec.shapes, strict=True)
    ]
    if spec.task in TOKENS:
        return Tensors(tuple(inputs), torch.randint(2, spec.outputs, (rows, 32)) * there_NT)
    if spec.task == "forecasting":
        return Tensors(tuple(inputs), torch.randn(rows, spec.outputs))
    shape = spec.shapes[0][1:] if spec.task == "segmentation" else ()
    return Tensors(tuple(inputs), torch.randint(0, spec.outputs, (rows, *shape)))


def plain_loss(output: Tensor, target: Tensor) -> Tensor:
    """What a loop by hand would minimise."""
    if target.dtype.is_floating_point:
        return F.mse_loss(output, target)
    if output.ndim == 3:
        return F.cross_entropy(output.flatten(0, 1), target.flatten(), ignore_index=0)
    return F.cross_entropy(output, target)


def measure(
    name: str, options: dict[str, Any], steps: int, batch: int, turns: int, wanted: str | None = None
) -> tuple[str, dict[str, float]]:
    """The data, milliseconds a step of both (median), and the median ratio with its quartiles."""
    torch.manual_seed(0)
    kind, spec, model = build(MODELS.build(name, options), wanted)
    rows = draw(spec, steps * batch)
    params = parse({"train": {"batch_size": batch, "epochs": turns + 1}})
    plan = build_plan(params, spec, RATE)
    other = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(other.parameters(), lr=RATE, fused=True)
    step = SoloStep(model, build_loss(params, spec), AdamW(lr=RATE).build(trainable(model)), None)
    other.train()

    def plain() -> None:
        for chosen in torch.randperm(len(rows)).split(batch):
            inputs = [tensor.index_select(0, chosen) for tensor in rows.inputs]
            loss = plain_loss(other(*inputs), rows.target.index_select(0, chosen))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    pairs: list[tuple[float, float]] = []
    for turn in range(turns + 1):
        # Times of this process, which other ones on a shared machine do not count in.
        ways = [plain, lambda turn=turn: train_epoch(plan, step, rows, turn, RATE)]
        seconds = [0.0, 0.0]
        for way in (0, 1) if turn % 2 else (1, 0):
            start_s = time.process_time()
            ways[way]()
            seconds[way] = time.process_time() - start_s
        pairs.append((seconds[0], seconds[1]))
    pairs = pairs[1:]
    ratios = [b / a for a, b in pairs]
    low, _, high = statistics.quantiles(ratios, n=4)
    return kind, {
        "plain_ms": statistics.median(a for a, _ in pairs) / steps * 1e3,
        "nnops_ms": statistics.median(b for _, b in pairs) / steps * 1e3,
        "ratio": statistics.median(ratios),
        "low": low,
        "high": high,
    }


def main() -> int:
    """Print a row for each family; with --check, exit 1 where the limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", nargs="+", required=True, choices=MODELS.names())
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--data", choices=DATA, help="the first that a family takes")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.turns < 2:
        parser.error("--turns must be at least 2, so that there is a spread.")
    missed = 0
    for name in arguments.family:
        kind, row = measure(name, arguments.options, arguments.steps, arguments.batch, arguments.turns, arguments.data)
        print(f"{name:14}{kind:20}" + "".join(f"{key} {value:8.3f}  " for key, value in row.items()), flush=True)
        missed += row["ratio"] > LIMIT
    print(f"{missed} above {LIMIT}" if missed else "all ratios are within the limit")
    return 1 if missed and arguments.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
