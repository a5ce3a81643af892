"""The page: every text of a person is escaped, nothing is asked of a network, a thousand trials stay small."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from told import tell_study, told_params

from nnops.sweep.figures.seen import Seen
from nnops.sweep.page.build import build_page
from nnops.sweep.study import Study

EVIL = '</script><img src="https://evil.example/x" onerror=alert(1)>&"\''


class Tags(HTMLParser):
    """Counts tags and keeps attributes that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for key, value in attrs if key in ("src", "href", "xlink:href", "action", "style")]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return tell_study(tmp_path_factory.mktemp("page"), 250)


@pytest.fixture(scope="module")
def page(study: Study) -> str:
    return build_page(Seen(study, study.trials()), "complete")


def test_the_page_holds_every_trial_and_all_figures(study: Study, page: str) -> None:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert sorted(row["cells"][0] for row in data["rows"]) == list(range(250))
    assert data["columns"][:3] == ["trial", "state", "val_loss"]
    best = study.best()
    assert best is not None
    assert data["rows"][0]["best"]
    assert data["rows"][0]["cells"][0] == best.number
    stopped = [row for row in data["rows"] if row["state"] == "pruned"]
    assert all(row["why"].startswith("asha stopped it at epoch ") for row in stopped)
    assert page.count("<svg") == page.count("<figure") == 7
    assert f"nnops sweep apply {study.name}" in page
    assert len(page) < 700_000


def test_nothing_is_loaded(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    for each in tags.loads:
        assert each.startswith(("data:image/png;base64,", "#")) or "url(" not in each.replace("url(#", ""), each
        assert "//" not in each.replace("data:image/png;base64,", "")[:40] or each.startswith("data:")
    assert "default-src &#x27;none&#x27;" in page
    assert tags.tags.count("script") == 2


def test_ids_are_unique_and_used(page: str) -> None:
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:xlink:href="|url\()#([^")]+)', page)) <= set(ids)


def test_text_of_people_is_text(tmp_path: Path) -> None:
    params = told_params({"train.schedule": {"name": "constant"}})
    study = tell_study(tmp_path, 12, params)
    trials = [
        replace(trial, reason=EVIL, state="failed", config={**trial.config, "train.optimizer.name": EVIL})
        if trial.number % 2 else trial
        for trial in study.trials()
    ]  # fmt: skip
    page = build_page(Seen(study, trials), EVIL)
    tags = Tags()
    tags.feed(page)
    assert tags.tags.count("script") == 2
    assert "img" not in tags.tags
    assert "onerror=alert(1)>" not in re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)


def test_a_study_without_trials_has_a_page(tmp_path: Path) -> None:
    study = tell_study(tmp_path, 0)
    page = build_page(Seen(study, []), "stopped")
    assert "Nothing is complete yet." in page
    assert "nnops sweep resume s" in page
    assert "<figure" not in page
