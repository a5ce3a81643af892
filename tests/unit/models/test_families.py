"""The shapes of the families: layers in the order that the docs promise, sizes counted by hand, refusals."""

import pytest
import torch
from small import SPECS, image_spec
from torch import nn

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models import MODELS
from nnops.models.cnn import Cnn
from nnops.models.mlp import Mlp
from nnops.models.resnet import Resnet


def kinds(layers):
    return [type(layer).__name__ for layer in layers]


def size(network):
    return sum(weight.numel() for weight in network.parameters())


def test_mlp_layers():
    network = Mlp(hidden=(5, 4), activation="tanh", dropout=0.1, norm=True).build(image_spec())
    block = ["Linear", "BatchNorm1d", "Tanh", "Dropout"]
    assert kinds(network.layers) == [*block, *block, "Linear"]
    assert size(Mlp(hidden=(5, 4)).build(image_spec())) == 64 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3


def test_mlp_without_hidden_layers_is_linear():
    assert size(Mlp(hidden=()).build(SPECS["numeric"])) == 4 + 1


def test_mlp_embeds_each_column_by_fastais_rule():
    spec = Spec("binary", ("categories",), ((3,),), (2, 9, 5000), 1)
    network = Mlp(hidden=(4,)).build(spec)
    assert [(e.num_embeddings, e.embedding_dim) for e in network.embeddings] == [(2, 2), (9, 5), (5000, 32)]
    assert network.layers[0].in_features == 2 + 5 + 32
    assert network(torch.tensor([[0, 8, 4999], [1, 0, 0]])).shape == (2, 1)


def test_mlp_gives_each_category_its_own_effect():
    network = Mlp(hidden=(), embedding_max=2).build(SPECS["mixed"])
    with torch.no_grad():
        for layer in (*network.embeddings, network.layers[0]):
            layer.weight.zero_()
        network.embeddings[1].weight[3, 0] = 2.0
        network.layers[0].weight[0, 4 + 2] = 1.0  # numeric first, then the first column, then the second
    answers = network(torch.randn(9, 4), torch.stack([torch.zeros(9).long(), torch.arange(9)], 1))[:, 0]
    assert answers.tolist() == [0, 0, 0, 2, 0, 0, 0, 0, 0]


def test_cnn_layers_and_sizes():
    network = Cnn(channels=(4, 6), hidden=(8,), norm=True, dropout=0.1).build(image_spec((1, 28, 28)))
    block = ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    assert kinds(network.layers) == [*block, *block, "Flatten", "Linear", "ReLU", "Dropout", "Linear"]
    convolutions = 4 * 9 + 8 + 4 * 6 * 9 + 12
    assert size(network) == convolutions + 6 * 7 * 7 * 8 + 8 + 8 * 3 + 3


def test_cnn_takes_images_that_are_no_squares():
    network = Cnn(channels=(2, 3), pooling="average", hidden=()).build(image_spec((3, 17, 12)))
    assert network.layers[-1].in_features == 3 * 4 * 3
    assert kinds(network.layers).count("AvgPool2d") == 2


def test_resnet_20_has_the_papers_size():
    """He et al. 2016, table 6: 0.27 million weights; here with shortcuts of option B."""
    spec = Spec("multiclass", ("image",), ((3, 32, 32),), (), 10)
    network = Resnet(channels=(16, 32, 64), blocks=3).build(spec)
    convolutions = 3 * 16 * 9 + 6 * 16 * 16 * 9
    convolutions += 16 * 32 * 9 + 5 * 32 * 32 * 9 + 32 * 64 * 9 + 5 * 64 * 64 * 9 + 16 * 32 + 32 * 64
    norms = 2 * (7 * 16 + 7 * 32 + 7 * 64)
    assert size(network) == convolutions + norms + 64 * 10 + 10
    assert sum(isinstance(layer, nn.Conv2d) for layer in network.modules()) == 19 + 2
    assert network.blocks(network.stem(torch.zeros(2, 3, 32, 32))).shape == (2, 64, 8, 8)


def test_a_residual_block_that_learned_nothing_passes_its_input():
    network = Resnet(channels=(4,)).build(image_spec())
    block = network.blocks[0].eval()
    nn.init.zeros_(block.residual[-1].weight)
    image = torch.rand(2, 4, 8, 8)
    assert torch.equal(block(image), image)


@pytest.mark.parametrize(
    ("name", "options", "what"),
    [
        ("mlp", {"hidden": [0]}, "model.options.hidden.0 must be greater than or equal to 1, got 0."),
        ("mlp", {"hidden": [8, -3]}, "model.options.hidden.1 must be greater than or equal to 1, got -3."),
        ("mlp", {"hidden": 5}, "model.options.hidden: must be a list of widths such as [128, 64], got 5."),
        ("mlp", {"hidden": "128, 64"}, "model.options.hidden: must be a list of widths such as [128, 64]"),
        ("mlp", {"hidden": [1.5]}, "model.options.hidden.0 must be a valid integer"),
        ("mlp", {"dropout": 1.0}, "model.options.dropout must be less than 1, got 1.0."),
        ("mlp", {"activation": "rel"}, "model.options.activation must be 'elu', 'gelu', 'leaky_relu', 'relu'"),
        ("mlp", {"drop_out": 0.1}, "model.options.drop_out: unknown key 'drop_out'; did you mean 'dropout'?"),
        ("cnn", {"channels": []}, "model.options.channels: must hold at least one width, such as [16, 32], got []."),
        ("cnn", {"kernel": 4}, "model.options.kernel: must be odd, so that the window has a middle; write 3 or 5."),
        ("cnn", {"kernel": 9}, "model.options.kernel must be at most 8, the shorter side of the 8x8 images, got 9."),
        ("cnn", {"channels": [2] * 4}, "model.options.channels must name at most 3 convolutions"),
        ("cnn", {"pooling": "mean"}, "model.options.pooling must be 'average' or 'max', got 'mean'."),
        ("resnet", {"channels": [8, 0]}, "model.options.channels.1 must be greater than or equal to 1, got 0."),
        ("resnet", {"blocks": 0}, "model.options.blocks must be greater than or equal to 1, got 0."),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(name, options, what):
    with pytest.raises(ParamsError) as caught:
        MODELS.build(name, options, where="model").build(image_spec())
    assert str(caught.value).startswith(f"params.yaml: {what}")
