"""The device that a training runs on, and the switches of torch that make its bits repeat."""

import os

import torch

from nnops.errors import InputError
from nnops.params import Params


def choose_device(params: Params) -> str:
    """``cpu`` or ``cuda``.

    Raises:
        InputError: A GPU is asked for where there is none.
    """
    if params.train.device == "cuda" and not torch.cuda.is_available():
        raise InputError("params.yaml: train.device: cuda is asked for, but torch sees no GPU; write 'auto' or 'cpu'.")
    if params.train.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return params.train.device


def settle_device(device: str, threads: int) -> None:
    """Set the thread count and, on a GPU, refuse kernels whose bits do not repeat.

    On a CPU every kernel that we use repeats for a given thread count, which the fingerprint therefore holds.
    """
    torch.set_num_threads(threads)
    if device == "cuda":
        # cuBLAS reads it when its first handle is made; without it a matrix product may use racing workspaces.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True)
