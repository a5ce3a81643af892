"""A project whose MLflow database is a copy of one that was made once, since making one takes seconds."""

import shutil
from pathlib import Path

import pytest

from nnops.tracking.address import default_uri
from nnops.tracking.border import configure
from nnops.tracking.database import prepare


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    configure()
    prepare(default_uri(root), root)
    return root / "mlflow.db"


@pytest.fixture
def project(tmp_path: Path, template: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    shutil.copyfile(template, root / "mlflow.db")
    return root
