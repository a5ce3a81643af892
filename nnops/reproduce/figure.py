"""The lineage as a figure: one column a step, from the data on the left to the alias on the right."""

from typing import TYPE_CHECKING

from nnops.reproduce.lineage import STEPS, Lineage, Step

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, GAP, HEIGHT, ROOM = 2.1, 0.4, 0.92, 0.28
#: Steps of one kind beyond these are counted.
MOST = 6


def draw_lineage(lineage: Lineage) -> "Figure":
    """Boxes and arrows."""
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

    from nnops.figure import COLORS, INK, MUTED, new_figure, plain

    columns = [[step for step in lineage.steps if step.kind == kind] for kind in STEPS]
    columns = [_few(column) for column in columns if column]
    tallest = max(len(column) for column in columns)
    width = len(columns) * (WIDTH + GAP) - GAP + 0.3
    height = tallest * (HEIGHT + ROOM) - ROOM + 0.85
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    middle = (height - 0.55) / 2
    axes.text(0.15, height - 0.3, plain(lineage.model, 60), fontsize=12, fontweight="bold", color=INK, va="center")
    before: list[tuple[float, float]] = []
    for place, column in enumerate(columns):
        left = 0.15 + place * (WIDTH + GAP)
        top = middle + (len(column) * (HEIGHT + ROOM) - ROOM) / 2
        now: list[tuple[float, float]] = []
        for line, step in enumerate(column):
            bottom = top - line * (HEIGHT + ROOM) - HEIGHT
            last = place == len(columns) - 1
            axes.add_patch(
                FancyBboxPatch(
                    (left, bottom), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.08", linewidth=1.0,
                    edgecolor=COLORS[0] if last else "#b6bec7", facecolor="#eef3f8" if last else "white",
                )
            )  # fmt: skip
            below = "  ".join(part for part in (step.hash[:8], step.note) if part)
            texts = [(0.76, step.kind, 8.0, MUTED, "normal"), (0.5, step.name, 9.0, INK, "bold"),
                     (0.22, below, 7.5, MUTED, "normal")]  # fmt: skip
            for share, text, size, color, weight in texts:
                axes.text(left + 0.1, bottom + share * HEIGHT, plain(text, 32 if size < 8 else 27), fontsize=size,
                          color=color, fontweight=weight, va="center")  # fmt: skip
            now.append((left, bottom + HEIGHT / 2))
        for start in before:
            for end in now:
                axes.add_patch(
                    FancyArrowPatch(
                        (start[0] + WIDTH, start[1]), end, arrowstyle="-|>", mutation_scale=9, linewidth=1.0,
                        color="#8b949e", shrinkA=1, shrinkB=1,
                    )
                )  # fmt: skip
        before = now
    return figure


def _few(column: list[Step]) -> list[Step]:
    if len(column) <= MOST:
        return column
    return [*column[: MOST - 1], Step(column[0].kind, f"and {len(column) - MOST + 1} more")]
