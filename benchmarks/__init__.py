"""Benchmarks: each measures nnops beside a peer in one run and prints ratios, kept in RESULTS.md."""
