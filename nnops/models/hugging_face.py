"""A pretrained encoder of texts from a local folder, as Hugging Face's library saves it, with a new last layer."""

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from nnops.batch import Spec
from nnops.errors import ParamsError
from nnops.models.base import Model
from nnops.models.bert import Encoder, Shape, draw, plain_name
from nnops.models.dropout import Dropout
from nnops.models.sequence import PADDING, masked_mean, require_sequence, trimmed

WHERE = "params.yaml: model.options"


class HuggingFace(Model):
    """BERT or DistilBERT from a folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.

    A training begins with the folder's weights; ``train.transfer`` says which of them learn, and how fast. The texts
    must be split by the same folder's tokenizer: ``data.text.pretrained``.
    """

    folder: str | None = Field(default=None, min_length=1, description="From the project's folder")
    pooling: Literal["mean", "cls"] = Field(
        default="mean", description="What is judged: the mean over all tokens, or the first one, [CLS]"
    )
    dropout: float | None = Field(default=None, ge=0, lt=1, description="Nothing set: what the folder says")
    config: dict[str, Any] | None = Field(
        default=None, description="What config.json says, for an encoder without a folder"
    )

    @model_validator(mode="after")
    def _judge(self) -> Self:
        if (self.folder is None) == (self.config is None):
            raise ValueError("folder must name the folder of a pretrained encoder, such as weights/bert.")
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        """Tiny ones of both kinds, without a folder, so that they begin at random."""
        bert = {
            "model_type": "bert",
            "vocab_size": 12,
            "max_position_embeddings": 16,
            "type_vocab_size": 2,
            "hidden_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 12,
            "hidden_act": "gelu",
        }
        distilled = {
            "model_type": "distilbert",
            "vocab_size": 12,
            "max_position_embeddings": 16,
            "dim": 8,
            "n_layers": 2,
            "n_heads": 2,
            "hidden_dim": 12,
            "activation": "relu",
        }
        return [cls(config=bert, dropout=0.0), cls(config=distilled, pooling="cls")]

    def build(self, spec: Spec) -> nn.Module:
        """See :class:`Model`; weights are those of a new encoder, until a training loads the folder's."""
        steps = require_sequence("hugging_face", spec, ("text",))
        config, name = self._config()
        try:
            shape = Shape.read(config)
        except KeyError as error:
            raise ParamsError(f"{name}: {error.args[0]} is missing; is it the config of a BERT?") from error
        except (TypeError, ValueError) as error:
            raise ParamsError(f"{name}: {error}; BERT and DistilBERT encoders are read.") from error
        if spec.vocabulary > shape.vocabulary or (self.folder is not None and spec.vocabulary != self._tokens()):
            raise ParamsError(
                f"{WHERE}.folder: the encoder knows the {shape.vocabulary} tokens of its own tokenizer, but the texts"
                f" were split into {spec.vocabulary}; set data.text.pretrained to the same folder."
            )
        if steps > shape.positions:
            raise ParamsError(
                f"{WHERE}.folder: the encoder takes texts of at most {shape.positions} tokens, got {steps}; set"
                f" data.text.length to {shape.positions} or less."
            )
        if self.dropout is not None:
            shape = Shape(**{**vars(shape), "dropout": self.dropout, "attention_dropout": self.dropout})
        return _Network(shape, spec.outputs, self.pooling)

    def sources(self) -> dict[str, Path]:
        """See :class:`Model`."""
        if self.folder is None:
            return {}
        paths = [Path(self.folder) / name for name in ("config.json", "tokenizer.json")]
        return {path.as_posix(): path for path in paths if path.is_file()}

    def weights(self) -> str | None:
        """See :class:`Model`."""
        return self.folder

    def lasting(self) -> dict[str, Any]:
        """See :class:`Model`: what the folder says is kept."""
        return self.model_dump(mode="json") | {"folder": None, "config": self._config()[0]}

    def _config(self) -> tuple[dict[str, Any], str]:
        if self.config is not None:
            return self.config, f"{WHERE}.config"
        assert self.folder is not None
        return _read(Path(self.folder) / "config.json"), f"{self.folder}/config.json"

    def _tokens(self) -> int:
        """Tokens of the folder's tokenizer."""
        assert self.folder is not None
        record = _read(Path(self.folder) / "tokenizer.json")
        known = set(record.get("model", {}).get("vocab", {}))
        return len(known | {token["content"] for token in record.get("added_tokens", [])})


class _Network(nn.Module):
    def __init__(self, shape: Shape, outputs: int, pooling: str) -> None:
        super().__init__()
        self.backbone = Encoder(shape)
        draw(self.backbone)
        self.pooling = pooling
        self.dropout = Dropout(shape.dropout)
        self.output = nn.Linear(shape.width, outputs)
        nn.init.normal_(self.output.weight, std=0.02)
        nn.init.zeros_(self.output.bias)

    def forward(self, text_BT: Tensor) -> Tensor:
        """``text_BT`` to ``logits_BC``."""
        text_BT = trimmed(text_BT)
        valid_BT = text_BT != PADDING
        x_BTD = self.backbone(text_BT, valid_BT)
        pooled_BD = x_BTD[:, 0] if self.pooling == "cls" else masked_mean(x_BTD, valid_BT)
        return self.output(self.dropout(pooled_BD))

    @staticmethod
    def own_name(name: str) -> str:
        """The name here of a weight in a file: of the same network trained before, or of an encoder alone."""
        return name if name.startswith(("backbone.", "output.")) else f"backbone.{plain_name(name)}"


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ParamsError(
            f"{WHERE}.folder: {path.parent} must hold config.json, tokenizer.json and model.safetensors, but"
            f" {path.name} is not there; save the model and its tokenizer with save_pretrained."
        )
    try:
        record: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ParamsError(f"{path}: not valid JSON: {error}.") from error
    if not isinstance(record, dict):
        raise ParamsError(f"{path}: must hold keys and values, got {type(record).__name__}.")
    return record
