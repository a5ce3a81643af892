"""params.yaml, parsed once into frozen objects that forbid unknown keys; every key has a dotted name.

The file is YAML 1.2 (``1e-3`` is a float), read with ruamel; writing keeps comments and order.
A component's ``options`` are judged by the component (see :mod:`nnops.catalog`), not here.
"""

from nnops.params.data import Audio, Cleaning, Data, Edges, Rewrite, Series, Split, Text, Warp
from nnops.params.dotted import overlay, parse_set, set_dotted
from nnops.params.file import FILE, dump, load, write
from nnops.params.result import Compress, Evaluate, Intervals, Register, Robustness, Threshold
from nnops.params.section import Named, in_key
from nnops.params.sweep import Budget, Limit, Repeats, Resources, Sweep, SweepObjective, Tracking, WarmStart
from nnops.params.train import EarlyStopping, Fairness, Train, Transfer, may_change
from nnops.params.whole import Params, flatten, parse, schema

__all__ = [
    "FILE",
    "Audio",
    "Budget",
    "Cleaning",
    "Compress",
    "Data",
    "EarlyStopping",
    "Edges",
    "Evaluate",
    "Fairness",
    "Intervals",
    "Limit",
    "Named",
    "Params",
    "Register",
    "Repeats",
    "Resources",
    "Rewrite",
    "Robustness",
    "Series",
    "Split",
    "Sweep",
    "SweepObjective",
    "Text",
    "Threshold",
    "Tracking",
    "Train",
    "Transfer",
    "WarmStart",
    "Warp",
    "dump",
    "flatten",
    "in_key",
    "load",
    "may_change",
    "overlay",
    "parse",
    "parse_set",
    "schema",
    "set_dotted",
    "write",
]
