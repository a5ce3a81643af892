"""Where a model came from, as text and figure."""

import warnings
from pathlib import Path

from nnops.figure import save_png
from nnops.reproduce.figure import draw_lineage
from nnops.reproduce.lineage import Lineage, Step

STEPS = (
    *(Step("data", f"data/part{number}.csv", "a" * 64, "1,000 bytes") for number in range(9)),
    Step("prepared", "700 train, 150 val, 150 test", "b" * 64),
    Step("params", "mlp, seed 7", "c" * 64),
    Step("run", "digits mlp 1234abcd", "d" * 32, "code 3be23a9+changes"),
    Step("trial", "digits/12", "e" * 32, "the same weights"),
    Step("model", "digits/3", "f" * 64, "weights; gate passed"),
    Step("compressed", "onnx_int8", "0" * 64, "13.8 KiB"),
    Step("alias", "digits@champion"),
)


def test_every_step_stands_further_in_than_what_it_was_made_from() -> None:
    lines = Lineage("digits/3", STEPS).lines()
    assert len(lines) == len(STEPS)
    depths = [line.find("└") for line in lines[8:]]
    assert depths == sorted(depths)
    assert "0" * 12 in lines[-2]
    assert "0" * 13 not in lines[-2]


def test_the_figure_has_the_same_bytes_and_room_for_many_files(tmp_path: Path) -> None:
    lineage = Lineage("digits/3", STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("one.png", "two.png"):
            save_png(draw_lineage(lineage), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    texts = [text.get_text() for text in draw_lineage(lineage).axes[0].texts]
    assert "and 4 more" in texts
    assert "digits@champion" in texts
