"""A pretrained encoder from a folder: the library's own numbers, its tokens, its weights as a training's beginning."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from pretrained import BERT, DISTILBERT, PIECES, write_folder
from safetensors.torch import load_file

from nnops.data.prepare import data_fingerprint, own_files, prepare
from nnops.data.tokenizer import Tokenizer, fit_tokenizer
from nnops.errors import DataError, ParamsError
from nnops.models.bert import Encoder, Shape, plain_name
from nnops.params import Text, overlay, parse
from nnops.training.artifact import read_model, write_model
from nnops.training.train import own_sources, train

TEXTS = ["Please pay the bills?", "zebra cards"]
TOKENS = [[1, 6, 16, 10, 14, 4, 23, 2], [1, 3, 11, 4, 2, 0, 0, 0]]
#: What transformers 4.57.6 answers: four numbers each of [CLS] and [SEP] of the first text, a word of the second.
GOLDEN = {
    "bert": [
        [0.16776, -0.11094, 0.22837, -0.35848],
        [-0.23564, -0.05721, 0.90256, -0.57469],
        [-0.41914, 0.09563, 1.15331, -1.18382],
    ],
    "distilbert": [
        [0.13645, 1.55646, 0.41746, -2.18272],
        [0.87025, 0.642, -1.08468, -1.66387],
        [0.71408, -0.11337, -1.22833, -0.47449],
    ],
}
CONFIGS = {"bert": BERT, "distilbert": DISTILBERT}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_numbers_are_those_of_the_library(tmp_path, kind):
    folder = write_folder(tmp_path, CONFIGS[kind])
    encoder = Encoder(Shape.read(json.loads((folder / "config.json").read_text()))).eval()
    given = {plain_name(name): tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    encoder.load_state_dict(given)
    text_BT = torch.tensor(TOKENS)
    with torch.no_grad():
        x_BTD = encoder(text_BT, text_BT != 0)
    seen = torch.stack([x_BTD[0, 0], x_BTD[0, -1], x_BTD[1, 1]])[:, :4]
    torch.testing.assert_close(seen, torch.tensor(GOLDEN[kind]), atol=2e-5, rtol=0)


def test_tokens_are_those_of_the_folder(here):
    write_folder(here / "bert", BERT)
    fitted = fit_tokenizer("text", pd.Series(TEXTS), Text(pretrained="bert"))
    assert (fitted.length, fitted.vocabulary, fitted.unknown) == (8, len(PIECES), 3)
    again = Tokenizer.from_json(json.loads(json.dumps(fitted.to_json())))
    assert again == fitted
    assert again.encode(pd.Series(TEXTS)).tolist() == TOKENS
    short = fit_tokenizer("text", pd.Series(TEXTS), Text(pretrained="bert", length=5))
    assert short.encode(pd.Series(TEXTS)).tolist() == [[1, 6, 16, 10, 2], [1, 3, 11, 4, 2]]  # [SEP] stays
    assert fitted.known(np.array(TOKENS))[1].tolist() == [False, False, True, True] + [False] * 4
    with pytest.raises(DataError, match=r"row 1: text 'text' must hold a known word"):
        fitted.answerable(pd.Series(["zebra"]))


def project(here, kind="bert", **more):
    write_folder(here / "weights", CONFIGS[kind])
    words = PIECES[6:]
    lines = [f"{words[row % 18]} the {words[(row * 5) % 18]},{'ab'[row % 18 > 8]}" for row in range(60)]
    (here / "texts.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    chosen = {
        "data": {
            "source": {"name": "csv", "options": {"path": "texts.csv"}},
            "target": "label",
            "kinds": {"text": "text"},
            "text": {"pretrained": "weights"},
        },
        "model": {"name": "hugging_face", "options": {"folder": "weights", "dropout": 0.0}},
        "train": {"epochs": 2, "batch_size": 16, "restore_best": False},
    }
    chosen = overlay(parse(chosen), more)
    return chosen, prepare(chosen, here / "prepared", here)


def moved(here, trained):
    start = {
        f"backbone.{plain_name(name)}": one for name, one in load_file(here / "weights" / "model.safetensors").items()
    }
    assert set(trained.weights) - set(start) == {"output.weight", "output.bias"}
    return {name for name, tensor in start.items() if not torch.equal(tensor, trained.weights[name])}


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_a_training_begins_with_the_folder_and_learns_what_it_is_told(here, kind):
    chosen, data = project(here, kind)
    assert data.spec.vocabulary == len(PIECES)
    whole = train(chosen, data)
    assert len(moved(here, whole)) > 20
    # Feature extraction: the new layer alone.
    assert moved(here, train(overlay(chosen, {"train.transfer": {"unfrozen": 0}}), data)) == set()
    last = {
        name.rpartition(".")[0]
        for name in moved(here, train(overlay(chosen, {"train.transfer": {"unfrozen": 2}}), data))
    }
    assert last == {"backbone.encoder.layer.1.output.dense", "backbone.encoder.layer.1.output.LayerNorm"}
    gradual = overlay(
        chosen,
        {"train.transfer": {"unfrozen": 0}, "train.changes": [{"after": 1, "set": {"train.transfer.unfrozen": 1}}]},
    )
    kept = here / "kept"
    one = train(gradual, data)
    assert {name.rpartition(".")[0] for name in moved(here, one)} == {"backbone.encoder.layer.1.output.LayerNorm"}
    train(gradual, data, checkpoints=kept, until=1)
    assert train(gradual, data, checkpoints=kept).weights_sha256 == one.weights_sha256
    slow = {"train.transfer": {"rate": 1e-6}, "train.optimizer": {"name": "sgd", "options": {"lr": 0.1}}}
    start = load_file(here / "weights" / "model.safetensors")
    trained = train(overlay(chosen, slow), data)
    assert all(
        float((trained.weights[f"backbone.{plain_name(name)}"] - one).abs().max()) < 1e-5 for name, one in start.items()
    )


def test_what_was_trained_needs_no_folder_any_more(here):
    chosen, data = project(here)
    trained = train(chosen, data)
    assert set(own_sources(chosen)) == {"weights/model.safetensors", "weights/config.json", "weights/tokenizer.json"}
    assert list(own_files(chosen.data)) == ["weights/tokenizer.json"]
    before = data_fingerprint(chosen, here)
    write_model(here / "model", trained, chosen, data)
    (here / "weights" / "tokenizer.json").write_text((here / "weights" / "tokenizer.json").read_text() + " ")
    assert data_fingerprint(chosen, here) != before
    (here / "weights").rename(here / "gone")
    module = read_model(here / "model").module
    with torch.no_grad():
        assert module(torch.tensor(TOKENS)).shape == (2, 1)


def rewrite(here, **changes):
    (here / "weights" / "config.json").write_text(json.dumps({**BERT, **changes}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda here: rewrite(here, model_type="roberta"),
            r"config.json: model_type must be bert or distilbert, got 'rob",
        ),
        (lambda here: rewrite(here, hidden_act="gelu_new"), r"config.json: hidden_act must be one of gelu, relu, silu"),
        (
            lambda here: rewrite(here, max_position_embeddings=4),
            r"takes texts of at most 4 tokens, got 5; set data.text.length",
        ),
        (lambda here: (here / "weights" / "config.json").write_text("{"), r"config.json: not valid JSON"),
        (
            lambda here: (here / "weights" / "config.json").write_text('{"model_type": "bert"}'),
            r"type_vocab_size is missing",
        ),
        (lambda here: (here / "weights" / "config.json").unlink(), r"must hold config.json, tokenizer.json and model"),
        (
            lambda here: rewrite(here, intermediate_size=16),
            r"'backbone.encoder.layer.0.intermediate.dense.weight' in .* shape",
        ),
        (
            lambda here: (here / "weights" / "model.safetensors").rename(here / "weights" / "pytorch_model.bin"),
            r"must hold model.safetensors, but holds pytorch_model.bin, a pickle, which can run code when it is read",
        ),
        (
            lambda here: (here / "weights" / "model.safetensors").write_bytes(b"no"),
            r"holds no weights that can be read",
        ),
    ],
)
def test_a_wrong_folder_is_one_sentence(here, spoil, message):
    chosen, data = project(here)
    spoil(here)
    with pytest.raises(ParamsError, match=message):
        train(chosen, data)


def test_texts_of_another_tokenizer_and_none_at_all_are_refused(here):
    chosen, _ = project(here)
    other = overlay(chosen, {"data.text.pretrained": None})
    with pytest.raises(
        ParamsError, match=r"the encoder knows the 26 tokens of its own tokenizer, but the texts were split"
    ):
        train(other, prepare(other, here / "other", here))
    with pytest.raises(DataError, match=r"data.text.pretrained: nowhere must be a folder with tokenizer.json"):
        prepare(overlay(chosen, {"data.text.pretrained": "nowhere"}), here / "none", here)
    (here / "weights" / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match=r"tokenizer.json: is no tokenizer that the library tokenizers reads"):
        prepare(chosen, here / "broken", here)
    with pytest.raises(ParamsError, match=r"model.options: folder must name the folder of a pretrained encoder"):
        train(overlay(chosen, {"model.options": {}}), prepare(other, here / "again", here))
    with pytest.raises(
        ParamsError, match=r"train.transfer.weights is missing, and the model 'bag' has none of its own"
    ):
        train(
            overlay(other, {"model": {"name": "bag"}, "train.transfer": {"unfrozen": 0}}),
            prepare(other, here / "b", here),
        )
