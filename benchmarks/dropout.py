"""What dropout takes on a CPU beside torch's own: forward and backward, by the processor's time, one thread.

    python -m benchmarks.dropout [--rounds 9]

The layer alone on shapes as networks have them, its masks drawn ahead as in an epoch and then one at a time as outside
of one, and an epoch of an MLP 64-128-64-10 on digits; rounds take turns.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from torch import nn

from nnops.data.prepare import prepare
from nnops.models.dropout import Dropout, masks_ahead
from nnops.params import parse
from nnops.training.train import train

RATE = 0.3
#: Rows of a small MLP, of wider ones, texts of a transformer, images of a cnn.
SHAPES = ((32, 64), (64, 64), (64, 128), (64, 512), (32, 64, 128), (64, 16, 14, 14))
#: Numbers that a round goes through for each shape.
NUMBERS = 4_000_000
EPOCHS = 20


def main() -> None:
    """Print a row for each shape, and one for the training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print("| | torch, us | nnops, us | ratio |\n|---|---:|---:|---:|")
    for shape in SHAPES:
        for how, place in (("", masks_ahead), (", one at a time", nullcontext)):
            passes = [passing(layer, shape, place) for layer in (nn.Dropout(RATE), Dropout(RATE))]
            row("x".join(map(str, shape)) + how, [[timed(*each) for each in passes] for _ in range(rounds)])
    with TemporaryDirectory() as folder:
        row("an epoch of an MLP on digits", [epoch(Path(folder)) for _ in range(rounds)])


def passing(
    layer: nn.Module, shape: tuple[int, ...], place: Callable[[], AbstractContextManager[None]]
) -> tuple[Callable[[], object], int]:
    """Passes through a layer and back, and how many they are."""
    x, slope = torch.randn(shape, requires_grad=True), torch.ones(shape)
    passes = max(NUMBERS // x.numel(), 1)

    def run() -> None:
        with place():
            for _ in range(passes):
                layer(x).backward(slope)

    return run, passes


def timed(job: Callable[[], object], passes: int) -> float:
    """Microseconds of the processor that a pass takes."""
    start_s = time.process_time()
    job()
    return (time.process_time() - start_s) / passes * 1e6


def epoch(folder: Path) -> list[float]:
    """Microseconds of an epoch with torch's dropout and with ours."""
    params = parse(
        {"model": {"name": "mlp", "options": {"hidden": [128, 64], "dropout": RATE}}, "train": {"epochs": EPOCHS}}
    )
    data, found, own = prepare(params, folder, folder), list[float](), Dropout.forward
    try:
        for forward in (nn.Dropout.forward, own):
            Dropout.forward = forward
            found.append(timed(lambda: train(params, data), EPOCHS))
    finally:
        Dropout.forward = own
    return found


def row(name: str, pairs: list[list[float]]) -> None:
    """Print the medians of both, and the median of the ratios within a round."""
    theirs, ours = (median(pair[place] for pair in pairs) for place in range(2))
    print(f"| {name} | {theirs:,.0f} | {ours:,.0f} | {median(mine / its for its, mine in pairs):.2f} |", flush=True)


if __name__ == "__main__":
    main()
