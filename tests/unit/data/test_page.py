"""The report as a page: all of it is there, what people wrote is escaped, nothing is fetched, drift is what it says."""

import re

import numpy as np
import pandas as pd
import pytest

from nnops.data.drift import measure_drift
from nnops.data.page.build import build_page
from nnops.data.reader import Images, Table
from nnops.data.table import make_table
from nnops.params import parse


def made(frame: pd.DataFrame, **data):
    return make_table(parse({"data": {"target": "y"} | data}), Table(frame, "<rows> & more.csv"), None)


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=300), "town": random.choice(["<b>Oslo</b>", "Rome & Co"], 300)})
    frame["day"] = pd.date_range("2024-01-01", periods=300).astype(str)
    frame["y"] = random.choice(["<no>", "yes"], 300)
    frame.loc[:20, "a"] = np.nan
    frame["split"] = np.repeat(["train", "val", "test"], [200, 50, 50])
    frame.loc[250:, "a"] += 4
    return frame.assign(told=frame["y"], same=1)


def test_a_page_of_a_table():
    result = made(table(), split={"by": "given", "column": "split"})
    page = build_page(result)
    assert page == build_page(made(table(), split={"by": "given", "column": "split"}))
    for words in (
        "&lt;rows&gt; &amp; more.csv",
        "The target is told.",
        "is a copy of the target",
        "<h2>Target: y</h2>",
        "&lt;no&gt;",
        "&lt;b&gt;Oslo&lt;/b&gt;",
        "2024-01-01 to 2024-07-18",
        "<b>same</b>: always &#x27;1&#x27;",
        "10.5%",
    ):
        assert words in page, words
    assert "<b>Oslo" not in page
    # Nothing is fetched, and nothing runs.
    assert not re.search(r"https?://|<script|@import|url\(|src=\"(?!data:)", page)
    drift = {entry["name"]: entry["drifts"] for entry in result.report["columns"] if "drifts" in entry}
    assert drift == {"a": ["test"], "town": [], "day": ["val", "test"], "told": []}
    assert "Column 'a' drifts from train" in " ".join(result.report["notes"])


def test_a_page_of_a_regression_and_of_images():
    page = build_page(made(table().assign(y=lambda frame: np.arange(300) % 37 + 0.5), kinds={"told": "ignore"}))
    assert 'aria-label="Share of rows over the target, by split"' in page
    from nnops.data.image import make_images

    random = np.random.default_rng(0)
    for channels in (1, 3):
        pixels = random.integers(0, 255, (60, channels, 5, 7), np.uint8)
        images = Images(pixels, pd.Series(np.arange(60) % 3, name="target"), "pictures")
        page = build_page(make_images(parse({}), images, None))
        assert page.count("data:image/png;base64,") == 3
        assert f"{channels} x 5 x 7" in page


def test_the_target_of_a_regression_is_drawn_in_outlines_over_round_numbers():
    price = np.random.default_rng(0).lognormal(12, 0.3, 300) + 17
    page = build_page(made(table().assign(y=price, told=1.0)))
    picture = page[page.index('aria-label="Share of rows over') :]
    picture = picture[: picture.index("</svg>")]
    assert [picture.count(f'<path class="{name}"') for name in ("train", "val", "test")] == [1, 1, 1]
    # A rule for a class alone would win over that for paths, and fill test over val over train.
    style = page[page.index("<style>") : page.index("</style>")]
    assert re.findall(r"svg ([\w.]*)\s*{ fill: none", style) == ["path"]
    filled = re.findall(r"svg ([\w.]*) { fill: var\(--(?:train|val|test)\)", style)
    assert sorted(filled) == ["path.shade", "rect.test", "rect.train", "rect.val"]
    words = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
    assert len(words) >= 4
    assert all(re.fullmatch(r"\d{1,3}0*k?", word) and float(word.rstrip("k")) % 50 == 0 for word in words), words
    places = [float(x) for x in re.findall(r'<text x="([\d.]+)"', picture)]
    assert np.diff(places) == pytest.approx(np.diff(places)[0], abs=0.11)


def test_drift_is_the_population_stability_index():
    random = np.random.default_rng(0)
    train, other = pd.Series(random.normal(size=4000)), pd.Series(random.normal(0.5, 1, size=3000))
    edges = np.quantile(train, np.linspace(0, 1, 11))
    edges[[0, -1]] = -np.inf, np.inf
    p = (np.histogram(train, edges)[0] + 0.5) / 4005
    q = (np.histogram(other, edges)[0] + 0.5) / 3005
    psi, drifts = measure_drift(train, other)
    assert psi == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert drifts
    words = pd.Series(["a"] * 60 + ["b"] * 40), pd.Series(["a"] * 20 + ["b"] * 70 + [None] * 10)
    p, q = np.array([60.5, 40.5, 0.5]) / 101.5, np.array([20.5, 70.5, 10.5]) / 101.5
    assert measure_drift(*words)[0] == pytest.approx(((q - p) * np.log(q / p)).sum())


def test_chance_is_no_drift():
    random = np.random.default_rng(0)
    for rows, others in ((1000, 200), (100, 15), (20, 4)):
        pairs = [(pd.Series(random.normal(size=rows)), pd.Series(random.normal(size=others))) for _ in range(100)]
        assert not any(measure_drift(*pair)[1] for pair in pairs)
    assert measure_drift(pd.Series([1.0, 2.0]), pd.Series([], dtype=float)) == (0.0, False)
