"""Splits that are not alike: what is learned on train does not hold on val or test."""

from typing import Any, ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding


class Drift(Check):
    """Columns, and the target, whose spread differs between splits (PSI of the data report, beyond chance)."""

    name: ClassVar[str] = "drift"
    about: ClassVar[str] = "val or test that is not like train"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "data"
    large: float = 0.25

    def look(self, case: Case) -> list[Finding]:
        """One finding over all columns, naming the worst."""
        entries: list[dict[str, Any]] = [
            entry for entry in (case.report.get("target"), *case.report.get("columns", ())) if entry
        ]
        drifts = [
            (max(entry["drift"][name] for name in entry["drifts"]), entry) for entry in entries if entry.get("drifts")
        ]
        if not drifts:
            return []
        psi, worst = max(drifts, key=lambda one: one[0])
        split = max(worst["drifts"], key=lambda name: worst["drift"][name])
        target = worst is case.report.get("target")
        what = "The target" if target else f"Column '{worst['name']}'"
        more = f", and {len(drifts) - 1} more" if len(drifts) > 1 else ""
        tries: list[dict[str, Any]] = []
        if case.params.data.series is not None:
            tries = [{"model.name": "linear_series"}, {"data.scaling": "robust"}]
        else:
            if case.params.data.test is not None:
                tries.append({"data.test": None})
            tries += [{"data.split.by": "stratified", "data.split.column": None}, {"data.split.by": "random"}]
        return [
            self.found(
                case,
                "warning" if psi >= self.large else "note",
                f"{what} is spread otherwise in {split} than in train (PSI {psi:.2g}){more}: numbers on {split} are of"
                " other rows than those that were learned from.",
                {"column": worst["name"], "psi": float(psi), "split": split, "columns": len(drifts)},
                "Expect less from later steps; take its own level off each window, and scale by what outliers do not"
                " move."
                if case.params.data.series is not None
                else "If rows have no order in time, split them at random; if they have, expect less from later rows,"
                " and leave out columns that only tell the time.",
                *tries,
                {"data.split.by": "random", "data.split.column": None},
                {"data.scaling": "robust"},
            )
        ]
