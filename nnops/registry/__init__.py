"""The registry: bundles of models that answer raw rows, the gate that judges them, their versions in MLflow."""
