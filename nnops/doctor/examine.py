"""examine(): all checks that a case allows, and their findings, the worst first."""

from dataclasses import dataclass
from typing import Any

from nnops.doctor import CHECKS
from nnops.doctor.case import Case
from nnops.doctor.check import Check
from nnops.doctor.finding import SEVERITIES, Finding


@dataclass(frozen=True)
class Examined:
    """What an examination found.

    Attributes:
        case: What was looked at.
        findings: The worst first; among equals, causes before what follows from them.
        looked: Names of the checks that could look.
        skipped: Names of the others, with what they lack.
    """

    case: Case
    findings: tuple[Finding, ...]
    looked: tuple[str, ...]
    skipped: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether nothing worse than a warning was found."""
        return not any(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "ok": self.ok,
            "counts": {name: sum(one.severity == name for one in self.findings) for name in SEVERITIES},
            "findings": [finding.to_json() for finding in self.findings],
            "looked": list(self.looked),
            "skipped": self.skipped,
            "trainings": [past.name for past in self.case.pasts],
        }


#: Checks in the order in which they look: what is wrong first causes what comes after.
ORDER = (
    "leakage",
    "shortcut",
    "values",
    "target_scale",
    "useless_columns",
    "few_rows",
    "imbalance",
    "drift",
    "contradictions",
    "frozen",
    "answers",
    "units",
    "gradients",
    "initial_loss",
    "batch_norm",
    "dropout",
    "one_batch",
    "learning_rate",
    "not_learning",
    "unstable",
    "overfitting",
    "underfitting",
    "plateau",
    "stopped_early",
)
#: Where these have an error, one batch and rates would only say it again.
ROOTS = ("answers", "frozen")


def examine(case: Case) -> Examined:
    """Look at a case with every check that it allows.

    Raises:
        InputError: The network cannot be built for the data.
    """
    findings: list[Finding] = []
    looked: list[str] = []
    skipped: dict[str, str] = {}
    for name in ORDER:
        check: Check = CHECKS.build(name, {})
        lacks = _lacks(check, case, findings)
        if lacks:
            skipped[name] = lacks
            continue
        looked.append(name)
        findings += check.look(case)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Examined(case, tuple(findings), tuple(looked), skipped)


def _lacks(check: Check, case: Case, findings: list[Finding]) -> str:
    """What a check lacks, in a few words; empty where it can look."""
    if check.needs == "training":
        return "" if case.pasts else "no training yet"
    if check.needs == "learning":
        if not case.learns:
            return "no gradient reaches all weights"
        broken = [one.check for one in findings if one.severity == "error" and one.check in ROOTS]
        broken += [one.check for one in findings if one.check == "values" and "of" in one.evidence]
        if broken:
            return f"after {broken[0]}"
    return ""
