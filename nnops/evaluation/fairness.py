"""Fairness: how a model treats groups of rows, and how far apart the groups are.

Of classes (the definitions of fairlearn; Hardt et al. 2016, "Equality of opportunity in supervised learning"):

demographic_parity_gap   largest difference between groups in the share of rows called a class, P(label = c)
equalized_odds_gap       the larger of the differences in P(label = c | truth = c) and P(label = c | truth != c)
equal_opportunity_gap    largest difference in P(label = c | truth = c)
accuracy_gap             largest difference in the share of rows that are right

c is the positive class, or of several classes each one against the rest, of which the worst counts. Of quantities:
``mae_gap`` and ``mean_error_gap``, the largest differences in the mean absolute error and in the mean error (predicted
minus true), in the target's own unit. Groups of fewer than 50 rows
are counted, but take no part in a gap; nor do rates about fewer than 25 rows.

Legend of shape suffixes: S weightings, N rows, K cells that hold rows, J groups, C classes (1: the positive one).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nnops.batch import Task
from nnops.evaluation.groups import FEWEST_OF_RATE, Division
from nnops.metrics.predictions import Predictions
from nnops.metrics.weighted import Weighted

#: Sums of draws that are kept until all are drawn.
SUMS = 2000
CLASS_GAPS = ("demographic_parity_gap", "equalized_odds_gap", "equal_opportunity_gap", "accuracy_gap")
VALUE_GAPS = ("mae_gap", "mean_error_gap")
#: What is told of each group: of a class, and of a quantity.
CLASS_RATES = ("selection_rate", "accuracy", "tpr", "fpr", "precision")
VALUE_RATES = ("mean_error", "mae")


def gap_names(task: Task) -> tuple[str, ...]:
    """Gaps that are told for a task; none for tasks whose groups are not compared."""
    return {"binary": CLASS_GAPS, "multiclass": CLASS_GAPS, "regression": VALUE_GAPS}.get(task, ())


def rate_names(task: Task) -> tuple[str, ...]:
    """What is told of each group of a task."""
    return VALUE_RATES if task == "regression" else CLASS_RATES


@dataclass(frozen=True)
class Treatment:
    """How the groups of one division are treated, under several weightings of the rows.

    Attributes:
        rates: By name, float64 ``[S, J, C]``; accuracies and rates of quantities ``[S, J, 1]``. NaN where a group has
            no row that it is about.
        gaps: By name, float64 ``[S, C]`` or ``[S, 1]``; NaN where fewer than two judged groups have the rate.
    """

    rates: dict[str, np.ndarray]
    gaps: dict[str, np.ndarray]

    def worst(self, name: str) -> np.ndarray:
        """A gap, of several classes the largest, float64 ``[S]``."""
        return _reduce(self.gaps[name], np.fmax, 1)


class Comparison:
    """The groups of all divisions, ready to be told under any weighting of the rows.

    Args:
        predictions: A model's outputs and the truth.
        divisions: Of the same rows; the last one may be that of all columns together.
    """

    def __init__(self, predictions: Predictions, divisions: Sequence[Division]) -> None:
        self.predictions = predictions
        self.divisions = tuple(divisions)
        classes = max(predictions.classes, 1)
        finest = self.divisions[-1]
        cell_N = finest.code_N.astype(np.int64)
        if predictions.task != "regression":
            cell_N = (cell_N * classes + predictions.truth_N) * classes + predictions.label_N
        code_K, self._cell_N = np.unique(cell_N, return_inverse=True)
        self._cells = len(code_K)
        first_K = np.zeros(self._cells, np.int64)
        first_K[self._cell_N] = np.arange(len(cell_N))
        self._group_DK = [division.code_N[first_K] for division in self.divisions]
        if predictions.task != "regression":
            self._truth_K, self._label_K = predictions.truth_N[first_K], predictions.label_N[first_K]
            self._judged_D = [self._judged(each) for each in self.divisions]

    def tell(self, weighted: Weighted) -> list[Treatment]:
        """How the groups of each division are treated."""
        return self._told(self._counted(weighted))

    def look(self, weighted: Weighted) -> dict[str, np.ndarray]:
        """What :meth:`values` needs of some draws, ``[S, ...]`` by name: sums, or where these are many, its values."""
        return self._counted(weighted) if self._cells <= SUMS else self.values(weighted)

    def looked(self, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The values of draws that :meth:`look` was taken of, which are taken out of ``found``."""
        if self._cells > SUMS:
            return found
        return self._read(
            self._told({name: found.pop(name) for name in ("/rows", "/error", "/distance") if name in found})
        )

    def values(self, weighted: Weighted) -> dict[str, np.ndarray]:
        """Every gap by dotted name, and every rate of binary classes and of quantities, for draws of the rows."""
        return self._read(self.tell(weighted))

    def _read(self, told: list[Treatment]) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for division, treatment in zip(self.divisions, told, strict=True):
            found |= {f"{name}.{division.key}": treatment.worst(name) for name in treatment.gaps}
            if self.predictions.classes <= 2:
                found |= {f"{division.key}/{name}": rate_SJC[..., -1] for name, rate_SJC in treatment.rates.items()}
        return found | overall(found, gap_names(self.predictions.task), self.divisions)

    def _counted(self, weighted: Weighted) -> dict[str, np.ndarray]:
        """Sums over the rows of each cell, ``[S, K]``."""
        found = {"/rows": self._sums(weighted.weight_SN)}
        if self.predictions.task == "regression":
            error_N = self.predictions.error_N
            found["/error"] = self._sums(weighted.weight_SN * error_N)
            found["/distance"] = self._sums(weighted.weight_SN * np.abs(error_N))
        return found

    def _told(self, sums: dict[str, np.ndarray]) -> list[Treatment]:
        told: list[Treatment] = []
        for place, (division, group_K) in enumerate(zip(self.divisions, self._group_DK, strict=True)):
            if self.predictions.task == "regression":
                rows_SJ, error_SJ, distance_SJ = (
                    _gather(sums[name], group_K, len(division.groups)) for name in ("/rows", "/error", "/distance")
                )
                told.append(_tell_values(rows_SJ, error_SJ, distance_SJ, division.judged_J))
            else:
                told.append(self._tell_classes(sums["/rows"], group_K, division, self._judged_D[place]))
        return told

    def few(self, division: int, place: int, code: int) -> list[str]:
        """Rates of a group and class that take no part in gaps, since they are about too few rows."""
        names = list(rate_names(self.predictions.task))
        if not self.divisions[division].judged_J[place]:
            return names
        if self.predictions.task == "regression":
            return []
        judged = dict(zip(("tpr", "fpr"), self._judged_D[division], strict=True))
        return [name for name, judged_JC in judged.items() if not judged_JC[place, code]]

    def _judged(self, division: Division) -> tuple[np.ndarray, np.ndarray]:
        """Whether a group has enough rows of a class, and of other ones, for its rates to be judged, ``[J, C]``."""
        classes, groups = self.predictions.classes, len(division.groups)
        code_N = division.code_N * classes + self.predictions.truth_N
        truth_JC = np.bincount(code_N, minlength=groups * classes).reshape(groups, classes)[
            :, 1 if classes == 2 else 0 :
        ]
        other_JC = division.rows_J[:, None] - truth_JC
        judged_J1 = division.judged_J[:, None]
        return (truth_JC >= FEWEST_OF_RATE) & judged_J1, (other_JC >= FEWEST_OF_RATE) & judged_J1

    def _sums(self, weight_SN: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(self._cell_N, weight_N, self._cells) for weight_N in weight_SN])

    def _tell_classes(
        self, count_SK: np.ndarray, group_K: np.ndarray, division: Division, judged: tuple[np.ndarray, np.ndarray]
    ) -> Treatment:
        classes, groups = self.predictions.classes, len(division.groups)

        def count(code_K: np.ndarray, kept_K: np.ndarray | None = None) -> np.ndarray:
            """Rows by group and code, ``[S, J, C]``; of two classes of the positive one alone."""
            sums_SK = count_SK if kept_K is None else count_SK * kept_K
            table_SJC = _gather(sums_SK, group_K * classes + code_K, groups * classes).reshape(-1, groups, classes)
            return table_SJC[..., 1:] if classes == 2 else table_SJC

        right_K = self._truth_K == self._label_K
        truth_SJC, label_SJC, hit_SJC = count(self._truth_K), count(self._label_K), count(self._truth_K, right_K)
        rows_SJ1 = _gather(count_SK, group_K, groups)[..., None]
        rates = {
            "selection_rate": _ratio(label_SJC, rows_SJ1),
            "accuracy": _ratio(_gather(count_SK * right_K, group_K, groups)[..., None], rows_SJ1),
            "tpr": _ratio(hit_SJC, truth_SJC),
            "fpr": _ratio(label_SJC - hit_SJC, rows_SJ1 - truth_SJC),
            "precision": _ratio(hit_SJC, label_SJC),
        }
        rows_J1 = division.judged_J[:, None]
        tpr_SC, fpr_SC = _spread(rates["tpr"], judged[0]), _spread(rates["fpr"], judged[1])
        gaps = {
            "demographic_parity_gap": _spread(rates["selection_rate"], rows_J1),
            "equalized_odds_gap": np.maximum(tpr_SC, fpr_SC),
            "equal_opportunity_gap": tpr_SC,
            "accuracy_gap": _spread(rates["accuracy"], rows_J1),
        }
        return Treatment(rates, gaps)


def overall(
    values: Mapping[str, np.ndarray], names: Sequence[str], divisions: Sequence[Division]
) -> dict[str, np.ndarray]:
    """Each gap of the column whose groups are farthest apart; what all columns together say is not among them."""
    columns = [division.key for division in divisions[: max(1, len(divisions) - 1)]]
    return {name: _reduce(np.stack([values[f"{name}.{key}"] for key in columns], 1), np.fmax, 1) for name in names}


def gap_values(predictions: Predictions, divisions: Sequence[Division]) -> dict[str, float]:
    """Each gap that these rows define, by dotted name; none without divisions."""
    if not divisions:
        return {}
    values = Comparison(predictions, divisions).values(Weighted.once(predictions))
    return {name: float(value_S[0]) for name, value_S in values.items() if "/" not in name and np.isfinite(value_S[0])}


def _tell_values(rows_SJ: np.ndarray, error_SJ: np.ndarray, distance_SJ: np.ndarray, judged_J: np.ndarray) -> Treatment:
    rates = {"mean_error": _ratio(error_SJ, rows_SJ)[..., None], "mae": _ratio(distance_SJ, rows_SJ)[..., None]}
    return Treatment(rates, {f"{name}_gap": _spread(rates[name], judged_J[:, None]) for name in ("mae", "mean_error")})


def _gather(sum_SK: np.ndarray, code_K: np.ndarray, size: int) -> np.ndarray:
    """Cells added up by a code, ``[S, size]``."""
    return np.stack([np.bincount(code_K, sum_K, size) for sum_K in sum_SK])


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """NaN where there is nothing to divide by."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    return np.divide(above, below, out=np.full(shape, np.nan), where=np.broadcast_to(below > 0, shape))


def _spread(rate_SJC: np.ndarray, judged_JC: np.ndarray) -> np.ndarray:
    """The largest difference between judged groups ``[S, C]``; NaN where fewer than two have the rate."""
    judged_SJC = np.where(judged_JC, rate_SJC, np.nan)
    known_SC = np.isfinite(judged_SJC).sum(1)
    spread_SC = _reduce(judged_SJC, np.fmax, 1) - _reduce(judged_SJC, np.fmin, 1)
    return np.where(known_SC > 1, spread_SC, np.nan)


def _reduce(value: np.ndarray, choose: np.ufunc, axis: int) -> np.ndarray:
    """The largest or the smallest that is no NaN; NaN where all are."""
    return choose.reduce(value, axis=axis, initial=np.nan)
