"""A corpus: read, dealt to splits, laid in blocks that tell every token once; and what is refused."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

from nnops.data.infer_text import infer_texts, is_corpus
from nnops.data.prepare import prepare
from nnops.data.preprocess import Preprocess
from nnops.data.tokenizer import END, fit_tokenizer
from nnops.errors import DataError, InputError, ParamsError
from nnops.files import read_json
from nnops.params import Text, parse

LINES = [f"The {size} {animal} of number {place} sat — on the mat." for place in range(12) for size in ("big", "small")
         for animal in ("cat", "dög", "cow")]  # fmt: skip
TEXT = "\n".join(LINES) + "\n"


def params(path="corpus.txt", **data):
    source = {"name": "corpus", "options": {"path": path}}
    text = {"tokenizer": "bpe", "vocabulary": 300, "length": 16, "lower": False} | data.pop("text", {})
    return parse({"data": {"source": source, "target": "text", "task": "language_model", "text": text, **data}})


def tokens_of(data, split):
    """All tokens of a split that are told, in order."""
    target = data.arrays(split)["target"]
    return target[target > 0].tolist()


def join(data, tokens):
    return Preprocess.from_json(read_json(data.folder / "preprocess.json")).text.join(tokens)


def test_blocks_tell_every_token_once_and_pieces_join_to_the_text(tmp_path):
    (tmp_path / "corpus.txt").write_text(TEXT, encoding="utf-8")
    data = prepare(params(), tmp_path / "a", tmp_path)
    assert data.spec.shapes == ((16,),)
    assert data.spec.outputs == data.spec.vocabulary == 300
    assert "".join(join(data, tokens_of(data, split)) for split in ("train", "val", "test")) == TEXT
    for split in ("train", "val", "test"):
        text, target = (data.arrays(split)[name] for name in ("text", "target"))
        assert text[0, 0] == END
        assert tokens_of(data, split)[-1] == END
        there = target.ravel() > 0
        # Each block begins with the token that the one before it ends with.
        np.testing.assert_array_equal(text.ravel()[there][1:], target.ravel()[there][:-1])
        assert (text.ravel()[~there] == 0).all()
    assert prepare(params(), tmp_path / "b", tmp_path).hash == data.hash
    assert "Blocks of 16 tokens" in read_json(data.folder / "report.json")["notes"][0]
    assert "tokens of text" in (data.folder / "report.html").read_text()


def test_characters_of_tokens_add_up_to_the_texts_length(tmp_path):
    (tmp_path / "corpus.txt").write_text(TEXT, encoding="utf-8")
    data = prepare(params(), tmp_path / "a", tmp_path)
    told = [token for split in ("train", "val", "test") for token in tokens_of(data, split)]
    assert int(data.characters[told].sum()) == len(TEXT)


def test_a_folder_is_read_by_name_and_of_few_texts_each_is_in_every_split(tmp_path):
    (tmp_path / "texts" / "b").mkdir(parents=True)
    (tmp_path / "texts" / "b" / "two.txt").write_text(TEXT.upper(), encoding="utf-8")
    (tmp_path / "texts" / "a.txt").write_bytes(TEXT.replace("\n", "\r\n").encode())
    (tmp_path / "texts" / "notes.md").write_text("left out")
    assert is_corpus(tmp_path / "texts")
    data = prepare(params("texts"), tmp_path / "a", tmp_path)
    for split in ("train", "val", "test"):
        both = join(data, tokens_of(data, split))
        assert tokens_of(data, split).count(END) == 2
        assert 0 < both.index("THE") < len(both) and both.startswith("The")  # noqa: PT018


def test_many_texts_of_a_table_are_dealt_whole(tmp_path):
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["line", "n"], *([line, place] for place, line in enumerate(LINES))])
    found = infer_texts("language_model", tmp_path / "t.csv", "line", None).data
    assert found["source"]["name"] == "csv"
    assert found["text"]["tokenizer"] == "bpe"
    given = params(text={"length": 12})
    record = given.record()
    record["data"] |= {"source": found["source"], "target": "line"}
    data = prepare(parse(record), tmp_path / "a", tmp_path)
    dealt = [join(data, [token]) for token in tokens_of(data, "train")]
    assert "".join(dealt).count("The ") == tokens_of(data, "train").count(END)
    ends = [tokens_of(data, split).count(END) for split in ("train", "val", "test")]
    assert ends == [50, 11, 11]


def test_a_text_that_holds_the_letters_of_a_sign_is_a_text():
    fitted = fit_tokenizer("text", pd.Series([TEXT]), Text(tokenizer="bpe", vocabulary=300, lower=False), ending=True)
    (tokens,) = fitted.split(["[PAD] and [END] are words"])
    assert min(tokens) > END
    assert fitted.join([END, *tokens, 0, END]) == "[PAD] and [END] are words"
    assert len(fitted.characters) == 300
    json.dumps(fitted.to_json())


def test_what_is_no_corpus_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "corpus.txt"

    def refuse(words, kind=DataError, **data):
        with pytest.raises(kind, match=words):
            prepare(params(**data), tmp_path / "a", tmp_path)

    path.write_text(" \n\n")
    refuse(r"^corpus\.txt: must hold text, but it is empty; ")
    path.write_text("A few words on one line. And a few more.\n")
    refuse(r"corpus\.txt: the train split must hold more than 64 tokens, one block, got \d+; ", text={"length": 64})
    path.write_text(TEXT)
    refuse(r"data\.text\.tokenizer must be bpe for the task language_model", ParamsError, text={"tokenizer": "word"})
    refuse(r"data\.text\.vocabulary must be above 259 with tokenizer: bpe", text={"vocabulary": 259})
    refuse(r"data\.split\.by must be auto or random", ParamsError, split={"by": "stratified"})
    refuse(r"data\.target: corpus\.txt: unknown column 'words'", ParamsError, target="words")
    (tmp_path / "none").mkdir()
    refuse(r"none: must hold \.txt files, found none", path="none")
    with pytest.raises(InputError, match=r"--task must be language_model"):
        infer_texts("summary", path, None, None)
    path.write_bytes(b"\x00\x01\x02")
    refuse(r"corpus\.txt: must be a text file, but it holds binary data")
