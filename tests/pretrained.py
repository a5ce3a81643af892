"""Tiny folders as Hugging Face's library saves them: BERT and DistilBERT with weights made of their names."""

import json
import zlib
from pathlib import Path
from typing import Any

import tokenizers
import torch
from safetensors.torch import save_file
from tokenizers import models, normalizers, pre_tokenizers, processors

TEXT = "please help me with the card pin chip bill fee pay one that does not work today ? a b"
WORDS = TEXT.split()
PIECES = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "##s", "##ing", *WORDS]
WIDTH, LAYERS, HEADS, HIDDEN, POSITIONS = 8, 2, 2, 12, 24

BERT: dict[str, Any] = {
    "model_type": "bert",
    "vocab_size": len(PIECES),
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": HIDDEN,
    "hidden_act": "gelu",
    "max_position_embeddings": POSITIONS,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "layer_norm_eps": 1e-5,
}
DISTILBERT: dict[str, Any] = {
    "model_type": "distilbert",
    "vocab_size": len(PIECES),
    "dim": WIDTH,
    "n_layers": LAYERS,
    "n_heads": HEADS,
    "hidden_dim": HIDDEN,
    "activation": "gelu",
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
}


def names(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights, as the library calls them."""
    table = {"word_embeddings": len(PIECES), "position_embeddings": POSITIONS}
    if config["model_type"] == "bert":
        around, block, norms = "bert.", "encoder.layer.{}.", ("attention.output.LayerNorm", "output.LayerNorm")
        dense = {f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (WIDTH, WIDTH), "intermediate.dense": (HIDDEN, WIDTH)}
        dense |= {"output.dense": (WIDTH, HIDDEN)}
        table["token_type_embeddings"] = 2
    else:
        around, block, norms = "distilbert.", "transformer.layer.{}.", ("sa_layer_norm", "output_layer_norm")
        dense = {f"attention.{part}_lin": (WIDTH, WIDTH) for part in ("q", "k", "v", "out")}
        dense |= {"ffn.lin1": (HIDDEN, WIDTH), "ffn.lin2": (WIDTH, HIDDEN)}
    found: dict[str, tuple[int, ...]] = {
        f"{around}embeddings.{name}.weight": (rows, WIDTH) for name, rows in table.items()
    }
    layers = {"embeddings.LayerNorm": (WIDTH,)}
    for layer in range(LAYERS):
        layers |= {block.format(layer) + name: shape for name, shape in dense.items()}
        layers |= {block.format(layer) + name: (WIDTH,) for name in norms}
    for name, shape in layers.items():
        found |= {f"{around}{name}.weight": shape, f"{around}{name}.bias": shape[:1]}
    return found


def weights(config: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Numbers that a name and a place decide, the same in every library."""
    made = {}
    for name, shape in names(config).items():
        places = torch.arange(int(torch.tensor(shape).prod()), dtype=torch.float64)
        numbers = torch.sin(places * 1.7 + zlib.crc32(name.encode()) % 1000).reshape(shape)
        made[name] = (numbers * 0.3 + ("Norm" in name or "layer_norm" in name) * name.endswith("weight")).float()
    return made


def tokenizer() -> tokenizers.Tokenizer:
    """Pieces of words, with [CLS] before and [SEP] after a text."""
    built = tokenizers.Tokenizer(
        models.WordPiece({piece: place for place, piece in enumerate(PIECES)}, unk_token="[UNK]")
    )
    built.normalizer = normalizers.BertNormalizer(lowercase=True)
    built.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    built.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    built.add_special_tokens(["[PAD]", "[CLS]", "[SEP]", "[UNK]"])
    # As saved after a training of it: cut and padded to its own length, which is not ours.
    built.enable_truncation(5)
    built.enable_padding(length=5)
    return built


def write_folder(folder: Path, config: dict[str, Any]) -> Path:
    """Write config.json, model.safetensors and tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    save_file(weights(config), folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder
