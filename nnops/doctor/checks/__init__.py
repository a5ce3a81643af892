"""The checks; one idea a file. The table of them stands in :mod:`nnops.doctor`."""
