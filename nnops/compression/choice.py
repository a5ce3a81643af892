"""Which variant is served: the fastest one whose metrics do not drop by more than ``compress.max_drop``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from nnops.batch import Task
from nnops.catalog import unknown
from nnops.compression.cost import Cost
from nnops.errors import ParamsError
from nnops.metrics import METRICS
from nnops.params import Params

#: What may be lost where params.yaml says nothing, in the metric's own unit.
DEFAULT_DROP: dict[Task, dict[str, float]] = {
    "binary": {"accuracy": 0.005},
    "forecasting": {"scaled_mse": 0.005},
    "language_model": {"bits_per_token": 0.05},
    "multiclass": {"accuracy": 0.005},
    "multilabel": {"f1_micro": 0.005},
    "regression": {"r2": 0.005},
    "segmentation": {"mean_iou": 0.005},
    "sequence": {"exact_match": 0.01},
}
#: Latencies this close to the fastest count as equal to it: a second measurement could swap them, and reading one row
#: costs more than this.
EQUAL_SHARE = 0.1
EQUAL_MS = 0.05
RULE = (
    "Of the variants whose metrics on the val split drop by no more than max_drop: the fastest with one row (p50), of"
    " equally fast ones the fastest with a batch (p50), of equally fast ones the smallest file. Equal means within"
    f" {EQUAL_SHARE:.0%} or {EQUAL_MS:g} ms of the fastest."
)
ROUNDING = 1e-9


@dataclass(frozen=True)
class Candidate:
    """A variant that could be served.

    Attributes:
        cost: What it costs.
        drops: By metric, how much worse than the trained model it is on the val split; negative where it is better.
    """

    cost: Cost
    drops: Mapping[str, float]


@dataclass(frozen=True)
class Judged:
    """What became of a candidate, and why in one sentence."""

    verdict: Literal["chosen", "fit", "refused"]
    why: str


@dataclass(frozen=True)
class Choice:
    """The variant that is served, and what became of each.

    Attributes:
        variant: Its name.
        judged: Verdicts by variant.
    """

    variant: str
    judged: dict[str, Judged]


def read_limits(params: Params, task: Task) -> dict[str, float]:
    """How much each metric may drop: ``compress.max_drop``, or ``DEFAULT_DROP`` where it is empty.

    Raises:
        ParamsError: A metric that does not exist or does not fit the task.
    """
    fitting = [name for name in METRICS.names() if task in METRICS.load(name).tasks]
    for name in params.compress.max_drop:
        if name not in fitting:
            kind = f"metric of a {task} task"
            raise ParamsError(f"params.yaml: compress.max_drop.{name}: {unknown(kind, name, fitting)}")
    return dict(params.compress.max_drop) or DEFAULT_DROP[task]


def is_better_high(metric: str) -> bool:
    """Whether a higher value of a metric is the better one."""
    return METRICS.load(metric).direction == "maximize"


def measure_drop(metric: str, reference: float, value: float) -> float:
    """How much worse ``value`` is than ``reference``, in the metric's unit; negative where it is better."""
    return reference - value if is_better_high(metric) else value - reference


def choose(candidates: Mapping[str, Candidate], limits: Mapping[str, float], fallback: str) -> Choice:
    """Choose by measured cost under limits, see ``RULE``.

    Args:
        candidates: Variants by name.
        limits: Largest drop by metric.
        fallback: The candidate that is never refused: the exact export, equal to the trained model.
    """
    judged: dict[str, Judged] = {}
    for name, candidate in candidates.items():
        # Written so that NaN is refused, too; ROUNDING, since 0.95 - 0.945 is more than 0.005 in floating point.
        bad = [metric for metric, limit in limits.items() if not candidate.drops[metric] <= limit + ROUNDING]
        if bad and name != fallback:
            lost = ", ".join(f"{m} drops by {candidate.drops[m]:.4g} (at most {limits[m]:g})" for m in bad)
            why = f"on the val split {lost}"
            judged[name] = Judged("refused", why)
    fit = {name: candidate.cost for name, candidate in candidates.items() if name not in judged}
    near = _fastest(_fastest(fit, lambda cost: cost.latency_p50_ms), lambda cost: cost.batch_latency_p50_ms)
    chosen = min(near, key=lambda name: (near[name].size_bytes, near[name].latency_p50_ms, name))
    for name, cost in fit.items():
        speed = f"{cost.latency_p50_ms:.3g} ms a row, {cost.batch_latency_p50_ms:.3g} ms a batch"
        judged[name] = Judged("chosen" if name == chosen else "fit", f"{speed}, {cost.size_bytes / 1024:.1f} KiB")
    return Choice(chosen, judged)


def _fastest(costs: Mapping[str, Cost], latency_ms: Callable[[Cost], float]) -> dict[str, Cost]:
    """The fastest variant and those that count as equally fast."""
    least_ms = min(map(latency_ms, costs.values()))
    limit_ms = least_ms + max(EQUAL_SHARE * least_ms, EQUAL_MS)
    return {name: cost for name, cost in costs.items() if latency_ms(cost) <= limit_ms}
