"""What every augmentation promises, for all of its examples."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from small import SPECS, image_spec, params, small

from nnops.data.augmentations import AUGMENTATIONS
from nnops.data.augmentations.base import About
from nnops.data.sound import Sound
from nnops.data.tokenizer import fit_tokenizer
from nnops.errors import ParamsError
from nnops.params import Text
from nnops.seeding import torch_stream
from nnops.training.train import train

CASES = [
    pytest.param(name, one, id=f"{name}-{place}")
    for name in AUGMENTATIONS.names()
    for place, one in enumerate(AUGMENTATIONS.load(name).examples())
]
ABOUT = About(image_spec((3, 9, 7)), (0.5, 0.4, 0.3), (0.2, 0.25, 0.3))
SOUND = {
    "rate": 8000,
    "samples": 800,
    "window": 200,
    "hop": 100,
    "range_db": 80.0,
    "reference": "peak",
    "silent": "keep",
}
OF_SOUND = About(image_spec((1, 9, 7)), (0.5,), (0.2,), Sound.from_json(SOUND | {"mels": 9}))


TEXTS = ["the card does not pay", "please help with my pin today", "pay", "a fee, and a bill for the card!"]
SYNONYMS = "pay,settle\nhelp,assist\ncard,chip,pin\nbill,fee\n"


def told(one):
    return OF_SOUND if one.of_sound else ABOUT


def batch(about=ABOUT, rows=12):
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(rows, *about.spec.shapes[0], generator=generator)
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (about.mean, about.std))
    return (image - mean) / std, torch.arange(rows) % 3


@pytest.fixture(autouse=True)
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "synonyms.csv").write_text(SYNONYMS)


def staged(one):
    """An augmentation made ready, a batch that it can change, and what it is told of the data."""
    if one.inputs != ("text",):
        about = told(one)
        image, target = batch(about)
        return one.fitted(about), image, target, about
    words = pd.Series([*TEXTS, "settle assist chip"] * 3)
    tokenizer = fit_tokenizer("text", words, Text())
    about = About(replace(SPECS["text"], shapes=((tokenizer.length,),)), tokenizer=tokenizer)
    return one.fitted(about), torch.from_numpy(tokenizer.encode(words[:12])), torch.arange(12) % 3, about


@pytest.mark.parametrize(("name", "one"), CASES)
def test_gives_as_many_rows_of_the_same_kind_and_changes_some(name, one):
    one, image, target, about = staged(one)
    before = image.clone()
    changed = False
    for seed in range(5):
        (out,), answer = one.apply((image,), target, about, torch_stream(seed, "augment/0"))
        assert out.shape == image.shape
        assert out.dtype == image.dtype
        assert out.isfinite().all()
        changed = changed or not torch.equal(out, image)
        if answer.dtype == torch.int64:
            assert torch.equal(answer, target)
        else:
            assert answer.shape == (len(target), 3)
            torch.testing.assert_close(answer.sum(1), torch.ones(len(target)))
    assert changed
    assert torch.equal(image, before), "the batch was changed in place"


@pytest.mark.parametrize(("name", "one"), CASES)
def test_the_stream_decides_all_of_it(name, one):
    one, image, target, about = staged(one)

    def draw(seed):
        return one.apply((image,), target, about, torch_stream(seed, "augment/0"))

    first = [draw(seed) for seed in range(4)]
    torch.rand(3)
    again = [draw(seed) for seed in range(4)]
    assert all(torch.equal(a[0][0], b[0][0]) and torch.equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    assert any(not torch.equal(one[0][0], first[0][0][0]) for one in first[1:])


@pytest.mark.parametrize(("name", "one"), CASES)
def test_soft_targets_stay_shares(name, one):
    one, image, target, about = staged(one)
    soft = torch.nn.functional.one_hot(target, 3).float() * 0.7 + 0.1
    _, answer = one.apply((image,), soft, about, torch_stream(1, "augment/0"))
    torch.testing.assert_close(answer.sum(1), torch.ones(len(target)))


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_data_of_the_wrong_kind_are_refused_in_one_sentence(name, tmp_path):
    data = small(tmp_path, "mixed")
    needs = AUGMENTATIONS.load(name).inputs[0]
    with pytest.raises(
        ParamsError, match=rf"^params.yaml: train.augment.0.name: '{name}' needs {needs}.*leave it out\.$"
    ):
        train(params(train={"augment": [{"name": name}]}), data)


def test_a_training_with_all_of_them_resumes_in_the_same_bits(tmp_path):
    data = small(tmp_path / "data")
    data.schema["sound"] = SOUND | {"mels": 8, "samples": 900}
    chain = [{"name": name} for name in AUGMENTATIONS.names() if "image" in AUGMENTATIONS.load(name).inputs]
    chosen = params(train={"augment": chain})
    whole = train(chosen, data)
    part = train(chosen, data, checkpoints=tmp_path / "kept", report=lambda moment: moment.epoch < 2)
    assert (part.ended, len(part.history)) == ("told", 2)
    rest = train(chosen, data, checkpoints=tmp_path / "kept")
    assert (rest.history, rest.weights_sha256) == (whole.history, whole.weights_sha256)
    plain = train(params(), data)
    assert plain.weights_sha256 != whole.weights_sha256
    assert plain.fingerprint != whole.fingerprint


def test_options_change_on_the_way(tmp_path):
    data = small(tmp_path / "data")
    augment = [{"name": "mixup", "options": {"alpha": 0.1}}]
    change = {"after": 2, "set": {"train.augment.0.options.alpha": 2.0}}
    plain = train(params(train={"augment": augment}), data)
    chosen = params(train={"augment": augment, "changes": [change]})
    changed = train(chosen, data)
    assert changed.history[:2] == plain.history[:2]
    assert changed.history[2] != plain.history[2]
    train(chosen, data, checkpoints=tmp_path / "kept", report=lambda moment: moment.epoch < 2)
    assert train(chosen, data, checkpoints=tmp_path / "kept").weights_sha256 == changed.weights_sha256
