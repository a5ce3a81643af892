"""The model card, and the numbers beyond training, are told from a bundle's record alone."""

import html.parser
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nnops.cli.model import predict
from nnops.files import read_json, write_json
from nnops.params import overlay
from nnops.registry.bundle import write_bundle
from nnops.registry.card import Card, build_card, write_card
from nnops.registry.gate import judge

PNG = b"\x89PNG\r\n\x1a\n and the rest"
FUNCTIONS = ("Govern", "Map", "Measure", "Manage")


@pytest.fixture
def bundle(project, tmp_path):
    return write_bundle(tmp_path / "bundle", project.params, project.sources)


def card_of(bundle, **known):
    numbers = read_json(bundle.folder / "metrics.json")
    verdict = judge(["accuracy >= 0.5", "accuracy <= 0.1"], numbers, bundle.variant)
    return build_card(bundle, verdict.to_json(), {"scorecard": PNG}, known)


def part(card: Card, title: str):
    return next(each for each in card.parts if each.title == title)


def test_all_that_is_known_stands_on_it(bundle):
    card = card_of(bundle, version="people/3", aliases="champion", commit="abc123", reproduced="bits")
    text = card.markdown()
    assert text.startswith("# people/3: model card\n")
    accuracy = bundle.metrics["test.accuracy"]
    assert any(row[0] == "accuracy" and f"{accuracy:.4f} (" in row[1] for row in part(card, "Numbers").rows)
    assert part(card, "Numbers").columns[-1] == "majority"
    assert dict(part(card, "Data").rows)["inputs"] == "age, town"
    training = dict(part(card, "Training").rows)
    assert training["network"] == "mlp (hidden [8])"
    assert training["epochs"] == "8"
    assert training["optimizer"] == "adamw (lr 0.02)"
    lineage = dict(part(card, "Lineage").rows)
    assert lineage["fingerprint"] == bundle.lineage["fingerprint"]
    assert lineage["commit"] == "abc123"
    assert part(card, "Gate").words == ("It was refused.",)
    assert [row[2] for row in part(card, "Gate").rows] == ["holds", "FAILS"]
    assert "nnops run reproduce people/3" in text
    assert "the same to the bit" in part(card, "Made again").words[0]
    assert [row[0] for row in part(card, "NIST AI RMF").rows] == list(FUNCTIONS)
    served = {word for each in card.parts for word in each.serves.split(", ")}
    assert served == set(FUNCTIONS)
    told = {name.strip() for row in part(card, "NIST AI RMF").rows for name in row[2].split(",")}
    assert told <= {each.title for each in card.parts}


def test_what_nobody_wrote_or_measured_is_said(project, bundle, tmp_path):
    card = card_of(bundle)
    assert "not stated; write register.card.purpose" in card.markdown()
    assert "evaluate.robustness asks for it" in part(card, "Robustness").words[0]
    assert "see data.groups" in part(card, "Groups").words[0]
    stated = {"register.card": {"purpose": "To guess | who buys.", "limits": "Not on <Mondays>."}}
    told = replace(project, params=overlay(project.params, stated))
    card = card_of(write_bundle(tmp_path / "told", told.params, told.sources))
    assert "To guess \\| who buys." in card.markdown()
    assert "Not on &lt;Mondays&gt;." in card.html()
    assert "<Mondays>" not in card.html()


def test_the_page_is_whole_and_asks_nobody(bundle, tmp_path):
    card = card_of(bundle)
    paths = write_card(tmp_path, card)
    assert [path.name for path in paths] == ["card.md", "card.html"]
    text = paths[1].read_text()
    assert "data:image/png;base64," in text
    assert "http:" not in text
    assert "https:" not in text
    opened = []

    class Balanced(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "img"):
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Balanced().feed(text)
    assert opened == []
    assert card_of(bundle).html() == card.html()


def test_damage_slices_and_groups_have_tables(bundle):
    path = bundle.folder / "scorecard.json"
    score = {"value": 0.5, "low": 0.4, "high": 0.6}
    damage = [
        {"kind": "clean", "name": "", "strength": 0.0, "label": "", "score": score},
        {"kind": "corruption", "name": "missing_cells", "strength": 5.0, "label": "5", "score": score},
        {"kind": "attack", "name": "pgd", "strength": 0.1, "label": "full", "score": score},
    ]
    slices = [{"text": "town = Ulm", "rows": 40, "score": score, "loss": 2.0}]
    fairness = {"gaps": {"equalized_odds_gap": score}}
    more = {"damage": damage, "damaged_rows": 60, "slices": slices, "fairness": fairness}
    write_json(path, read_json(path) | more)
    card = card_of(bundle)
    shown = "0.5000 (0.4000 to 0.6000)"
    assert part(card, "Slices").rows == (("town = Ulm", "40", shown),)
    assert part(card, "Groups").rows == (("equalized_odds_gap", shown),)
    assert [row[0] for row in part(card, "Robustness").rows] == [
        "clean rows",
        "missing cells, severity 5 of 5",
        "PGD at epsilon 0.1",
    ]


def test_numbers_beyond_training_are_told(bundle):
    rows = pd.DataFrame({"age": [30, 17.5, 150, np.nan, 79], "town": ["Ulm"] * 5}, index=[7, 8, 9, 10, 11])
    found = bundle.outside(rows)
    assert found.keys() == {"age"}
    assert found["age"].places == (1, 2)
    assert found["age"].values == (17.5, 150.0)
    assert (found["age"].low, found["age"].high) == (18, 79)
    assert "column 'age' has 17.5, 150 in 2 rows, beyond what training showed" in found["age"].sentence("age")
    assert bundle.outside(rows.head(1)) == {}
    (bundle.folder / "ranges.json").unlink()
    assert bundle.outside(rows) == {}


def test_a_prediction_names_what_training_never_showed(bundle, tmp_path, capsys):
    (tmp_path / "rows.csv").write_text("age,town\n30,Ulm\n150,Rome\n17.5,Ulm\n40,Paris\n")
    predict(str(bundle.folder), tmp_path / "rows.csv")
    said = capsys.readouterr()
    assert [line.rpartition(",")[2] for line in said.out.splitlines()] == ["outside", "", "town|age", "age", "town"]
    assert "note: column 'town' has 'Paris', 'Rome', which training never showed" in said.err
    assert "note: column 'age' has 150, 17.5 in 2 rows, beyond what training showed (18 to 79)" in said.err
