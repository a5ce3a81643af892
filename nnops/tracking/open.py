"""Opening the tracker that params.yaml and the environment ask for."""

import os
from pathlib import Path

from nnops.errors import ParamsError
from nnops.params import Params
from nnops.tracking.address import chosen_uri
from nnops.tracking.null import NullTracker
from nnops.tracking.spool import SpoolTracker
from nnops.tracking.tracker import Tracker


def open_tracker(params: Params, root: Path) -> Tracker:
    """The tracker of a project; ``NNOPS_TRACKING=off`` asks for none.

    Args:
        params: ``tracking.uri`` and ``tracking.experiment`` say where runs are shown.
        root: The project's folder.

    Raises:
        ParamsError: The address or the variable is wrong.
        TrackingError: The spool cannot be written.
    """
    wanted = os.environ.get("NNOPS_TRACKING", "on").lower()
    if wanted not in ("on", "off"):
        raise ParamsError(f"NNOPS_TRACKING must be on or off, got '{wanted}'.")
    if wanted == "off":
        return NullTracker()
    return SpoolTracker(root, uri=chosen_uri(params, root), experiment=params.tracking.experiment)
