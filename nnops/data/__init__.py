"""Data: read, cleaned, split, scaled and written as arrays that map into memory."""

