"""Columns that say nothing, or that only name the row."""

from typing import Any, ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding


class UselessColumns(Check):
    """Columns with one value, columns that count or name rows, and columns that are mostly missing."""

    name: ClassVar[str] = "useless_columns"
    about: ClassVar[str] = "columns that are constant, missing, or name the row"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "data"
    missing: float = 0.5

    def look(self, case: Case) -> list[Finding]:
        """One finding a column."""
        rows = case.data.rows("train")
        total = sum(case.data.rows(split) for split in ("train", "val", "test"))
        found: list[Finding] = []
        for column in case.report.get("columns", ()):
            judged = self._judge(column, rows, total)
            if judged:
                severity, what, evidence, remedy = judged
                name = column["name"]
                found.append(
                    self.found(
                        case,
                        severity,
                        f"Column '{name}' {what}.",
                        {"column": name, **evidence},
                        remedy,
                        {f"data.kinds.{name}": "ignore"},
                        {"data.cleaning.indicator": True},
                    )
                )
        return found

    def _judge(self, column: dict[str, Any], rows: int, total: int) -> tuple[Any, str, dict[str, Any], str] | None:
        different, reason = int(column["distinct"]), str(column["reason"])
        if column["kind"] == "ignore":
            if reason.startswith("always "):
                remedy = "Nothing is lost, it is left out already; look where it comes from if it should vary."
                return "warning", f"has one value ({reason}) and is left out", {"distinct": different}, remedy
            return None
        if different <= 1:
            remedy = "Leave it out; look where it comes from if it should vary."
            return "warning", "has one value in train, so it says nothing", {"distinct": different}, remedy
        if column["kind"] == "numeric" and _counts(column, rows, total):
            evidence = {"distinct": different, "rows": rows, "min": column["min"], "max": column["max"]}
            remedy = "Leave it out: what a network learns of it holds for no new row."
            return "warning", "names the row: a whole number that is different in each of them", evidence, remedy
        share = float(column["missing"]["train"])
        if share > self.missing:
            remedy = "Leave it out, or add a column that says where it is missing."
            return "warning", f"misses {share:.0%} of its values", {"missing": share}, remedy
        return None


def _counts(column: dict[str, Any], rows: int, total: int) -> bool:
    """Whether whole numbers, each once, fill a range that has about as many places as there are rows."""
    edges = [column["min"], column["max"], 2 * column["median"]]
    whole = all(float(value) == round(float(value)) for value in edges)
    return (
        whole
        and rows >= 20
        and int(column["distinct"]) == rows
        and total * 0.9 <= column["max"] - column["min"] + 1 <= total * 1.5
    )
