"""A look at texts before there are params: what they are read by, and how they could be cut into tokens and blocks."""

from pathlib import Path
from typing import Any

from nnops.data import READERS
from nnops.data.infer import Suggestion, find_source
from nnops.data.reader import Table, existing
from nnops.data.readers.corpus import COLUMN, SUFFIX, find_texts
from nnops.data.readers.images import find_images
from nnops.data.table import check_target
from nnops.data.tokenizer import as_passages
from nnops.data.values import column
from nnops.errors import DataError, InputError
from nnops.params import Named, parse

#: Tokens of a vocabulary of byte pairs at least and at most, and characters for each of them.
FEWEST, MOST, CHARACTERS = 320, 8000, 400
#: Characters from which on blocks are longer, and of a token on average.
LONG, PIECE = 400_000, 3


def is_corpus(path: Path) -> bool:
    """Whether a path is a text file, or a folder of them and not of images."""
    if path.is_dir():
        return bool(find_texts(path)) and not find_images(path, "*/*")
    return path.suffix.lower() == SUFFIX


def infer_texts(task: str, path: Path, target: str | None, test: Path | None) -> Suggestion:
    """Suggest the ``data`` section for a task of texts.

    Raises:
        InputError: The task is none of these.
        DataError: See :func:`infer_corpus`.
    """
    if task == "language_model":
        return infer_corpus(path, target, test)
    if task == "sequence":
        return infer_pairs(path, target, test)
    raise InputError(
        f"--task must be language_model or sequence, or left out for a task that is found by itself, got '{task}'."
    )


def infer_corpus(path: Path, target: str | None = None, test: Path | None = None) -> Suggestion:
    """Suggest the ``data`` section for texts that are to be gone on with.

    Args:
        path: A ``.txt`` file, a folder of them, or a table.
        target: The column of a table that holds the texts.
        test: A separate source of test texts.

    Raises:
        DataError: No such file, or no text in it.
    """
    path = existing(Path(), str(path))
    sources = {"source": _source(path)} | ({"test": _source(test)} if test is not None else {})
    source = sources["source"]
    read = READERS.build(source.name, source.options, "data.source").read(Path(), target or COLUMN)
    if not isinstance(read, Table):
        raise DataError(f"{read.where}: a language model learns from texts (.txt files or a table), got images.")
    names = [str(name) for name in read.frame.columns]
    if target is None and len(names) > 1:
        raise DataError(
            f"{read.where}: say which column holds the texts with --target; there is {', '.join(names[:20])}."
        )
    record: dict[str, Any] = {key: named.model_dump(mode="json") for key, named in sources.items()}
    record |= {"target": target or names[0], "task": "language_model"}
    check_target(read, parse({"data": record}).data)
    texts = as_passages(column(read.frame.set_axis(names, axis=1), record["target"]))
    characters = sum(map(len, texts))
    if not characters:
        raise DataError(f"{read.where}: must hold text, but '{record['target']}' is empty in every row.")
    length = 128 if characters >= LONG else 64
    record["text"] = {
        "tokenizer": "bpe",
        "vocabulary": max(FEWEST, min(MOST, characters // CHARACTERS)),
        "length": length,
        "lower": False,
    }
    counted = f"{len(texts):,} text" + ("s" if len(texts) > 1 else "")
    return Suggestion(
        data=record,
        comments={
            "source": f"{counted}, {characters:,} characters",
            "target": "the column that holds the texts",
            "task": "a text is gone on with, token by token",
            "text": "byte pairs; length: tokens of a block",
        },
        task="language_model",
        image=False,
        rows=characters // (PIECE * length),
        classes=(),
    )


def infer_pairs(path: Path, target: str | None = None, test: Path | None = None) -> Suggestion:
    """Suggest the ``data`` section for texts that are answered with texts.

    Args:
        path: A table.
        target: The column of answers.
        test: A separate source of test rows.

    Raises:
        DataError: No such file or column, or no column beside the target.
    """
    sources = {"source": find_source(path)} | ({"test": find_source(test)} if test is not None else {})
    source = sources["source"]
    read = READERS.build(source.name, source.options, "data.source").read(Path(), target or "target")
    if not isinstance(read, Table):
        raise DataError(f"{read.where}: texts and their answers stand in a table (CSV, JSON lines), got images.")
    names = [str(name) for name in read.frame.columns]
    if target is None:
        raise DataError(
            f"{read.where}: say which column holds the answers with --target; there is {', '.join(names[:20])}."
        )
    record: dict[str, Any] = {key: named.model_dump(mode="json") for key, named in sources.items()}
    record |= {"target": target, "task": "sequence"}
    check_target(read, parse({"data": record}).data)
    frame = read.frame.set_axis(names, axis=1)
    size = {name: sum(map(len, as_passages(column(frame, name)))) for name in names}
    others = [name for name in names if name != target]
    if not others:
        raise DataError(f"{read.where}: must have a column of texts beside the answers '{target}', got none.")
    text = max(others, key=lambda name: size[name])
    record["kinds"] = {name: "text" if name == text else "ignore" for name in others}
    vocabulary = max(FEWEST, min(MOST, (size[text] + size[target]) // CHARACTERS))
    record["text"] = {"tokenizer": "bpe", "vocabulary": vocabulary, "lower": False}
    return Suggestion(
        data=record,
        comments={
            "source": f"{len(frame)} rows, {len(names)} columns",
            "task": f"'{text}' is answered with '{target}', token by token",
            f"kinds.{text}": "the longest one beside the answers" if len(others) > 1 else "what is answered",
            "text": "byte pairs; length and answer: most tokens of each",
        },
        task="sequence",
        image=False,
        rows=len(frame),
        classes=(),
    )


def _source(path: Path) -> Named:
    return Named(name="corpus", options={"path": str(path)}) if is_corpus(path) else find_source(path)
