"""Data: read, cleaned, split, scaled and written as arrays that map into memory."""

from nnops.catalog import Catalog
from nnops.data.reader import Reader

READERS: Catalog[Reader] = Catalog(
    "reader",
    {
        "sklearn": "nnops.data.readers.sklearn:Sklearn",
    },
)
