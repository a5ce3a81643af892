"""Benchmarks: each measures nnops beside a peer in one run and prints ratios; RESULTS.md keeps them with date and machine."""
