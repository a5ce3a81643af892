"""Several target columns of 0 and 1 as one column of labels, the form that everything after it knows."""

from typing import cast

import pandas as pd

from nnops.catalog import unknown
from nnops.data.reader import Table
from nnops.data.values import as_text, column, place
from nnops.errors import DataError
from nnops.params import Data

#: What says that a row has a label, and that it has not.
THERE, NOT_THERE = ("1", "true"), ("0", "false")


def join_targets(table: Table, data: Data) -> Table:
    """The table with the columns that ``data.target`` lists as one, called ``data.answer``; as it is for one column.

    Raises:
        DataError: A column is not there, a value is neither 0 nor 1, or no row of a column has a 1.
    """
    if isinstance(data.target, str):
        return table
    names = [str(name) for name in table.frame.columns]
    texts = [""] * len(table.frame)
    for name in data.target:
        if name not in names:
            raise DataError(f"{table.where}: data.target: {unknown('column', name, names)}")
        values = column(table.frame, name)
        there = as_text(values).str.lower()
        wrong = ~there.isin([*THERE, *NOT_THERE]).to_numpy()
        if wrong.any():
            position = int(wrong.argmax())
            raise DataError(
                f"{table.where}: {place(values, position)}: target '{name}' must be 0 or 1, as one of several, got"
                f" '{values.iloc[position]}'; correct it, or name one target column."
            )
        has = there.isin(THERE).to_numpy()
        if not has.any():
            raise DataError(f"{table.where}: target '{name}' is 0 in every row, so it cannot be learned; leave it out.")
        texts = [text + (data.separator + name if hit else "") for text, hit in zip(texts, has, strict=True)]
    joined = pd.Series([text.removeprefix(data.separator) for text in texts], index=table.frame.index, dtype="str")
    rest = cast(pd.DataFrame, table.frame[[name for name in table.frame.columns if str(name) not in data.target]])
    return Table(rest.assign(**{data.answer: joined}), table.where)
