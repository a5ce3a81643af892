"""Texts of train in other words, made once by the user's own function: back-translation, or a paraphrase."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nnops.data.tokenizer import Tokenizer, as_passages
from nnops.errors import ParamsError
from nnops.own import find_own, own_files, words
from nnops.params import Rewrite
from nnops.seeding import derive

WHERE = "params.yaml: data.text.rewrite.path"


def rewritten(
    train: pd.Series, options: Rewrite, tokenizer: Tokenizer, others: list[np.ndarray], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Further rows for train.

    Args:
        train: Its texts.
        options: The function, and how often it is called.
        tokenizer: Fitted on the texts as they came.
        others: Tokens of val and test, int64 ``[N, T]`` each.
        seed: The seed in params.yaml; a call's own comes from the stream ``rewrite/<copy>``.

    Returns:
        Tokens int64 ``[R, T]``, and for each row its place among ``train``. Rows without a token, and those that are
        the text itself, one of its earlier copies, or a text of val or test, are left out.

    Raises:
        ParamsError: The function cannot be imported, fails, or answers with something else than a text for each text.
    """
    function = find_own(options.path, WHERE)
    texts = as_passages(train)
    kept, places = list[np.ndarray](), list[int]()
    forbidden = {row.tobytes() for rows in others for row in rows}
    seen = [{row.tobytes()} for row in tokenizer.encode(train)]
    for copy in range(options.copies):
        answers = _called(function, texts, derive(seed, f"rewrite/{copy}"), options)
        for place, row in enumerate(tokenizer.encode(pd.Series(answers, dtype="str"))):
            bits = row.tobytes()
            if not answers[place].strip() or bits in seen[place] or bits in forbidden:
                continue
            seen[place].add(bits)
            kept.append(row)
            places.append(place)
    return np.stack(kept) if kept else np.zeros((0, tokenizer.length), np.int64), np.array(places, np.int64)


def rewrite_files(options: Rewrite | None) -> dict[str, Path]:
    """The files that the function comes from, by name."""
    return {} if options is None else own_files(options.path)


def _called(function: Any, texts: list[str], seed: int, options: Rewrite) -> list[str]:
    try:
        given: Any = function(list(texts), seed, **options.arguments)
    except Exception as error:  # of the user's code
        raise ParamsError(f"{WHERE}: {options.path} fails: {words(error)}.") from error
    if not isinstance(given, list) or len(given) != len(texts):
        came = f"a list of {len(given)}" if isinstance(given, list) else type(given).__name__
        raise ParamsError(f"{WHERE}: {options.path} must give a list of {len(texts)} texts, one for each, got {came}.")
    odd = next((place for place, answer in enumerate(given) if not isinstance(answer, str)), None)
    if odd is not None:
        raise ParamsError(f"{WHERE}: {options.path} must give texts, got {given[odd]!r:.40} for '{texts[odd][:40]}'.")
    return given
