"""Too few rows to learn from, or to judge by."""

from typing import ClassVar, Literal

import torch

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding


class FewRows(Check):
    """Rows of train, rows of its rarest class, and rows of val, by which epochs are told apart."""

    name: ClassVar[str] = "few_rows"
    about: ClassVar[str] = "too few rows to learn from or to judge by"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "data"
    train: int = 50
    a_class: int = 5
    val: int = 15

    def look(self, case: Case) -> list[Finding]:
        """One finding for train, one for val."""
        rows, seen = case.data.rows("train"), case.data.rows("val")
        found: list[Finding] = []
        least = rows
        if case.spec.task in ("binary", "multiclass"):
            target = torch.from_numpy(case.data.arrays("train")["target"].copy())
            least = int(torch.bincount(target.long(), minlength=len(case.data.classes)).min())
        evidence = {"train": rows, "val": seen, "rarest_class": least}
        folds = {"data.split.folds": 5}
        if rows < self.train or least < self.a_class:
            what = f"train holds {rows} rows" if rows < self.train else f"the rarest class has {least} rows in train"
            found.append(
                self.found(
                    case,
                    "warning",
                    f"There is little to learn from: {what}.",
                    evidence,
                    "Collect more rows, merge rare classes, or take what there is more often: cross-validation uses"
                    " every row, and a smaller or linear network needs fewer.",
                    folds,
                    {"model.options.hidden": []},
                    {"train.l2": 1e-3},
                )
            )
        if seen < self.val:
            found.append(
                self.found(
                    case,
                    "warning",
                    f"There is little to judge by: val holds {seen} rows, so one row more or less right decides which"
                    " epoch is kept.",
                    evidence,
                    "Give val a larger part, or take means over folds.",
                    {"data.split.val": 0.25},
                    folds,
                    {"train.restore_best": False},
                )
            )
        return found
