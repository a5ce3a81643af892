"""What ``mlflow.pyfunc.load_model`` loads for a version of the registry: our bundle, no pickle, no torch.

Named as ``loader_module`` in the version's MLmodel file; MLflow calls :func:`_load_pyfunc` with the bundle's folder.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnops.registry.bundle import Bundle

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Served:
    """A bundle with the method that MLflow calls."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> "pd.DataFrame | np.ndarray":
        """Answer raw rows, see :meth:`Bundle.predict`; images with the masks of :meth:`Bundle.segment`.

        ``params`` has no meaning here.
        """
        del params
        if self.bundle.manifest["task"] == "segmentation":
            return self.bundle.segment(model_input)
        return self.bundle.predict(model_input)


def _load_pyfunc(path: str) -> Served:
    return Served(Bundle.open(Path(path)))
