"""Synonym replacement: texts with words of the user's table in the place of others."""

import csv
import io
import json
import random
from pathlib import Path
from typing import Any, Self, cast

from pydantic import Field, PrivateAttr

from nnops.data.augmentations.base import About
from nnops.data.augmentations.words import Rewriting, Word, split_words
from nnops.data.reader import existing
from nnops.data.text import decode_text, find_delimiter
from nnops.errors import DataError


class Synonyms(Rewriting):
    """Words that the table has become one of their synonyms.

    Wei and Zou 2019, section 2, operation SR. The table is a CSV or TSV file (a word and its synonyms in each line) or
    JSON (``{"pay": ["settle", "spend"]}``). Synonyms that the vocabulary lacks are never taken.
    """

    path: str = Field(default="data/synonyms.csv", min_length=1, description="The table, from the project's folder")

    _table: dict[Word, list[Word]] = PrivateAttr()

    @classmethod
    def examples(cls) -> list[Self]:
        """The usual share, and more of every text."""
        return [cls(path="data/synonyms.csv"), cls(path="data/synonyms.csv", share=0.3, probability=1.0)]

    def sources(self) -> dict[str, Path]:
        """See :class:`Augmentation`."""
        path = existing(Path(), self.path)
        return {path.as_posix(): path}

    def fitted(self, about: About) -> Self:
        """See :class:`Augmentation`."""
        fitted = super().fitted(about)
        assert about.tokenizer is not None
        table: dict[Word, list[Word]] = {}
        rows = read_synonyms(existing(Path(), self.path))
        # A piece of byte pairs knows whether a blank stands before it; to whole words both are the same.
        for before in ("", " "):
            flat = [before + word for word, others in rows for word in (word, *others)]
            coded = iter(about.tokenizer.split(flat))
            for word, others in rows:
                key = tuple(next(coded))
                known = [tuple(next(coded)) for _ in others]
                known = [other for other in known if about.tokenizer.unknown not in other and other != key]
                if len(split_words(list(key), fitted._begins)) > 1:
                    raise DataError(
                        f"{self.path}: '{word}' must be one word to be replaced; only synonyms may have several."
                    )
                if known and about.tokenizer.unknown not in key:
                    table[key] = list(dict.fromkeys(table.get(key, []) + known))
        if not table:
            raise DataError(
                f"{self.path}: must hold words of the train split with synonyms that are words of it, too, but none of"
                f" its {len(rows)} words, such as '{rows[0][0]}', is known with one."
            )
        fitted._table = table
        return fitted

    def change(self, words: list[Word], chance: random.Random) -> list[Word]:
        """See :class:`Rewriting`."""
        known = [place for place, word in enumerate(words) if word in self._table]
        if not known:
            return words
        changed = list(words)
        for place in self.draw_places(known, len(words), chance):
            others = self._table[words[place]]
            changed[place] = others[int(chance.random() * len(others))]
        return changed


def read_synonyms(path: Path) -> list[tuple[str, list[str]]]:
    """The words of a table, each with its synonyms, in the order of the file.

    Raises:
        DataError: It is damaged or empty, or a line has a word without synonyms, or none.
    """
    text = decode_text(path.read_bytes(), "auto", path.name)
    if path.suffix.lower() == ".json":
        return _from_json(text, path.name)
    rows: list[tuple[str, list[str]]] = []
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter="\t" if path.suffix == ".tsv" else find_delimiter(text)
    )
    for line in reader:
        cells = [cell.strip() for cell in line]
        if not any(cells):
            continue
        word, others = cells[0], [cell for cell in cells[1:] if cell]
        if not word or not others:
            raise DataError(
                f"{path.name}: line {reader.line_num}: must hold a word and its synonyms, such as 'pay,settle,spend',"
                f" got '{','.join(cells)[:60]}'."
            )
        rows.append((word, others))
    if not rows:
        raise DataError(f"{path.name}: must hold a word and its synonyms in each line, but is empty.")
    return rows


def _from_json(text: str, name: str) -> list[tuple[str, list[str]]]:
    try:
        record: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{name}: line {error.lineno}: not valid JSON: {error.msg}.") from error
    if not isinstance(record, dict) or not record:
        raise DataError(f'{name}: must hold words with lists of synonyms, such as {{"pay": ["settle", "spend"]}}.')
    rows: list[tuple[str, list[str]]] = []
    for word, others in cast("dict[str, Any]", record).items():
        if not isinstance(others, list) or not others or not all(isinstance(other, str) for other in others):
            raise DataError(f"{name}: '{word}' must have a list of synonyms such as ['settle'], got {others!r:.60}.")
        rows.append((word, others))
    return rows
