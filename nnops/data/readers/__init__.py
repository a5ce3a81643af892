"""Readers: one kind of source a file; what they give is a Table or Images (see nnops.data.reader)."""
