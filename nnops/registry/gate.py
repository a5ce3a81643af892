"""The gate: conditions written in params.yaml that a model must meet to become champion.

    register:
      gate:
        - accuracy >= 0.95                              # of the variant that is served, on the test split
        - test.accuracy >= baseline.linear.accuracy     # two numbers of metrics.json
        - onnx_int8.latency_p50_ms <= 1
        - drop.test.accuracy <= 0.005

A name is looked up as it stands, then among the numbers of the variant that is served (its test metrics first), then
among the trained model's test metrics. Nothing is evaluated: a condition is NAME, an operator, and a number or a NAME.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nnops.catalog import unknown
from nnops.errors import GateError, ParamsError
from nnops.number import short

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NAME = re.compile(r"[A-Za-z_][\w@-]*(\.[\w@-]+)*")
_CONDITION = re.compile(r"\s*(?P<left>[^\s<>=!]+)\s*(?P<sign>[<>=!]+)\s*(?P<right>[^\s<>=!]+)\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, parsed.

    Attributes:
        text: As written.
        left: A name.
        sign: A key of ``OPERATORS``.
        right: A number or a name.
    """

    text: str
    left: str
    sign: str
    right: float | str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one condition.

    Attributes:
        condition: As written.
        value: The number on its left.
        limit: The number on its right.
        passed: Whether it holds; NaN never does.
    """

    condition: str
    value: float
    limit: float
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a model.

    Attributes:
        variant: The variant that is served.
        results: One for each condition; none means that everything passes.
    """

    variant: str
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether all conditions hold."""
        return all(result.passed for result in self.results)

    @property
    def summary(self) -> str:
        """One sentence without the full stop: which conditions fail, or how many hold."""
        failed = [result for result in self.results if not result.passed]
        if failed:
            return "; ".join(f"'{result.condition}' does not hold, since {_both(result)}" for result in failed)
        if len(self.results) == 1:
            return f"'{self.results[0].condition}' holds"
        return f"all {len(self.results)} conditions hold" if self.results else "no conditions are set"

    def check(self) -> None:
        """Pass, or say why not.

        Raises:
            GateError: A condition does not hold.
        """
        if not self.passed:
            raise GateError(f"the gate refuses this model: {self.summary}.")

    def markdown(self) -> str:
        """A table of the conditions."""
        if not self.results:
            return "No conditions are set.\n"
        lines = ["| condition | measured | limit | |", "|---|---:|---:|---|"]
        for result in self.results:
            mark = "holds" if result.passed else "**fails**"
            lines.append(f"| `{result.condition}` | {short(result.value, 6)} | {short(result.limit, 6)} | {mark} |")
        return "\n".join(lines) + "\n"

    def to_json(self) -> dict[str, Any]:
        """As plain values; a number that is NaN becomes None."""
        results = [asdict(result) for result in self.results]
        for result in results:
            for key in ("value", "limit"):
                result[key] = None if math.isnan(result[key]) else result[key]
        return {"passed": self.passed, "variant": self.variant, "results": results}


def parse_gate(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Parse conditions.

    Raises:
        ParamsError: One is not ``NAME operator NUMBER`` or ``NAME operator NAME``.

    >>> parse_gate(["accuracy >= 0.95"])[0].right
    0.95
    """
    return tuple(_parse(text, f"params.yaml: register.gate.{place}") for place, text in enumerate(texts))


def judge(texts: Sequence[str], numbers: Mapping[str, float], variant: str) -> Verdict:
    """Judge a model by its numbers.

    Args:
        texts: The conditions.
        numbers: Evaluation and compression by dotted name.
        variant: The variant that is served; plain names mean its numbers.

    Raises:
        ParamsError: A condition cannot be read, or names a number that was not measured.
    """
    results: list[Result] = []
    for place, condition in enumerate(parse_gate(texts)):
        where = f"params.yaml: register.gate.{place}"
        value = _look_up(condition.left, numbers, variant, where)
        limit = condition.right
        if isinstance(limit, str):
            limit = _look_up(limit, numbers, variant, where)
        results.append(Result(condition.text, value, limit, OPERATORS[condition.sign](value, limit)))
    return Verdict(variant, tuple(results))


def _parse(text: str, where: str) -> Condition:
    found = _CONDITION.fullmatch(text)
    if found is None or not _NAME.fullmatch(found["left"]):
        raise ParamsError(f"{where}: must read like 'accuracy >= 0.95', NAME, operator, number or NAME, got '{text}'.")
    if found["sign"] not in OPERATORS:
        raise ParamsError(f"{where}: '{found['sign']}' is no operator; write one of {', '.join(OPERATORS)}.")
    right: float | str = found["right"]
    if _NUMBER.fullmatch(found["right"]):
        right = float(found["right"])
    elif not _NAME.fullmatch(found["right"]):
        raise ParamsError(f"{where}: '{found['right']}' is neither a number nor a name, in '{text}'.")
    return Condition(" ".join(text.split()), found["left"], found["sign"], right)


def _look_up(name: str, numbers: Mapping[str, float], variant: str, where: str) -> float:
    prefixes = ("", f"{variant}.test.", f"{variant}.", "test.")
    for prefix in prefixes:
        if prefix + name in numbers:
            return float(numbers[prefix + name])
    known = {key.removeprefix(prefix) for key in numbers for prefix in prefixes if key.startswith(prefix)}
    raise ParamsError(f"{where}: {_unknown(name, known)}")


def _unknown(name: str, known: set[str]) -> str:
    sentence = unknown("number", name, known)
    # Without a near name the sentence would list some hundred numbers.
    return sentence if "did you mean" in sentence else f"unknown number '{name}'; metrics.json holds the names."


def _both(result: Result) -> str:
    return f"it is {short(result.value, 6)} against {short(result.limit, 6)}"
