"""Sweeps: Optuna decides what to try and when to stop, an engine runs trials, the study's storage is the one record."""
