"""A text column: found, tokenized on train alone, refused where it has no words, answered from raw rows."""

import csv
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from nnops.data.infer import infer_file
from nnops.data.prepare import prepare
from nnops.data.preprocess import Preprocess
from nnops.data.tokenizer import UNKNOWN, Tokenizer, fit_tokenizer
from nnops.errors import DataError, ParamsError
from nnops.files import read_json
from nnops.params import Text, parse

TOPICS = {"card": ["card", "pin", "chip"], "money": ["bill", "fee", "pay"]}
FILL = ["please", "help", "me", "with", "the", "one", "that", "does", "not", "work", "today"]


def rows(count=60, seed=0):
    rng = np.random.default_rng(seed)
    for row in range(count):
        topic = list(TOPICS)[row % 2]
        words = [*rng.choice(TOPICS[topic], 2), *rng.choice(FILL, int(rng.integers(2, 9)))]
        yield [f"{' '.join(rng.permutation(words)).capitalize()}? {row}", topic]


def write(folder, lines, header=("text", "label")):
    path = folder / "tickets.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *lines])
    return path


def params(**data):
    source = {"name": "csv", "options": {"path": "tickets.csv"}}
    return parse({"data": {"source": source, "target": "label", **data}})


def test_the_only_column_of_free_text_is_found(tmp_path):
    found = infer_file(write(tmp_path, rows()), "label")
    assert found.data["kinds"] == {"text": "text"}
    assert "words on average" in found.comments["kinds.text"]


def test_beside_a_useful_column_a_text_must_be_asked_for(tmp_path):
    lines = [[text, label, row % 5] for row, (text, label) in enumerate(rows())]
    write(tmp_path, lines, ("text", "label", "length"))
    kinds = {entry["name"]: entry["kind"] for entry in prepare(params(), tmp_path / "a", tmp_path).schema["columns"]}
    assert kinds == {"text": "ignore", "length": "numeric"}
    alone = prepare(params(kinds={"text": "text"}), tmp_path / "b", tmp_path)
    assert {entry["name"]: entry["kind"] for entry in alone.schema["columns"]} == {"text": "text", "length": "ignore"}
    with pytest.raises(ParamsError, match=r"data\.kinds: the text 'text' is learned from alone, but 'length' stands"):
        prepare(params(kinds={"text": "text", "length": "numeric"}), tmp_path / "c", tmp_path)


def test_prepared_texts_are_tokens_of_train_alone_and_the_same_bytes_twice(tmp_path):
    write(tmp_path, rows())
    data = prepare(params(), tmp_path / "a", tmp_path)
    again = prepare(params(), tmp_path / "b", tmp_path)
    assert data.hash == again.hash
    assert (data.folder / "preprocess.json").read_bytes() == (again.folder / "preprocess.json").read_bytes()
    assert data.schema["kind"] == "text"
    assert data.spec.inputs == ("text",)
    train = data.arrays("train")["text"]
    assert train.dtype == np.int64
    assert data.spec.shapes == (train.shape[1:],)
    assert train.max() == data.spec.vocabulary - 1
    words = read_json(data.folder / "preprocess.json")["text"]["model"]["model"]["vocab"]
    assert {"card", "pin"} <= set(words)
    # Each row's number stands once, so it is no word of train, let alone of val and test.
    assert not any(word.isdigit() for word in words)
    report = read_json(data.folder / "report.json")["columns"][0]
    assert report["unknown"]["train"] > 0
    assert report["cut"]["train"] == 0


def test_every_option_decides(tmp_path):
    write(tmp_path, rows())
    short = prepare(params(text={"length": 3, "vocabulary": 8}), tmp_path / "a", tmp_path)
    assert (short.spec.shapes, short.spec.vocabulary) == (((3,),), 8)
    assert any("is cut to 3 tokens" in note for note in read_json(short.folder / "report.json")["notes"])
    pieces = prepare(params(text={"tokenizer": "bpe", "vocabulary": 280, "lower": False}), tmp_path / "b", tmp_path)
    assert pieces.spec.vocabulary == 280
    # Bytes are pieces, so nothing is unknown.
    assert not any((pieces.arrays(split)["text"] == UNKNOWN).any() for split in ("train", "val", "test"))
    with pytest.raises(DataError, match=r"data\.text\.vocabulary must be above 258 with tokenizer: bpe"):
        prepare(params(text={"tokenizer": "bpe", "vocabulary": 100}), tmp_path / "c", tmp_path)


@pytest.mark.parametrize("kind", ["bpe", "word"])
def test_tokens_do_not_depend_on_the_order_of_rows_and_survive_json(kind):
    texts = pd.Series([text for text, _ in rows()])
    options = Text(tokenizer=kind, vocabulary=300)
    first = fit_tokenizer("text", texts, options)
    assert fit_tokenizer("text", texts[::-1], options) == first
    back = Tokenizer.from_json(json.loads(json.dumps(first.to_json())))
    np.testing.assert_array_equal(back.encode(texts), first.encode(texts))


def test_pieces_join_to_the_text_they_came_from():
    fitted = fit_tokenizer("text", pd.Series([text for text, _ in rows()]), Text(tokenizer="bpe", vocabulary=300))
    assert fitted.join(fitted.split(["where is my card?"])[0]) == "where is my card?"


def test_an_empty_text_is_refused_dropped_or_unknown_as_params_say(tmp_path):
    lines = list(rows())
    lines[6][0] = "  "
    write(tmp_path, lines)
    with pytest.raises(DataError, match=r"tickets\.csv: row 7: text 'text' must hold a word, but is empty \(1 of 60"):
        prepare(params(), tmp_path / "a", tmp_path)
    dropped = prepare(params(text={"empty": "drop"}), tmp_path / "b", tmp_path)
    assert sum(dropped.rows(split) for split in ("train", "val", "test")) == 59
    kept = prepare(params(text={"empty": "unknown"}), tmp_path / "c", tmp_path)
    texts = np.concatenate([kept.arrays(split)["text"] for split in ("train", "val", "test")])
    assert len(texts) == 60
    assert (texts[:, 0] > 0).all()


def test_texts_without_any_word_and_splits_in_another_language_are_refused(tmp_path):
    write(tmp_path, [[" ", label] for _, label in rows()])
    with pytest.raises(DataError, match="all 60 texts are empty"):
        prepare(params(kinds={"text": "text"}), tmp_path / "a", tmp_path)
    write(tmp_path, [[f"a{row} b{row} c{row}", label] for row, (_, label) in enumerate(rows())])
    with pytest.raises(DataError, match=r"must hold words that occur 2 times .* lower data\.text\.min_frequency"):
        prepare(params(), tmp_path / "a", tmp_path)
    with pytest.raises(DataError, match=r"row \d+: text 'text' must hold words of the train split, but none of the 9"):
        prepare(params(text={"min_frequency": 1}), tmp_path / "a", tmp_path)


def test_rows_to_predict_without_a_known_word_are_refused_by_row(tmp_path):
    write(tmp_path, rows())
    strict, kind = (
        Preprocess.from_json(
            read_json(prepare(params(text=text), tmp_path / name, tmp_path).folder / "preprocess.json")
        )
        for name, text in (("a", {}), ("b", {"empty": "unknown"}))
    )
    given = pd.DataFrame({"text": ["my card", "xyzzy plugh"]})
    with pytest.raises(DataError, match=r"row 2: text 'text' must hold a known word, but has none .* in 'xyzzy plugh'"):
        strict.transform(given)
    with pytest.raises(DataError, match=r"row 1: text 'text' must hold a known word, but is empty"):
        strict.transform(pd.DataFrame({"text": [""]}))
    assert kind.transform(given)["text"][1, 0] == UNKNOWN
    with pytest.raises(DataError, match="must have the column 'text'"):
        strict.transform(pd.DataFrame({"words": ["my card"]}))


def test_without_the_library_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    write(tmp_path, rows())
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(DataError, match="texts need the library tokenizers, which is not installed; pip install"):
        prepare(params(), tmp_path / "a", tmp_path)


def test_raw_texts_become_tokens_without_torch(tmp_path):
    write(tmp_path, rows())
    data = prepare(params(), tmp_path / "a", tmp_path)
    code = f"""
import sys
from pathlib import Path
from nnops.data.preprocess import Preprocess
from nnops.data.rows import read_rows
from nnops.files import read_json
folder = Path({str(data.folder)!r})
schema = read_json(folder / "schema.json")
for name, text in (("raw.csv", "text\\nmy card\\n"), ("raw.txt", "my card\\n")):
    (folder / name).write_text(text)
    rows = read_rows(folder / name, schema)
    tokens = Preprocess.from_json(read_json(folder / "preprocess.json")).transform(rows)["text"]
    assert tokens.shape == (1, *schema["spec"]["shapes"][0]) and tokens[0, 0] == 1 < tokens[0, 1], tokens
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
