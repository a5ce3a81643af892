"""What bundled models of texts do: go on with a text, tell how surprising texts are, answer them with others."""

from itertools import islice, takewhile
from typing import TYPE_CHECKING

from nnops.errors import DataError, InputError

if TYPE_CHECKING:
    import pandas as pd

    from nnops.evaluation.sample import Sampling
    from nnops.registry.bundle import Bundle


def generate(bundle: "Bundle", prompt: str, tokens: int, sampling: "Sampling", seed: int) -> str:
    """Go on with a prompt; the same seed gives the same text.

    Args:
        bundle: Of a language model.
        prompt: May be empty: a text is begun.
        tokens: Most tokens to add; it may end before.
        sampling: How a token is drawn.
        seed: Draws come from its stream ``generate``.

    Returns:
        What follows the prompt.

    Raises:
        InputError: The model is no language model, or an option is out of its range.
    """
    from nnops.data.tokenizer import END, PADDING
    from nnops.evaluation.sample import go_on
    from nnops.seeding import numpy_stream

    task = bundle.manifest["task"]
    if task != "language_model":
        raise InputError(
            f"{bundle.name}: only a language model goes on with a text, and this one's task is {task}; write"
            " 'nnops model predict' for answers."
        )
    if tokens < 1:
        raise InputError(f"--tokens must be at least 1, got {tokens}.")
    sampling.check()
    tokenizer = bundle.preprocess.text
    assert tokenizer is not None
    known = [token for text in tokenizer.split([prompt]) for token in text] if prompt else []
    found = go_on(bundle.graph, [END, *known], tokenizer.length, sampling, numpy_stream(seed, "generate"))
    said = list(takewhile(lambda token: token not in (END, PADDING), islice(found, tokens)))
    # Joined with the prompt, since a character may stand across the border.
    whole = tokenizer.join([*known, *said])
    return whole[len(tokenizer.join(known)) :]


def surprises(bundle: "Bundle", rows: "pd.DataFrame") -> "pd.DataFrame":
    """How surprising each text is as a whole: its ``tokens``, its end among them, and their ``perplexity``.

    Raises:
        DataError: Columns are wrong, or a text is empty.
    """
    import numpy as np
    import pandas as pd

    from nnops.data.corpus import cut_blocks
    from nnops.data.tokenizer import END, as_passages
    from nnops.data.values import column, place
    from nnops.metrics.tokens import SURPRISE, TOKENS, tally

    bundle.preprocess.check(rows)
    tokenizer = bundle.preprocess.text
    assert tokenizer is not None
    values = column(rows.set_axis([str(name) for name in rows.columns], axis=1), tokenizer.name)
    texts = as_passages(values)
    empty = [not text.strip() for text in texts]
    if any(empty):
        position = empty.index(True)
        raise DataError(f"{place(values, position)}: text '{tokenizer.name}' must hold words, but is empty; remove it.")
    found: list[tuple[int, float]] = []
    for known in tokenizer.split(texts):
        text_NT, target_NT = cut_blocks(np.array([END, *known, END]), tokenizer.length)
        sums = [
            tally("language_model", bundle.graph((text_NT[row : row + 1],)), target_NT[row : row + 1], None)
            for row in range(len(text_NT))
        ]
        told = int(sum(one.target_N[0, TOKENS] for one in sums))
        found.append((told, float(np.exp(sum(one.output_NC[0, SURPRISE] for one in sums) / told))))
    return pd.DataFrame(found, columns=["tokens", "perplexity"], index=rows.index)


def answers(bundle: "Bundle", rows: "pd.DataFrame", beam: int, length_penalty: float) -> "pd.DataFrame":
    """Answer texts with texts.

    Args:
        bundle: Of a sequence.
        rows: With the column of texts.
        beam: Beginnings that are kept at each step; 1 takes the likeliest token.
        length_penalty: See :func:`nnops.evaluation.decode.score`.

    Returns:
        One text for each row, in a column of the target's name.

    Raises:
        InputError: An option is out of its range.
        DataError: Columns are wrong, or a text is empty.
    """
    import numpy as np
    import pandas as pd

    from nnops.batch import Spec
    from nnops.evaluation import decode

    decode.check_beam(beam, length_penalty)
    preprocess = bundle.preprocess
    assert preprocess.answer is not None
    text_NS, steps = preprocess.transform(rows)["text"], preprocess.answer.length
    at_once = Spec.from_json(bundle.schema["spec"]).rows_at_once
    pieces = [text_NS[start : start + at_once] for start in range(0, len(text_NS), at_once)]
    answer_NT = np.concatenate(
        [
            decode.greedy(bundle.graph, piece, steps)
            if beam == 1
            else decode.beam(bundle.graph, piece, steps, beam, length_penalty)
            for piece in pieces
        ]
    )
    texts = [preprocess.answer.join(answer_T) for answer_T in answer_NT.tolist()]
    return pd.DataFrame({preprocess.target.name: pd.array(texts, dtype="str")}, index=rows.index)
