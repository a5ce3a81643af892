"""What is looked at in forecasts beside their metrics: the error at each step ahead, and some windows.

Legend of shape suffixes: N windows, L steps of the past that are shown, H steps of a horizon, V target variables.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nnops.batch import Spec
from nnops.data.prepared import Prepared
from nnops.metrics.predictions import Predictions

#: Windows that are shown, variables of each, and how many horizons of the past.
WINDOWS, VARIABLES, PAST = 3, 3, 2


@dataclass(frozen=True)
class Example:
    """A window of test in the targets' own units.

    Attributes:
        row: Its place among the windows.
        names: The targets that are shown.
        past_LV: What came before.
        truth_HV: What came.
        forecast_HV: What was foretold.
    """

    row: int
    names: tuple[str, ...]
    past_LV: np.ndarray
    truth_HV: np.ndarray
    forecast_HV: np.ndarray


def step_errors(entries: Mapping[str, Predictions], spec: Spec) -> dict[str, tuple[float, ...]]:
    """The scaled mean squared error at each step ahead, over windows and targets; nothing for other tasks."""
    if spec.task != "forecasting":
        return {}
    found: dict[str, tuple[float, ...]] = {}
    for name, entry in entries.items():
        error_NC = entry.output_NC.astype(np.float64) - entry.target_N
        found[name] = tuple((error_NC**2).mean(0).reshape(spec.horizon, -1).mean(1).tolist())
    return found


def block_length(data: Prepared) -> int:
    """How many windows in a row share steps of their horizons; 1 for other tasks, whose rows share nothing."""
    if data.spec.task != "forecasting":
        return 1
    return min(data.rows("test"), -(-data.spec.horizon // data.schema["series"]["stride"]))


def pick_examples(predictions: Predictions, data: Prepared) -> tuple[Example, ...]:
    """Windows spread evenly over test, with the first targets of each; none for other tasks."""
    spec = data.spec
    if spec.task != "forecasting":
        return ()
    names = tuple(data.schema["series"]["targets"])[:VARIABLES]
    shown, targets = len(names), len(spec.targets)
    mean, std = data.schema["target_mean"][:shown], data.schema["target_std"][:shown]
    windows_NLV = data.tensors("test").inputs[0]
    rows = np.unique(np.linspace(0, len(predictions) - 1, WINDOWS).round().astype(int))
    examples: list[Example] = []
    for row in rows.tolist():
        past_LV = windows_NLV[row].numpy()[-PAST * spec.horizon :, list(spec.targets[:shown])]
        truth_HV = predictions.truth_N[row].reshape(-1, targets)[:, :shown]
        forecast_HV = predictions.value_N[row].reshape(-1, targets)[:, :shown]
        examples.append(Example(row, names, past_LV.astype(np.float64) * std + mean, truth_HV, forecast_HV))
    return tuple(examples)
