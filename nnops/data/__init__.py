"""Data: read, cleaned, split, scaled and written as arrays that map into memory."""

from nnops.catalog import Catalog
from nnops.data.reader import Reader

READERS: Catalog[Reader] = Catalog(
    "reader",
    {
        "corpus": "nnops.data.readers.corpus:Corpus",
        "csv": "nnops.data.readers.csv:Csv",
        "idx": "nnops.data.readers.idx:Idx",
        "images": "nnops.data.readers.images:ImageFolder",
        "jsonl": "nnops.data.readers.jsonl:Jsonl",
        "masks": "nnops.data.readers.masks:MaskFolders",
        "npz": "nnops.data.readers.npz:Npz",
        "parquet": "nnops.data.readers.parquet:Parquet",
        "sklearn": "nnops.data.readers.sklearn:Sklearn",
        "wav": "nnops.data.readers.wav:WavFolder",
    },
)
