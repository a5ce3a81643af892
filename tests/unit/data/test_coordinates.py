"""Coordinates: what params may name, and what a model is told of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnops.batch import Spec
from nnops.cli.project import init
from nnops.data.coordinates import find_coordinates
from nnops.data.kinds import Kind
from nnops.data.prepare import prepare
from nnops.errors import ParamsError
from nnops.params import load, parse


def asked(coordinates, **data):
    source = {"name": "csv", "options": {"path": "houses.csv"}}
    return parse({"data": {"source": source, "target": "price", "coordinates": coordinates, **data}})


@pytest.fixture
def houses(tmp_path):
    rng = np.random.default_rng(0)
    rows = 80
    pd.DataFrame(
        {
            "rooms": rng.integers(1, 90, rows),
            "street": rng.choice(["a", "b"], rows),
            "latitude": rng.normal(size=rows),
            "longitude": rng.normal(size=rows),
            "price": rng.normal(size=rows),
        }
    ).to_csv(tmp_path / "houses.csv", index=False)
    return tmp_path


def test_a_model_is_told_the_places_of_the_columns_in_their_order(houses):
    data = prepare(asked(["longitude", "latitude"]), houses / "out", houses)
    assert data.schema["features"][:3] == ["rooms", "latitude", "longitude"]
    assert data.spec.coordinates == (2, 1)
    assert Spec.from_json(data.spec.to_json()) == data.spec


def test_data_without_them_are_recorded_as_ever(houses):
    params = asked([])
    plain = prepare(params, houses / "out", houses)
    named = prepare(asked(["longitude", "latitude"]), houses / "other", houses)
    assert "coordinates" not in params.record("data")["data"]
    assert "coordinates" not in plain.schema["spec"]
    assert plain.spec.coordinates == ()
    for name, array in plain.arrays("train").items():
        np.testing.assert_array_equal(array, named.arrays("train")[name])


@pytest.mark.parametrize(
    ("coordinates", "message"),
    [
        (["longitude", "latitud"], "numeric column 'latitud'.*latitude"),
        (["longitude", "street"], "numeric column 'street'"),
        (["longitude", "price"], "numeric column 'price'"),
    ],
)
def test_what_is_no_numeric_column_is_refused(houses, coordinates, message):
    with pytest.raises(ParamsError, match=rf"data\.coordinates: .*houses\.csv: .*{message}"):
        prepare(asked(coordinates), houses / "out", houses)


@pytest.mark.parametrize("coordinates", [["longitude"], ["longitude", "longitude"], "longitude"])
def test_one_column_is_no_place(coordinates):
    with pytest.raises(ParamsError, match=r"several columns such as \[longitude, latitude\]"):
        asked(coordinates)


def test_images_have_none(tmp_path):
    with pytest.raises(ParamsError, match=r"data\.coordinates: they are columns of a table, got images"):
        prepare(parse({"data": {"coordinates": ["x", "y"]}}), tmp_path / "out", tmp_path)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["Latitude", "rooms", "Longitude"], ["Longitude", "Latitude"]),
        (["lat", "lng"], ["lng", "lat"]),
        (["latitude", "rooms"], []),
        (["lat", "latitude", "lon"], []),
        (["latitude", "longitudes"], []),
    ],
)
def test_longitude_and_latitude_are_known_by_their_names(names, found):
    assert find_coordinates([Kind(name, "numeric", "") for name in names]) == found
    assert find_coordinates([Kind(name, "categorical", "") for name in names]) == []


def test_a_project_around_such_a_table_begins_with_them(houses, monkeypatch):
    monkeypatch.chdir(houses)
    init(Path("homes"), data=Path("houses.csv"), target="price")
    params = load(houses / "homes" / "params.yaml")
    assert params.data.coordinates == ("longitude", "latitude")
    assert params.model.name == "tabular"
    assert prepare(params, houses / "out", houses / "homes").spec.coordinates == (2, 1)
