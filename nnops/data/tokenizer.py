"""A tokenizer fitted on the train split's texts: from words to the whole numbers that a model embeds.

Built with the library ``tokenizers``, which only this file imports; what is fitted is plain JSON, so that a bundle
carries it. Token 0 is padding, token 1 a word that the vocabulary lacks; where texts are answered or gone on with,
token 2 stands before and after each of them.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from nnops.data.text import shown
from nnops.data.values import place
from nnops.errors import DataError
from nnops.params import Text

if TYPE_CHECKING:
    import tokenizers

PADDING, UNKNOWN, END = 0, 1, 2
SPECIAL = ("[PAD]", "[UNK]")
ENDING = "[END]"
#: A word with its apostrophes, or one other sign.
WORD = "\\w+(?:['\u2019]\\w+)*|[^\\w\\s]"
#: Texts longer than this are cut unless data.text.length says more.
LONGEST = 256
#: Signs that every vocabulary of byte pairs holds.
BYTES = 256


@dataclass(frozen=True)
class Tokenizer:
    """The fitted preprocessing of a text column.

    Attributes:
        name: The column.
        model: What the library ``tokenizers`` wrote of itself.
        length: Tokens of a row; longer texts are cut at the end, shorter ones padded there.
        answers_unknown: Whether a text without a known word gets an answer; else it is refused.
        unknown: The token of a word that the vocabulary lacks.
        before: Tokens that each row begins with, such as [CLS].
        after: Tokens that it ends with, such as [SEP].
    """

    name: str
    model: dict[str, Any]
    length: int
    answers_unknown: bool
    unknown: int = UNKNOWN
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain lists, numbers and text."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        around: dict[str, Any] = {key: tuple(record.get(key, ())) for key in ("before", "after")}
        return cls(**(record | around))

    @cached_property
    def _built(self) -> "tokenizers.Tokenizer":
        built = _library().Tokenizer.from_str(json.dumps(self.model))
        # A text that holds the letters [PAD] has no padding there.
        built.encode_special_tokens = True
        return built

    @property
    def vocabulary(self) -> int:
        """Number of tokens, padding and unknown among them."""
        return self._built.get_vocab_size()

    def begins_words(self) -> np.ndarray:
        """Whether a word begins with each token, bool ``[vocabulary]``; others go on with the word before them."""
        known = [str(self._built.id_to_token(token)) for token in range(self.vocabulary)]
        kind = self.model["model"]["type"]
        if kind == "BPE":
            # Bytes stand as printable signs: blanks and controls from 256 to 288.
            return np.array(
                [256 <= ord(text[0]) <= 288 or (ord(text[0]) < 127 and not text[0].isalnum()) for text in known]
            )
        return np.array([not (kind == "WordPiece" and text.startswith("##")) for text in known])

    def split(self, texts: Iterable[str]) -> list[list[int]]:
        """Each text as its tokens, neither cut nor padded; one unknown token where it has none."""
        return [each.ids or [self.unknown] for each in self._built.encode_batch(list(texts), add_special_tokens=False)]

    def join(self, tokens: Iterable[int]) -> str:
        """Tokens as text again; padding is left out, and so is the token of an end."""
        left_out = {PADDING} if self._built.token_to_id(ENDING) is None else {PADDING, END}
        return self._built.decode([token for token in tokens if token not in left_out], skip_special_tokens=False)

    @property
    def names(self) -> list[str]:
        """Each token as people can read it, blanks and ends of lines made visible."""
        vocabulary: dict[str, int] = self._built.get_vocab()
        return [
            name.replace("\u0120", "\u2423").replace("\u010a", "\u21b5")
            for name in sorted(vocabulary, key=vocabulary.__getitem__)
        ]

    @property
    def characters(self) -> list[int]:
        """Characters that begin in each token of byte pairs; those of a text's tokens add up to its length."""
        byte_of = _byte_of()
        count = [0] * self.vocabulary
        for token, code in self._built.get_vocab().items():
            if token not in (*SPECIAL, ENDING):
                # In UTF-8 all bytes of a character but its first are 10xxxxxx.
                count[code] = sum(byte_of[sign] >> 6 != 0b10 for sign in token)
        return count

    def encode(self, values: pd.Series) -> np.ndarray:
        """Raw values to int64 ``[N, length]``; a text without a token is one unknown word."""
        return self.pad(self.split(as_passages(values)))

    @property
    def words(self) -> int:
        """Tokens of a text that a row has room for."""
        return self.length - len(self.before) - len(self.after)

    def known(self, rows: np.ndarray) -> np.ndarray:
        """Where tokens are words that the vocabulary has, bool of the shape of ``rows``."""
        return ~np.isin(rows, [PADDING, self.unknown, *self.before, *self.after])

    def pad(self, tokens: list[list[int]]) -> np.ndarray:
        """Tokens of each row cut and padded to int64 ``[N, length]``."""
        rows = np.full((len(tokens), self.length), PADDING, np.int64)
        for row, known in zip(rows, tokens, strict=True):
            cut = [*self.before, *known[: self.words], *self.after]
            row[: len(cut)] = cut
        return rows

    def answerable(self, values: pd.Series) -> np.ndarray:
        """As :meth:`encode`, for rows to predict.

        Raises:
            DataError: A row whose text is empty or has no known word, unless params allow it.
        """
        rows = self.encode(values)
        lost = ~self.known(rows).any(1)
        if lost.any() and not self.answers_unknown:
            position = int(lost.argmax())
            text = as_passages(values)[position]
            came = f"has none that training showed in {shown(text)}" if text.strip() else "is empty"
            raise DataError(
                f"{place(values, position)}: text '{self.name}' must hold a known word, but {came}; remove the row, or "
                "train with data.text.empty: unknown to have it answered nevertheless."
            )
        return rows


def fit_tokenizer(name: str, values: pd.Series, options: Text, *, ending: bool = False) -> Tokenizer:
    """Fit on the train split's raw values; the same texts give the same tokens in any order of rows.

    Args:
        name: The column.
        values: Texts of train.
        options: The section ``data.text``.
        ending: Whether token 2 is that of an end.

    Raises:
        DataError: No word is frequent enough, or the library is not installed.
    """
    texts = as_passages(values)
    if options.pretrained is not None:
        return _pretrained(name, texts, options)
    library = _library()
    special = [*SPECIAL, *([ENDING] if ending else [])]
    built, trainer = _bytes(options, special) if options.tokenizer == "bpe" else _words(options, special)
    if options.lower:
        built.normalizer = library.normalizers.Sequence([library.normalizers.NFKC(), library.normalizers.Lowercase()])
    else:
        built.normalizer = library.normalizers.NFKC()
    # Ties between words are broken by what was met first; sorted, that is the alphabet.
    built.train_from_iterator(sorted(texts), trainer)
    if built.get_vocab_size() <= len(special):
        raise DataError(
            f"text '{name}' must hold words that occur {options.min_frequency} times in the train split, got none in "
            f"{len(texts)} texts; lower data.text.min_frequency."
        )
    fitted = Tokenizer(name, json.loads(built.to_str()), 1, options.empty == "unknown")
    length = options.length or min(LONGEST, max(len(tokens) for tokens in fitted.split(texts)))
    return Tokenizer(name, fitted.model, length, fitted.answers_unknown)


def pretrained_file(options: Text) -> dict[str, Path]:
    """The tokenizer that is taken as it is, by name; none where one is trained.

    Raises:
        DataError: There is none in the folder.
    """
    if options.pretrained is None:
        return {}
    path = Path(options.pretrained) / "tokenizer.json"
    if not path.is_file():
        raise DataError(
            f"params.yaml: data.text.pretrained: {options.pretrained} must be a folder with tokenizer.json, as"
            " save_pretrained of a fast tokenizer writes it, but there is none."
        )
    return {path.as_posix(): path}


def _pretrained(name: str, texts: list[str], options: Text) -> Tokenizer:
    """A tokenizer from a folder: only the length is of the texts."""
    (path,) = pretrained_file(options).values()
    try:
        model: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        # Rows are cut and padded here.
        model |= {"truncation": None, "padding": None}
        built = _library().Tokenizer.from_str(json.dumps(model))
    except Exception as error:  # of the library, which has no class of its own
        raise DataError(f"{path}: is no tokenizer that the library tokenizers reads: {error}.") from error
    padding, unknown = (built.token_to_id(str(token)) for token in (SPECIAL[0], model["model"].get("unk_token")))
    if padding != PADDING or unknown is None:
        raise DataError(
            f"{path}: must be a tokenizer of BERT's kind, whose token 0 is [PAD] and that has one for unknown words,"
            f" got [PAD] as {padding} and unknown words as {unknown}."
        )
    bare, whole = (built.encode("a", add_special_tokens=special).ids for special in (False, True))
    place = next(start for start in range(len(whole)) if whole[start : start + len(bare)] == bare)
    around = (tuple(whole[:place]), tuple(whole[place + len(bare) :]))
    fitted = Tokenizer(name, model, 1, options.empty == "unknown", unknown, *around)
    longest = max(len(tokens) for tokens in fitted.split(texts)) + len(around[0]) + len(around[1])
    length = options.length or min(LONGEST, longest)
    if length <= len(around[0]) + len(around[1]):
        raise DataError(
            f"params.yaml: data.text.length must be above {len(whole) - len(bare)}, the tokens around a text, got"
            f" {length}."
        )
    return replace(fitted, length=length)


def as_passages(values: pd.Series) -> list[str]:
    """Every value as text; missing ones are empty."""
    return ["" if value is None or value != value else str(value) for value in values.astype(object)]


def _words(options: Text, special: list[str]) -> "tuple[tokenizers.Tokenizer, Any]":
    """Whole words (and other signs), the most frequent first."""
    library = _library()
    built = library.Tokenizer(library.models.WordLevel(unk_token=SPECIAL[UNKNOWN]))
    built.pre_tokenizer = library.pre_tokenizers.Split(library.Regex(WORD), "removed", invert=True)
    trainer = library.trainers.WordLevelTrainer(
        vocab_size=options.vocabulary,
        min_frequency=options.min_frequency,
        special_tokens=special,
        show_progress=False,
    )
    return built, trainer


def _bytes(options: Text, special: list[str]) -> "tuple[tokenizers.Tokenizer, Any]":
    """Byte pairs (Sennrich et al. 2016): frequent pieces of words; with all bytes in it, nothing is unknown."""
    library = _library()
    if options.vocabulary <= BYTES + len(special):
        raise DataError(
            f"params.yaml: data.text.vocabulary must be above {BYTES + len(special)} with tokenizer: bpe, which starts "
            f"from all bytes, got {options.vocabulary}."
        )
    built = library.Tokenizer(library.models.BPE(unk_token=SPECIAL[UNKNOWN]))
    built.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = library.decoders.ByteLevel()
    trainer = library.trainers.BpeTrainer(
        vocab_size=options.vocabulary,
        min_frequency=options.min_frequency,
        special_tokens=special,
        initial_alphabet=sorted(library.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    return built, trainer


def _byte_of() -> dict[str, int]:
    """The byte that each sign of the byte-level alphabet stands for: printable ones for themselves, others from 256."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(BYTES) if byte not in printable]
    signs = {chr(byte): byte for byte in printable}
    return signs | {chr(BYTES + place): byte for place, byte in enumerate(others)}


def _library() -> Any:
    # Threads of its own would be lost, with a warning, in a process that forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import tokenizers
    except ImportError as error:
        raise DataError("texts need the library tokenizers, which is not installed; pip install tokenizers.") from error
    return tokenizers
