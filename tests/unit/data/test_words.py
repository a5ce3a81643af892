"""Augmentations of texts: what each does to words, the user's table, and a training with all of them."""

import random
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from nnops.data.augmentations.base import About
from nnops.data.augmentations.random_deletion import RandomDeletion
from nnops.data.augmentations.random_swap import RandomSwap
from nnops.data.augmentations.synonyms import Synonyms, read_synonyms
from nnops.data.augmentations.words import split_words
from nnops.data.prepare import data_fingerprint, prepare
from nnops.data.tokenizer import fit_tokenizer
from nnops.errors import DataError, InputError, ParamsError
from nnops.files import read_json
from nnops.listed import check_listed
from nnops.params import Text, overlay, parse
from nnops.seeding import torch_stream
from nnops.training.train import name_result, own_sources, train

TEXTS = ["please pay the bill", "the card, a chip card", "settle the bill with a card", "don't pay"]
WORDS = [(place,) for place in range(2, 12)]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tokens(**options):
    return fit_tokenizer("text", pd.Series(TEXTS * 2), Text(**options))


def about(tokenizer):
    from small import SPECS

    return About(replace(SPECS["text"], shapes=((tokenizer.length,),)), tokenizer=tokenizer)


def changed(one, texts, tokenizer, seed=0):
    told = about(tokenizer)
    rows = torch.from_numpy(tokenizer.encode(pd.Series(texts)))
    (out,), _ = one.fitted(told).apply((rows,), torch.zeros(len(texts)), told, torch_stream(seed, "augment/0"))
    return [tokenizer.join(row) for row in out.tolist()]


def test_deletion_leaves_out_the_share_and_never_all():
    one = RandomDeletion(share=0.3, probability=1.0)
    left = [one.change(WORDS, random.Random(seed)) for seed in range(400)]
    assert all(word in WORDS for text in left for word in text)
    assert all(sorted(text) == text for text in left)  # the order stays
    assert np.mean([len(text) for text in left]) == pytest.approx(7, abs=0.3)
    assert all(RandomDeletion(share=0.99).change(WORDS, random.Random(seed)) for seed in range(100))


def test_swap_keeps_every_word():
    one = RandomSwap(share=0.1, probability=1.0)
    swapped = [one.change(WORDS, random.Random(seed)) for seed in range(100)]
    assert all(sorted(text) == WORDS for text in swapped)
    # One of ten words: two change places, unless a word is drawn twice.
    assert {sum(a != b for a, b in zip(text, WORDS, strict=True)) for text in swapped} == {0, 2}


@pytest.mark.parametrize("tokenizer", ["word", "bpe"])
def test_synonyms_come_from_the_table_for_whole_words(here, tokenizer):
    (here / "table.csv").write_text("pay,settle,foot the bill\nCard,chip\nzebra,horse\n", encoding="utf-8")
    fitted = tokens(tokenizer=tokenizer, vocabulary=300, min_frequency=1, length=40)
    one = Synonyms(path="table.csv", share=0.99, probability=1.0)
    seen = {changed(one, ["the card to pay"], fitted, seed)[0].replace("[UNK]", "to") for seed in range(20)}
    # With whole words, 'foot' is unknown to train, so it is never taken.
    wanted = {"the chip to settle"} | ({"the chip to foot the bill"} if tokenizer == "bpe" else set())
    assert seen == wanted


def test_pieces_of_a_word_stay_together():
    fitted = tokens(tokenizer="bpe", vocabulary=270, min_frequency=1)
    coded = fitted.split(["pay the card, don't settle \u00e9t\u00e9"])[0]
    words = [fitted.join(word).strip() for word in split_words(coded, fitted.begins_words())]
    assert words == ["pay", "the", "card", ",", "don", "'t", "settle", "\u00e9t\u00e9"]


def test_a_text_that_grows_is_cut(here):
    (here / "t.json").write_text('{"pay": ["settle the bill with a card"]}')
    fitted = tokens(min_frequency=1)
    (text,) = changed(Synonyms(path="t.json", probability=1.0), ["pay pay pay pay pay"], fitted)
    assert len(text.split()) == fitted.length


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "t.csv: must hold a word and its synonyms in each line, but is empty"),
        ("t.csv", "pay,settle\nbill\n", "t.csv: line 2: must hold a word and its synonyms, .* got 'bill'"),
        ("t.csv", "credit card,chip\n", "t.csv: 'credit card' must be one word to be replaced"),
        ("t.csv", "horse,zebra\n", "t.csv: must hold words of the train split .* such as 'horse'"),
        ("t.tsv", "pay\tsettle\n\tbill\n", "t.tsv: line 2: must hold a word"),
        ("t.json", "{", "t.json: line 1: not valid JSON"),
        ("t.json", "[]", "t.json: must hold words with lists of synonyms"),
        ("t.json", '{"pay": "settle"}', "t.json: 'pay' must have a list of synonyms such as .*, got 'settle'"),
        ("t.csv", None, "u.csv: no such file; did you mean 't.csv'"),
    ],
)
def test_a_wrong_table_is_one_sentence(here, name, content, message):
    (here / name).write_text(content or "")
    one = Synonyms(path=name if content is not None else "u.csv")
    with pytest.raises(DataError, match=message):
        one.fitted(about(tokens()))


def test_tables_of_all_forms_are_the_same(here):
    (here / "t.csv").write_text("pay;settle\n\nbill;fee;charge\n")
    (here / "t.tsv").write_text("pay\tsettle\nbill\tfee\tcharge\n")
    (here / "t.json").write_text('{"pay": ["settle"], "bill": ["fee", "charge"]}')
    first, *others = (read_synonyms(here / name) for name in ("t.csv", "t.tsv", "t.json"))
    assert first == [("pay", ["settle"]), ("bill", ["fee", "charge"])]
    assert all(one == first for one in others)


def texts(folder, rows=48):
    lines = [f'"{TEXTS[row % 4]} {row % 7}",{"ab"[row % 2]}' for row in range(rows)]
    (folder / "texts.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    source = {"name": "csv", "options": {"path": "texts.csv"}}
    chosen = parse(
        {
            "data": {"source": source, "target": "label", "kinds": {"text": "text"}},
            "model": {"name": "bag", "options": {"width": 4, "pairs": 16}},
            "train": {
                "epochs": 3,
                "batch_size": 16,
                "augment": [
                    {"name": "synonyms", "options": {"path": "words.csv"}},
                    {"name": "random_deletion"},
                    {"name": "random_swap", "options": {"share": 0.3}},
                ],
            },
        }
    )
    (folder / "words.csv").write_text("pay,settle\n")
    return chosen, prepare(chosen, folder / "prepared", folder)


def test_a_training_resumes_in_the_same_bits_and_knows_its_table(here):
    chosen, data = texts(here)
    whole = train(chosen, data)
    train(chosen, data, checkpoints=here / "kept", report=lambda moment: moment.epoch < 1)
    assert train(chosen, data, checkpoints=here / "kept").weights_sha256 == whole.weights_sha256
    assert train(overlay(chosen, {"train.augment": []}), data).weights_sha256 != whole.weights_sha256
    assert list(own_sources(chosen)) == ["words.csv"]
    (here / "words.csv").write_text("pay,settle\nbill,card\n")
    assert name_result(chosen, data) != whole.fingerprint
    (here / "dvc.yaml").write_text("stages: {train: {cmd: x, deps: [pipelines/train.py]}}\n")
    with pytest.raises(InputError, match=r"the stage train must depend on 'words\.csv'"):
        check_listed(own_sources(chosen), here, "train", {})


OWN = """
import random

def turned(texts, seed, word="well"):
    chance = random.Random(seed)
    return [text if row % 3 == 0 else f"{text} {word} {chance.randrange(3)}" for row, text in enumerate(texts)]

def broken(texts, seed):
    raise RuntimeError("no model here")

def short(texts, seed):
    return texts[1:]

def numbers(texts, seed):
    return [1] * len(texts)
"""


@pytest.fixture
def own(here):
    (here / "turn_words.py").write_text(OWN)
    yield "turn_words"
    sys.modules.pop("turn_words", None)


def test_texts_in_other_words_are_rows_of_train_alone(here, own):
    chosen, plain = texts(here)
    rewrite = {"path": f"{own}:turned", "copies": 2, "arguments": {"word": "zzz"}}
    chosen = overlay(chosen, {"data.text.rewrite": rewrite, "data.text.length": 12})
    data = prepare(chosen, here / "more", here)
    again = prepare(chosen, here / "again", here)
    plain = prepare(overlay(chosen, {"data.text.rewrite": None}), here / "plain", here)
    assert data.hash == again.hash
    # Two thirds of the texts change; copies that are the same are not taken twice.
    rows = plain.rows("train")
    assert rows * 5 // 3 <= data.rows("train") <= rows * 7 // 3
    assert [data.rows(split) for split in ("val", "test")] == [plain.rows(split) for split in ("val", "test")]
    # The vocabulary stays that of the texts as they came.
    assert data.spec == plain.spec
    first, more = plain.arrays("train"), data.arrays("train")
    np.testing.assert_array_equal(more["text"][:rows], first["text"])
    assert len(np.unique(more["text"], axis=0)) > len(np.unique(first["text"], axis=0))
    held = {row.tobytes() for split in ("val", "test") for row in data.arrays(split)["text"]}
    assert not any(row.tobytes() in held for row in more["text"][rows:])
    notes = read_json(here / "more" / "report.json")["notes"]
    assert f"{data.rows('train') - rows} rows of train are texts in other words, by turn_words:turned." in notes
    before = data_fingerprint(chosen, here)
    (here / "turn_words.py").write_text(OWN + "\n# changed\n")
    assert data_fingerprint(chosen, here) != before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("turned2", r"turn_words has no turned2; unknown name 'turned2'; did you mean 'turned'"),
        ("broken", r"turn_words:broken fails: RuntimeError: no model here\."),
        ("short", r"turn_words:short must give a list of \d+ texts, one for each, got a list of \d+"),
        ("numbers", r"turn_words:numbers must give texts, got 1 for "),
    ],
)
def test_a_function_that_does_not_rewrite_is_one_sentence(here, own, name, message):
    chosen, _ = texts(here)
    with pytest.raises(ParamsError, match=rf"^params.yaml: data\.text\.rewrite\.path: {message}"):
        prepare(overlay(chosen, {"data.text.rewrite": {"path": f"{own}:{name}"}}), here / "more", here)


def test_a_table_has_nothing_to_rewrite(here, own):
    source = {"name": "sklearn", "options": {"set": "iris"}}
    with pytest.raises(ParamsError, match=r"data\.text\.rewrite needs a column of texts"):
        prepare(parse({"data": {"source": source, "text": {"rewrite": {"path": f"{own}:turned"}}}}), here / "p", here)
