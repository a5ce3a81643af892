"""explain(): what fits is run, its values are held against those of a network with random weights."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nnops.batch import TOKENS, Spec
from nnops.errors import InputError, NnopsError, ParamsError
from nnops.evaluation.explain import METHODS
from nnops.evaluation.explain.base import Explanation, Method
from nnops.evaluation.explain.sanity import SAME, check
from nnops.evaluation.explain.subject import Kind, Subject

#: What is asked where no method is named.
DEFAULT: dict[Kind, str] = {
    "image": "integrated_gradients",
    "series": "integrated_gradients",
    "table": "shap",
    "text": "integrated_gradients",
}


def kind_of(spec: Spec) -> Kind:
    """The kind of data that a model takes.

    Raises:
        InputError: Its task has no single answer to explain.
    """
    if spec.task in (*TOKENS, "segmentation"):
        raise InputError(
            f"a model of the task {spec.task} gives many answers for one row, and explanations are of one; models of"
            " classes, labels, values and forecasts are explained."
        )
    if spec.nodes:
        raise InputError(
            "a node of a graph is answered from its neighbours, too, and explanations are of a row's own columns;"
            " models of data without data.edges are explained."
        )
    if spec.image:
        return "image"
    if spec.series:
        return "series"
    return "text" if "text" in spec.inputs else "table"


def fitting(kind: Kind) -> list[str]:
    """Names of the methods that fit a kind of data."""
    return [name for name in METHODS.names() if kind in METHODS.load(name).kinds]


def build_method(name: str | None, options: Mapping[str, Any], kind: Kind) -> Method:
    """The method of this name, or what fits best where there is none.

    Raises:
        InputError: It does not exist (the nearest one is named), does not fit the data, or refuses an option.
    """
    name = name or DEFAULT[kind]
    found = METHODS.load(name, "--method")
    if kind not in found.kinds:
        fits = " and ".join(f"{each} data" for each in found.kinds)
        raise InputError(f"the method {name} is for {fits}, but this model takes {kind} data; write {_some(kind)}.")
    try:
        return METHODS.build(name, options)
    except ParamsError as error:
        raise InputError(str(error).removeprefix("params.yaml: ")) from error


def explain(subject: Subject, method: Method) -> Explanation:
    """Explain, and say how far it can be trusted.

    Args:
        subject: What is explained.
        method: How.

    Returns:
        The explanation; ``checks.randomised`` is the rank correlation with that of random weights.

    Raises:
        InputError: The method does not fit the data or the network.
    """
    if subject.kind not in method.kinds:
        raise InputError(f"this method is not for {subject.kind} data; write {_some(subject.kind)}.")
    if method.needs_truth and subject.judged is None:
        raise InputError("this method needs rows whose true answer is known; give rows with the target, or the test.")
    found = method.explain(subject)
    try:
        alike = check(method, subject, found)
    except NnopsError as error:
        return replace(found, notes=(*found.notes, f"the weights could not be randomised to compare: {error}"))
    return replace(found, checks={**found.checks, "randomised": alike}, notes=(*found.notes, _verdict(alike)))


def _verdict(alike: float) -> str:
    told = f"with shuffled weights the values rank otherwise (rank correlation {alike:.2f})"
    if alike >= SAME:
        return (
            f"DO NOT TRUST THIS: with shuffled weights the values rank the same (rank correlation {alike:.2f}), so they"
            " say what the data are like and not what the model learned"
        )
    return told


def _some(kind: Kind) -> str:
    names = fitting(kind)
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
