"""Leakage: what the data report found that a model would know in a test and not in life."""

from typing import Any, ClassVar, Literal

from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import Finding


class Leakage(Check):
    """Rows of val and test that train holds, too, or nearly so, columns that tell the target, times, groups twice."""

    name: ClassVar[str] = "leakage"
    about: ClassVar[str] = "rows, columns, times and groups that give the answer away"
    needs: ClassVar[Literal["data", "network", "learning", "training"]] = "data"

    def look(self, case: Case) -> list[Finding]:
        """One finding for each leak."""
        return [self._tell(case, leak) for leak in case.report.get("leakage", ())]

    def _tell(self, case: Case, leak: dict[str, Any]) -> Finding:
        sentence = leak["sentence"]
        said, _, advice = sentence.partition("; ")
        evidence = {"kind": leak["kind"], "rows": int(leak["count"])}
        tries: list[dict[str, Any]] = []
        if leak["kind"] == "target":
            names = [column["name"] for column in case.report.get("columns", ())]
            column = max((one for one in names if sentence.startswith(f"column '{one}' ")), key=len, default="")
            evidence["column"] = column
            tries.append({f"data.kinds.{column}": "ignore"})
        if leak["kind"] == "duplicates":
            tries.append({"data.cleaning.duplicates": "drop"})
        # Whatever leaks, preparing with this on stops until it no longer does.
        tries.append({"data.leakage": "error"})
        remedy = advice or "Keep what belongs together in one split."
        return self.found(case, "error", _sentence(said), evidence, _sentence(remedy), *tries)


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
