"""What a model is told of its data."""

import pytest

from nnops.batch import Spec


@pytest.mark.parametrize(("tokens", "rows"), [(8, 1024), (16, 1024), (98, 167), (512, 32), (40_000, 1)])
def test_long_texts_are_predicted_few_at_once(tokens: int, rows: int) -> None:
    """A pretrained encoder holds some kilobytes a token in each layer."""
    assert Spec("multiclass", ("text",), ((tokens,),), (), 3, vocabulary=50).rows_at_once == rows
