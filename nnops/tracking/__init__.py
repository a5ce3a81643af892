"""Tracking: what a run did is put in a local spool, and one background writer shows it in MLflow."""
