"""Evaluation: how good a model is on rows it never saw, how sure that is, and what simpler models reach."""
