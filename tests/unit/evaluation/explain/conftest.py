"""A trained network of each kind of table, made once."""

import pytest
from explained import Explained


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Explained:
    return Explained.table(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Explained:
    return Explained.images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Explained:
    return Explained.texts(tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="session")
def series(tmp_path_factory: pytest.TempPathFactory) -> Explained:
    return Explained.series(tmp_path_factory.mktemp("series"))
