"""A bundle as an MLflow model: the MLmodel file beside it, its signature, and the words on its page."""

import json
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

from nnops.number import short
from nnops.registry.bundle import Bundle, further
from nnops.registry.gate import Verdict

#: The bundle's folder inside the MLflow model.
FOLDER = "bundle"


def write_mlmodel(folder: Path, bundle: Bundle, logged: Any) -> None:
    """Write the bundle and the MLmodel file that makes it an MLflow model.

    Put together here, since ``pyfunc.save_model`` scans all installed packages for two seconds.
    """
    from mlflow.models import Model as MlModel

    shutil.copytree(bundle.folder, folder / FOLDER)
    needs = ["mlflow", "nnops", "numpy", "onnxruntime", "pandas", *further(bundle.schema)]
    (folder / "requirements.txt").write_text("".join(f"{name}=={metadata.version(name)}\n" for name in needs))
    python = {"python": platform.python_version(), "dependencies": ["-r requirements.txt"]}
    (folder / "python_env.yaml").write_text(json.dumps(python, indent=2))
    model = MlModel(
        artifact_path=logged.artifact_location,
        model_uuid=logged.model_id,
        model_id=logged.model_id,
        run_id=logged.source_run_id,
        signature=_signature(bundle),
    )
    model.add_flavor(
        "python_function",
        loader_module="nnops.registry.served",
        data=FOLDER,
        env={"virtualenv": "python_env.yaml"},
        python_version=platform.python_version(),
    )
    model.save(str(folder / "MLmodel"))


def _signature(bundle: Bundle) -> Any:
    """Raw rows in; classes and probabilities, values or the steps that follow out."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    preprocess = bundle.preprocess
    if preprocess.pixels is not None and not preprocess.names:
        inputs = Schema([TensorSpec(np.dtype(np.uint8), (-1, *preprocess.pixels.shape))])
    else:
        words = {fitted.name for fitted in preprocess.columns if fitted.kind != "numeric"}
        words |= {preprocess.text.name} if preprocess.text else set()
        columns: list[Any] = [ColSpec("string" if name in words else "double", name) for name in preprocess.names]
        if bundle.grouping is not None and bundle.grouping.name not in preprocess.names:
            columns.append(ColSpec("double" if bundle.grouping.numeric else "string", bundle.grouping.name))
        inputs = Schema(columns)
    if preprocess.steps is not None:
        words = preprocess.steps.names
        answers = [ColSpec("string", name) for name in reversed(words)]
        return ModelSignature(
            Schema([ColSpec("string" if name in words else "double", name) for name in preprocess.names]),
            Schema([*answers, *(ColSpec("double", name) for name in preprocess.steps.targets)]),
        )
    if bundle.manifest["task"] == "language_model":
        return ModelSignature(inputs, Schema([ColSpec("long", "tokens"), ColSpec("double", "perplexity")]))
    if preprocess.answer is not None:
        return ModelSignature(inputs, Schema([ColSpec("string", preprocess.target.name)]))
    if bundle.manifest["task"] == "segmentation" and preprocess.pixels is not None:
        return ModelSignature(inputs, Schema([TensorSpec(np.dtype(np.uint8), (-1, *preprocess.pixels.shape[1:]))]))
    outputs: list[Any] = [ColSpec("double", "value")]
    if bundle.classes:
        said = "labels" if bundle.manifest["task"] == "multilabel" else "class"
        outputs = [ColSpec("string", said), *(ColSpec("double", f"p({label})") for label in bundle.classes)]
    return ModelSignature(inputs, Schema(outputs))


def describe(bundle: Bundle, verdict: Verdict) -> str:
    """What people read on the version's page."""
    start = f"{bundle.variant}.test."
    numbers = {key.removeprefix(start): value for key, value in bundle.metrics.items() if key.startswith(start)}
    table = "".join(f"| {name} | {short(value, 6)} |\n" for name, value in numbers.items())
    passed = "lets it through" if verdict.passed else "refuses it"
    return (
        f"Served: **{bundle.variant}**\n\n| on the test split | |\n|---|---:|\n{table}\n"
        f"The gate {passed}.\n\n{verdict.markdown()}"
    )
