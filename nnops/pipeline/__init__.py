"""What the DVC stages in pipelines/ stand on: one job a stage, its lock, its place on the tracked run."""
