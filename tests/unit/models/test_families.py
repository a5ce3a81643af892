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
        ("mlp", {"hidden": [1.5]}, "model.options.hidden.0 must be a whole number"),
        ("mlp", {"dropout": 1.0}, "model.options.dropout must be less than 1, got 1.0."),
        ("mlp", {"activation": "rel"}, "model.options.activation must be 'elu', 'gelu', 'leaky_relu', 'prelu', 'relu'"),
        ("mlp", {"drop_out": 0.1}, "model.options.drop_out: unknown key 'drop_out'; did you mean 'dropout'?"),
        ("cnn", {"channels": []}, "model.options.channels: must hold at least one width, such as [16, 32], got []."),
        ("cnn", {"kernel": 4}, "model.options.kernel: must be odd, so that the window has a middle; write 3 or 5."),
        ("cnn", {"kernel": 9}, "model.options.kernel must be at most 8, the shorter side of the 8x8 images, got 9."),
        ("cnn", {"channels": [2] * 4}, "model.options.channels must name at most 3 convolutions"),
        ("cnn", {"pooling": "mean"}, "model.options.pooling must be 'average' or 'max', got 'mean'."),
        ("resnet", {"channels": [8, 0]}, "model.options.channels.1 must be greater than or equal to 1, got 0."),
        ("lenet", {}, "model.name: 'lenet' needs images of at least 12x12 pixels, got 8x8; write 'cnn' or 'resnet'."),
        ("alexnet", {}, "model.name: 'alexnet' needs images of at least 15x15 pixels, got 8x8;"),
        ("alexnet", {"channels": [1, 2]}, "model.options.channels.2 is missing."),
        (
            "vgg",
            {"channels": [2] * 4},
            "model.options.channels must name at most 3 stages for 'vgg', since each halves",
        ),
        ("vgg", {"convolutions": [1]}, "model.options.convolutions must be one number or 3 of them, one for each"),
        ("inception", {"channels": [16, 20]}, "model.options.channels: must hold multiples of 8, as a module's"),
        ("inception", {"channels": [8] * 5}, "model.options.channels must name at most 3 stages for 'inception'"),
        ("efficientnet", {"kernel": 4}, "model.options.kernel: must be odd, so that the window has a middle;"),
        ("efficientnet", {"channels": [8] * 5}, "model.options.channels must name at most 3 stages for 'efficientnet'"),
        ("vit", {"patch": 9}, "model.options.patch must be at most 8, the shorter side of the 8x8 images, got 9."),
        ("vit", {"width": 10}, "model.options: width must be a multiple of heads=4, got 10."),
        (
            "mlp",
            {"norm": "instance"},
            "model.options.norm must be 'none', 'batch', 'group' or 'layer', got 'instance'.",
        ),
        ("resnet", {"norm": "instance", "channels": [4] * 4}, "model.options.norm: instance takes the mean of a"),
        ("cnn", {"initialisation": "zeros"}, "model.options.initialisation must be 'auto', 'he', 'orthogonal' or"),
        ("resnet", {"blocks": 0}, "model.options.blocks must be greater than or equal to 1, got 0."),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(name, options, what):
    with pytest.raises(ParamsError) as caught:
        MODELS.build(name, options, where="model").build(image_spec())
    assert str(caught.value).startswith(f"params.yaml: {what}")


def test_lenet_has_the_papers_sizes():
    """LeCun et al. 1998, section II.B, but for C3's partial connections: 16 maps of all 6."""
    network = MODELS.build("lenet", {}).build(Spec("multiclass", ("image",), ((1, 28, 28),), (), 10))
    c1, c3, c5, f6 = 6 * 26, 16 * (6 * 25 + 1), 120 * (16 * 25 + 1), 84 * 121
    assert size(network) == c1 + c3 + c5 + f6 + 850
    assert kinds(network.layers)[:3] == ["Conv2d", "Tanh", "AvgPool2d"]


def test_alexnet_has_the_papers_size():
    """Krizhevsky et al. 2012: 60 million weights; here convolutions 2, 4 and 5 see all channels, not half of them."""
    options = {"channels": [96, 256, 384, 384, 256], "hidden": [4096, 4096]}
    with torch.device("meta"):
        spec = Spec("multiclass", ("image",), ((3, 227, 227),), (), 1000)
        network = MODELS.build("alexnet", options).build(spec)
    whole = 96 * 364 + 256 * 2401 + 384 * 2305 + 384 * 3457 + 256 * 3457
    assert size(network) == whole + 4096 * (256 * 6 * 6 + 1) + 4096 * 4097 + 1000 * 4097


def test_vgg_16_has_the_papers_size():
    """Simonyan and Zisserman 2015, table 2: 138 million weights in configuration D."""
    options = {
        "channels": [64, 128, 256, 512, 512],
        "convolutions": [2, 2, 3, 3, 3],
        "hidden": [4096, 4096],
        "norm": "none",
    }
    with torch.device("meta"):
        spec = Spec("multiclass", ("image",), ((3, 224, 224),), (), 1000)
        assert size(MODELS.build("vgg", options).build(spec)) == 138_357_544


def test_inception_module_3a_has_the_papers_size():
    """Szegedy et al. 2015, table 1: 159K weights, from 192 channels to 64 + 128 + 32 + 32."""
    network = MODELS.build("inception", {"channels": [384, 256], "norm": "none"}).build(image_spec())
    module = network.layers[-5]
    assert type(module).__name__ == "_Module"
    image = torch.zeros(2, 384, 4, 4)
    assert [part(image).shape[1] for part in module.children()] == [64, 128, 32, 32]
    ours = 64 * 385 + 96 * 385 + 128 * (96 * 9 + 1) + 16 * 385 + 32 * (16 * 25 + 1) + 32 * 385
    assert size(module) == ours
    assert module(image).shape == (2, 256, 4, 4)


def test_an_mbconv_block_counted_by_hand():
    options = {"channels": [8], "blocks": 1, "expand": 4, "kernel": 5, "head": 16}
    network = MODELS.build("efficientnet", options).build(image_spec())
    block = network.layers[3]
    wide, narrow = 8 * 4, 2
    norms = 2 * (wide + wide + 8)
    excitation = narrow * (wide + 1) + wide * (narrow + 1)
    assert size(block) == 8 * wide + wide * 25 + wide * 8 + norms + excitation
    assert block.adds
    nn.init.zeros_(block.residual[-1].weight)
    image = torch.rand(2, 8, 8, 8)
    assert torch.equal(block.eval()(image), image)


def test_excitation_weighs_whole_channels():
    network = MODELS.build("efficientnet", {"channels": [8], "blocks": 1}).build(image_spec())
    excitation = next(layer for layer in network.modules() if type(layer).__name__ == "_Excitation")
    image = torch.rand(2, 32, 8, 8)
    weight = excitation(image) / image
    torch.testing.assert_close(weight, weight[:, :, :1, :1].expand_as(weight))
    assert 0 < float(weight.detach().min()) < float(weight.detach().max()) < 1


def test_vit_counts_patches_and_a_class_token():
    network = MODELS.build("vit", {"patch": 4, "width": 8, "heads": 2}).build(image_spec((3, 17, 12)))
    assert network.position.shape == (1, 1 + 5 * 3, 8)
    assert network(torch.rand(2, 3, 17, 12)).shape == (2, 3)


def test_a_residual_mlp_that_learned_nothing_is_linear_but_for_its_end():
    network = MODELS.build("resmlp", {"width": 6, "blocks": 3}).build(SPECS["numeric"]).eval()
    blocks = [layer for layer in network.layers if type(layer).__name__ == "_Block"]
    for block in blocks:
        linear = next(layer for layer in reversed(block.residual) if isinstance(layer, nn.Linear))
        nn.init.zeros_(linear.weight)
    x = torch.rand(5, 6)
    assert len(blocks) == 3
    assert torch.equal(blocks[2](blocks[1](blocks[0](x))), x)
