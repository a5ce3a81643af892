"""Figures of an explanation: which are drawn for which form of it."""

from matplotlib.figure import Figure

from nnops.evaluation.explain.base import Explanation
from nnops.evaluation.explain.subject import Subject


def draw_explanation(subject: Subject, explanation: Explanation, method: str) -> dict[str, Figure]:
    """All figures of an explanation by name."""
    if explanation.form == "importance":
        from nnops.evaluation.figures.explain_importance import draw_importance

        return {"importance": draw_importance(explanation)}
    if explanation.form == "columns":
        from nnops.evaluation.figures.explain_columns import draw_row, draw_summary

        drawn = {"summary": draw_summary(subject, explanation, method)}
        # Steps lead to the answer only where values add up to it.
        return drawn if explanation.base_N is None else drawn | {"row": draw_row(subject, explanation, method)}
    if explanation.form == "curves":
        from nnops.evaluation.figures.explain_curves import draw_curves

        return {"curves": draw_curves(subject, explanation)}
    if explanation.form == "tokens":
        from nnops.evaluation.figures.explain_tokens import draw_tokens

        return {"tokens": draw_tokens(subject, explanation, method)}
    if explanation.form == "steps":
        from nnops.evaluation.figures.explain_steps import draw_steps

        return {"steps": draw_steps(subject, explanation, method)}
    from nnops.evaluation.figures.explain_pixels import draw_channels, draw_pixels

    if explanation.form == "channels":
        return {"channels": draw_channels(subject, explanation)}
    return {"images": draw_pixels(subject, explanation, method)}
