"""A window made easy for any network of sequences: levelled, folded into patches, its variables together or apart.

Legend of shape suffixes: B batch, L steps of a window, V variables, W target variables, P steps of a patch, T patches,
H steps of a horizon, C = H * W.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.sequence import require_sequence

#: What is taken off a window before the network and put back on its forecast.
Level = Literal["none", "last", "mean_std"]
#: Whether one network sees all variables, or each of them by itself.
Variables = Literal["together", "apart"]
_SMALL = 1e-5


def require_forecast(family: str, spec: Spec) -> None:
    """Check that a window of a series is forecast.

    Raises:
        ParamsError: It is another kind of data.
    """
    require_sequence(family, spec, ("series",))
    if not spec.targets:
        raise ParamsError(f"params.yaml: model.name: '{family}' forecasts, but the task is {spec.task}; write 'rnn'.")


def inner_spec(family: str, spec: Spec, patch: int, variables: Variables) -> Spec:
    """What the network inside a :class:`Window` is built for.

    Raises:
        ParamsError: A patch that is longer than the window.
    """
    steps, width = spec.shapes[0]
    if patch > steps:
        raise ParamsError(
            f"params.yaml: model.options.patch of '{family}' must be at most data.series.window={steps}, got {patch}."
        )
    apart = variables == "apart"
    return Spec(
        task=spec.task,
        inputs=spec.inputs,
        shapes=((steps // patch, patch if apart else patch * width),),
        cardinalities=(),
        outputs=spec.horizon if apart else spec.outputs,
        targets=(0,) if apart else spec.targets,
    )


class Pick(nn.Module):
    """Some of the variables of ``[B, L, V]``, in a given order.

    Args:
        places: Which.
        variables: V.
    """

    def __init__(self, places: tuple[int, ...], variables: int) -> None:
        super().__init__()
        self.whole = places == tuple(range(variables))
        self.register_buffer("place_W", torch.tensor(places), persistent=False)

    def forward(self, series_BLV: Tensor) -> Tensor:
        """``[B, L, W]``."""
        return series_BLV if self.whole else series_BLV.index_select(2, self.get_buffer("place_W"))


class Window(nn.Module):
    """``forecast = restore(network(fold(level(window))))``.

    Level ``last`` takes off each variable's last value (Zeng et al. 2023, NLinear); ``mean_std`` its mean over the
    window and divides by its deviation (Kim et al. 2022, "Reversible instance normalization", eq. 1 and 2, without
    weights). Patches are steps side by side that become one step (Nie et al. 2023, "A time series is worth 64 words",
    section 3.1); what is too short for one is cut off the window's far end. Apart, each target variable goes through
    the network alone.

    Args:
        network: Built for :func:`inner_spec`; from ``[B, T, P]`` (or ``[B, T, P * V]``) to ``[B, outputs]``.
        spec: Of the window.
        level: See :data:`Level`.
        patch: P.
        variables: See :data:`Variables`.
    """

    def __init__(self, network: nn.Module, spec: Spec, level: Level, patch: int, variables: Variables) -> None:
        super().__init__()
        self.network = network
        self.pick = Pick(spec.targets, spec.shapes[0][1])
        self.targets = len(spec.targets)
        self.horizon = spec.horizon
        self.level = level
        self.patch = patch
        self.apart = variables == "apart"
        self.cut = spec.shapes[0][0] % patch

    def forward(self, series_BLV: Tensor) -> Tensor:
        """To ``forecast_BC``."""
        if self.apart:
            series_BLV = self.pick(series_BLV)
        shift_B1V, spread_B1V = self._measure(series_BLV)
        levelled_BLV = (series_BLV - shift_B1V) / spread_B1V
        forecast_BHW = self._run(levelled_BLV[:, self.cut :])
        if not self.apart:
            shift_B1V, spread_B1V = self.pick(shift_B1V), self.pick(spread_B1V)
        return (forecast_BHW * spread_B1V + shift_B1V).flatten(1)

    def _measure(self, series_BLV: Tensor) -> tuple[Tensor, Tensor]:
        last_B1V = series_BLV[:, -1:]
        if self.level == "mean_std":
            mean_B1V = series_BLV.mean(1, keepdim=True)
            variance_B1V = (series_BLV - mean_B1V).square().mean(1, keepdim=True)
            return mean_B1V, (variance_B1V + _SMALL).sqrt()
        return (last_B1V if self.level == "last" else torch.zeros_like(last_B1V)), torch.ones_like(last_B1V)

    def _run(self, series_BLV: Tensor) -> Tensor:
        width = series_BLV.shape[2]
        if not self.apart:
            folded = series_BLV.reshape(-1, series_BLV.shape[1] // self.patch, self.patch * width)
            return self.network(folded).reshape(-1, self.horizon, self.targets)
        folded = series_BLV.transpose(1, 2).reshape(-1, series_BLV.shape[1] // self.patch, self.patch)
        return self.network(folded).reshape(-1, width, self.horizon).transpose(1, 2)
