"""Fronts, positions, pairs and pools of sequences, beside a derivation in NumPy or torch's own."""

import numpy as np
import pytest
import torch

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.bag import PRIME, Bag, pair_codes
from nnops.models.position import build_positions, sinusoids
from nnops.models.sequence import Front, masked_max, masked_mean, require_sequence
from nnops.models.transformer import Attention, Transformer

TEXT = Spec("multiclass", ("text",), ((5,),), (), 3, vocabulary=9)
SERIES = Spec("regression", ("series",), ((6, 2),), (), 1)


def test_sinusoids_are_those_of_the_paper():
    expected = np.zeros((7, 5))
    for t in range(7):
        for i in range(5):
            angle = t / 10000 ** (2 * (i // 2) / 5)
            expected[t, i] = np.sin(angle) if i % 2 == 0 else np.cos(angle)
    np.testing.assert_allclose(sinusoids(7, 5).numpy(), expected, atol=1e-6)


def test_learned_positions_are_weights_and_none_adds_nothing():
    x = torch.zeros(2, 3, 4)
    assert not torch.equal(build_positions("learned", 5, 4)(x), x)
    assert torch.equal(build_positions("none", 5, 4)(x), x)
    assert [p.shape for p in build_positions("learned", 5, 4).parameters()] == [(5, 4)]
    assert not list(build_positions("sinusoidal", 5, 4).state_dict())


def test_pools_look_at_valid_steps_alone():
    x = torch.tensor([[[1.0, -9.0], [3.0, -1.0], [100.0, 100.0]], [[5.0, 5.0]] * 3])
    valid = torch.tensor([[True, True, False], [False, False, False]])
    assert masked_mean(x, valid).tolist() == [[2.0, -5.0], [0.0, 0.0]]
    assert masked_max(x, valid).tolist() == [[3.0, -1.0], [0.0, 0.0]]


def test_a_front_takes_texts_and_series_and_cuts_texts_to_the_longest():
    x, valid = Front(TEXT, 4)(torch.tensor([[3, 4, 0, 0, 0], [2, 0, 0, 0, 0]]))
    assert x.shape == (2, 2, 4)
    assert valid.tolist() == [[True, True], [True, False]]
    assert x[1, 1].abs().sum() == 0
    x, valid = Front(SERIES, 4)(torch.randn(2, 6, 2))
    assert x.shape == (2, 6, 4)
    assert valid.all()
    x, _ = Front(TEXT, 4, trim=False)(torch.tensor([[3, 0, 0, 0, 0]]))
    assert x.shape == (1, 5, 4)


def test_pairs_are_hashed_into_their_buckets_and_padding_stays():
    codes = pair_codes(torch.tensor([[3, 4, 3, 4, 0]]), 11).tolist()
    assert codes == [[3 % 11 + 1, *((a * PRIME + b) % 11 + 1 for a, b in ((3, 4), (4, 3), (3, 4))), 0]]


def test_order_matters_to_pairs_and_to_positions_alone():
    there, back = torch.tensor([[2, 3, 4]]), torch.tensor([[4, 3, 2]])

    def same(model):
        torch.manual_seed(0)
        network = model.build(TEXT).eval()
        return torch.allclose(network(there), network(back), atol=1e-6)

    assert same(Bag(width=4, pairs=0))
    assert not same(Bag(width=4, pairs=64))
    assert same(Transformer(width=8, heads=2, positions="none"))
    assert not same(Transformer(width=8, heads=2))


def test_attention_is_torchs_own():
    torch.manual_seed(0)
    ours = Attention(8, 2)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.project.weight)
        theirs.in_proj_bias.copy_(ours.project.bias.uniform_())
        theirs.out_proj.weight.copy_(ours.out.weight)
        theirs.out_proj.bias.copy_(ours.out.bias.uniform_())
    x, valid = torch.randn(3, 5, 8), torch.arange(5) < torch.tensor([[5], [2], [3]])
    expected, _ = theirs(x, x, x, key_padding_mask=~valid, need_weights=False)
    torch.testing.assert_close(ours(x, valid), expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 10, "heads": 4}, "width must be a multiple of heads=4, got 10"),
        ({"positions": "round"}, "positions"),
    ],
)
def test_a_transformers_options_are_judged(options, words):
    from nnops.models import MODELS

    with pytest.raises(ParamsError, match=words):
        MODELS.build("transformer", options, "model")


def test_a_bag_pools_in_some_way_and_takes_texts_alone():
    from nnops.models import MODELS

    for wrong in ([], ["mean", "mean"]):
        with pytest.raises(ParamsError, match=r"must be \[mean\], \[max\] or \[mean, max\]"):
            MODELS.build("bag", {"pooling": wrong}, "model")
    with pytest.raises(ParamsError, match=r"'bag' needs texts, but the data have series; write"):
        require_sequence("bag", SERIES, ("text",))


def test_left_out_words_change_training_alone():
    torch.manual_seed(0)
    network = Bag(width=4, word_dropout=0.5, dropout=0.0).build(TEXT)
    text = torch.tensor([[2, 3, 4, 5, 6]])
    assert not torch.equal(network.train()(text), network.train()(text))
    assert torch.equal(network.eval()(text), network.eval()(text))
