"""Pairs of texts: told apart, cut into tokens of train, and refused by row where one is empty."""

import csv

import numpy as np
import pytest

from nnops.data.infer_text import infer_texts
from nnops.data.prepare import prepare
from nnops.data.preprocess import Preprocess
from nnops.data.tokenizer import END
from nnops.errors import DataError, ParamsError
from nnops.files import read_json
from nnops.params import parse


def write(folder, count=60, change=(), header=("word", "turned")):
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(count):
        word = "".join(rng.choice(list("abcdef"), int(rng.integers(2, 7))))
        rows.append([word, word[::-1], "x"][: len(header)])
    for row, column, value in change:
        rows[row][column] = value
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return folder / "pairs.csv"


def params(**data):
    source = {"name": "csv", "options": {"path": "pairs.csv"}}
    text = {"tokenizer": "bpe", "vocabulary": 262} | data.pop("text", {})
    return parse({"data": {"source": source, "target": "turned", "task": "sequence", "text": text, **data}})


def test_tokens_join_to_the_texts_they_came_from_and_the_answer_is_moved_on(tmp_path):
    write(tmp_path)
    data = prepare(params(), tmp_path / "a", tmp_path)
    assert prepare(params(), tmp_path / "b", tmp_path).hash == data.hash
    fitted = Preprocess.from_json(read_json(data.folder / "preprocess.json"))
    (steps,), (told,) = data.spec.shapes
    assert (data.spec.inputs, data.spec.outputs) == (("text", "answer"), fitted.answer.vocabulary)
    for split in ("train", "val", "test"):
        arrays = data.arrays(split)
        assert arrays["text"].shape[1:] == (steps,)
        for text, answer, target in zip(arrays["text"], arrays["answer"], arrays["target"], strict=True):
            assert fitted.answer.join(target) == fitted.text.join(text)[::-1]
            there = int((target > 0).sum())
            assert target[there - 1] == END
            assert answer[:there].tolist() == [END, *target[: there - 1]]
            assert not answer[there:].any()
    assert (data.arrays("train")["target"] == END).any(1).all()
    assert told == max((data.arrays("train")["target"] > 0).sum(1))


def test_long_answers_are_cut_as_params_say(tmp_path):
    write(tmp_path)
    data = prepare(params(text={"length": 3, "answer": 2}), tmp_path / "a", tmp_path)
    assert data.spec.shapes == ((3,), (2,))
    notes = " ".join(read_json(data.folder / "report.json")["notes"])
    assert "Text 'word' is cut to 3 tokens" in notes
    assert "Text 'turned' is cut to 2 tokens" in notes


def test_init_finds_the_longest_column_beside_the_answers(tmp_path):
    found = infer_texts("sequence", write(tmp_path, header=("word", "turned", "note")), "turned", None)
    assert found.data["kinds"] == {"word": "text", "note": "ignore"}
    assert found.data["text"]["tokenizer"] == "bpe"
    record = parse({"data": found.data | {"source": {"name": "csv", "options": {"path": "pairs.csv"}}}})
    data = prepare(record, tmp_path / "a", tmp_path)
    assert [entry["kind"] for entry in data.schema["columns"]] == ["text", "ignore"]


def test_what_is_no_pair_is_refused_in_one_sentence(tmp_path):
    def refuse(words, kind=DataError, **data):
        with pytest.raises(kind, match=words):
            prepare(params(**data), tmp_path / "a", tmp_path)

    write(tmp_path, change=[(6, 1, " ")])
    refuse(r"pairs\.csv: row 7: target 'turned' must hold text, but is empty \(1 of 60 is\)")
    dropped = prepare(params(text={"empty": "drop"}), tmp_path / "b", tmp_path)
    assert sum(dropped.rows(split) for split in ("train", "val", "test")) == 59
    write(tmp_path, change=[(3, 0, "")])
    refuse(r"pairs\.csv: row 4: text 'word' must hold a word, but is empty")
    write(tmp_path, change=[(row, 1, "") for row in range(60)])
    refuse(r"target 'turned' must hold texts, but all 60 are empty")
    write(tmp_path)
    refuse(r"the target column 'turnd' does not exist; did you mean 'turned'", target="turnd")
    refuse(r"data\.kinds: pairs\.csv: unknown column 'wrd'", ParamsError, kinds={"wrd": "text"})
    refuse(r"data\.kinds must call one column of pairs\.csv a text.*got none", ParamsError, kinds={"word": "ignore"})
    refuse(r"data\.text\.tokenizer must be bpe for the task sequence", ParamsError, text={"tokenizer": "word"})
    write(tmp_path, header=("word", "turned", "note"))
    refuse(r"data\.kinds must call one column .* got word and note", ParamsError)
    with pytest.raises(DataError, match="say which column holds the answers with --target"):
        infer_texts("sequence", tmp_path / "pairs.csv", None, None)
