"""Rows that are the same and have different answers: what no network can learn."""

from typing import ClassVar, Literal

import numpy as np

from nnops.doctor.case import Case, row_keys
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding
from nnops.doctor.remedy import loss_option


class Contradictions(Check):
    """Rows of train with equal inputs and another class than most of their equals: mislabelled, or not told apart."""

    name: ClassVar[str] = "contradictions"
    about: ClassVar[str] = "equal rows with different answers"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "data"
    share: float = 0.05
    fewest: int = 10

    def look(self, case: Case) -> list[Finding]:
        """One finding."""
        if case.spec.task not in ("binary", "multiclass"):
            return []
        code_N = case.train.target.cpu().numpy().astype(np.int64)
        keys = np.array(row_keys(case.train.inputs))
        _, group_N = np.unique(keys, return_inverse=True)
        table = np.zeros((int(group_N.max()) + 1, int(code_N.max()) + 1), np.int64)
        np.add.at(table, (group_N, code_N), 1)
        wrong = int(len(code_N) - table.max(1).sum())
        if wrong < self.fewest or wrong < self.share * len(code_N):
            return []
        return [
            self.found(
                case,
                "warning",
                f"{wrong} of {len(code_N)} rows of train have another class than most rows that are equal to them, so"
                f" no network gets more than {1 - wrong / len(code_N):.1%} of them right.",
                {"rows": wrong, "of": len(code_N), "at_most": 1 - wrong / len(code_N)},
                "Look at how they were labelled, or add a column that tells them apart; softer labels keep a network"
                " from learning the wrong ones by heart.",
                *loss_option(case.params, case.spec, "label_smoothing", 0.1),
                *loss_option(case.params, case.spec, "label_smoothing", 0.2),
            )
        ]
