"""Linear forecasts: each step ahead is a weighted sum of the window (Zeng, Chen, Zhang and Xu 2023).

"Are transformers effective for time series forecasting?", section 4: one layer, each variable by itself.
Legend of shape suffixes: B batch, L steps of a window, V target variables, H steps of a horizon, C = H * V.
"""

from typing import Literal, Self

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn import functional as F

from nnops.batch import Spec
from nnops.models.base import Model
from nnops.models.window import Pick, require_forecast


class LinearSeries(Model):
    """``plain``: y = W x + b. ``nlinear``: of what is left when the last value is taken off, which is then put back on.

    ``dlinear``: the window is split into a trend (its moving average) and the rest, and each has weights of its own.
    """

    kind: Literal["plain", "nlinear", "dlinear"] = "nlinear"
    kernel: int = Field(default=25, ge=3, description="Steps of dlinear's moving average, odd")
    individual: bool = Field(default=False, description="Weights of their own for each variable")

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"must be odd, so that the average has a middle; write {kernel - 1} or {kernel + 1}.")
        return kernel

    @classmethod
    def examples(cls) -> list[Self]:
        """One of each kind."""
        return [cls(kind="plain"), cls(), cls(kind="dlinear", kernel=3, individual=True)]

    def build(self, spec: Spec) -> nn.Module:
        """Build the network."""
        require_forecast("linear_series", spec)
        return _Network(self, spec)


class _Network(nn.Module):
    def __init__(self, options: LinearSeries, spec: Spec) -> None:
        super().__init__()
        self.kind = options.kind
        self.kernel = options.kernel
        steps, variables = spec.shapes[0]
        self.pick = Pick(spec.targets, variables)
        own = len(spec.targets) if options.individual else 1
        self.layer = _Weights(own, steps, spec.horizon)
        self.trend = _Weights(own, steps, spec.horizon) if options.kind == "dlinear" else None

    def forward(self, series_BLV: Tensor) -> Tensor:
        """To ``forecast_BC``."""
        window_BVL = self.pick(series_BLV).transpose(1, 2)
        if self.trend is not None:
            trend_BVL = moving_average(window_BVL, self.kernel)
            forecast_BVH = self.layer(window_BVL - trend_BVL) + self.trend(trend_BVL)
        elif self.kind == "nlinear":
            last_BV1 = window_BVL[:, :, -1:]
            forecast_BVH = self.layer(window_BVL - last_BV1) + last_BV1
        else:
            forecast_BVH = self.layer(window_BVL)
        return forecast_BVH.transpose(1, 2).flatten(1)


class _Weights(nn.Module):
    """A linear layer from L to H, one for all variables or one for each."""

    def __init__(self, own: int, steps: int, horizon: int) -> None:
        super().__init__()
        bound = steps**-0.5
        shape = (horizon, steps) if own == 1 else (own, horizon, steps)
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(shape[:-1]))

    def forward(self, window_BVL: Tensor) -> Tensor:
        if self.weight.ndim == 2:
            # As one matrix, since torch takes another way through three axes where no gradient is asked for.
            forecast = F.linear(window_BVL.reshape(-1, window_BVL.shape[2]), self.weight, self.bias)
            return forecast.view(-1, window_BVL.shape[1], forecast.shape[1])
        forecast_VBH = torch.baddbmm(self.bias[:, None], window_BVL.transpose(0, 1), self.weight.transpose(1, 2))
        return forecast_VBH.transpose(0, 1)


def moving_average(window_BVL: Tensor, kernel: int) -> Tensor:
    """The mean of ``kernel`` steps around each one, the ends repeated where the window ends."""
    side = (kernel - 1) // 2
    padded = torch.cat(
        [window_BVL[:, :, :1].expand(-1, -1, side), window_BVL, window_BVL[:, :, -1:].expand(-1, -1, side)], 2
    )
    return F.avg_pool1d(padded, kernel, 1)
