"""How much is tried: bounds by counted work, so that a large network is looked at with fewer steps and rows."""

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

#: Multiplications and additions of one trial run, and the fewest and most steps and the fewest rows that one takes.
WORK, FEWEST, MOST, FEWEST_ROWS = 1.5e11, 40, 100, 8


def measure_cost(network: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """Multiplications and additions of a step of training (three times those of an answer), for one row.

    Args:
        network: Any; it is left as it was.
        inputs: Of two rows.
    """
    training = network.training
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network.eval()(*inputs)
    network.train(training)
    # What the counter knows nothing of, such as a recurrent layer, multiplies each weight at each place.
    weights = sum(weight.numel() for module in network.modules() for weight in _multiplied(module))
    places = max((tensor.shape[1] for tensor in inputs if tensor.ndim in (2, 3) and not _wide(tensor)), default=1)
    return 3 * max(counter.get_total_flops() / len(inputs[0]), 2.0 * weights * places, 1.0)


def _multiplied(module: nn.Module) -> list[nn.Parameter]:
    return list(module.parameters(recurse=False)) if isinstance(module, nn.RNNBase) else []


def _wide(tensor: Tensor) -> bool:
    return tensor.ndim == 2 and tensor.is_floating_point()


def bound_rows(cost: float, rows: int) -> int:
    """Rows in a batch of a trial run.

    >>> bound_rows(1e6, 64), bound_rows(1e9, 64)
    (64, 8)
    """
    return min(rows, max(FEWEST_ROWS, int(WORK / (FEWEST * cost))))


def bound_steps(cost: float, rows: int) -> int:
    """Steps of a trial run.

    >>> bound_steps(1e6, 64), bound_steps(3e7, 64)
    (100, 78)
    """
    return max(FEWEST, min(MOST, int(WORK / (cost * rows))))
