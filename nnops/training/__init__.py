"""Training: from params and prepared data to weights, with checkpoints that survive any kill."""
