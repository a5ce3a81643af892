"""Families of networks; one family a file, each built for the Spec of the data."""

from typing import TYPE_CHECKING

from nnops.catalog import Catalog

if TYPE_CHECKING:
    from nnops.models.base import Model

MODELS: "Catalog[Model]" = Catalog(
    "model",
    {
        "alexnet": "nnops.models.alexnet:Alexnet",
        "bag": "nnops.models.bag:Bag",
        "cnn": "nnops.models.cnn:Cnn",
        "decoder": "nnops.models.decoder:Decoder",
        "efficientnet": "nnops.models.efficientnet:Efficientnet",
        "gcn": "nnops.models.gcn:Gcn",
        "hugging_face": "nnops.models.hugging_face:HuggingFace",
        "inception": "nnops.models.inception:Inception",
        "lenet": "nnops.models.lenet:Lenet",
        "linear_series": "nnops.models.linear_series:LinearSeries",
        "mlp": "nnops.models.mlp:Mlp",
        "own": "nnops.models.own:Own",
        "resmlp": "nnops.models.resmlp:Resmlp",
        "resnet": "nnops.models.resnet:Resnet",
        "seq2seq": "nnops.models.seq2seq:Seq2seq",
        "tabular": "nnops.models.tabular:Tabular",
        "rnn": "nnops.models.rnn:Rnn",
        "transformer": "nnops.models.transformer:Transformer",
        "unet": "nnops.models.unet:Unet",
        "vgg": "nnops.models.vgg:Vgg",
        "vit": "nnops.models.vit:Vit",
    },
)
