"""Readers: what a file holds is what comes out, whatever its dress; damage is named."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from people import PEOPLE
from PIL import Image

from nnops.data import READERS
from nnops.data.reader import Images, Table
from nnops.errors import DataError, InputError


def read(tmp_path: Path, name: str, **options: object):
    return READERS.build(name, options, "data.source").read(tmp_path, "target")


def cells(table: object) -> list[list[str]]:
    assert isinstance(table, Table)
    return [list(table.frame.columns), *table.frame.astype(str).to_numpy().tolist()]


def zipped(content: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("people.csv", content)
    return memory.getvalue()


@pytest.mark.parametrize("name", READERS.names())
def test_examples_are_valid_options(name):
    for example in READERS.load(name).examples():
        assert READERS.build(name, example.model_dump(), "data.source") == example


@pytest.mark.parametrize(
    "dress",
    [
        lambda text: text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: (text + "\n\n").encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode(),
        lambda text: text.replace(",", "|").encode(),
        lambda text: text.replace(",", ", ").encode(),
        lambda text: text.replace("Rome", '"Rome"').encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: bz2.compress(text.encode()),
        lambda text: lzma.compress(text.encode()),
        lambda text: zipped(text.encode()),
    ],
)
def test_csv_in_any_dress(dress, write, tmp_path):
    write("people.csv", dress(PEOPLE))
    assert cells(read(tmp_path, "csv", path="people.csv")) == [line.split(",") for line in PEOPLE.splitlines()]


def test_csv_cells_keep_what_they_hold(write, tmp_path):
    write("a.csv", 'x,y,z\n"a, b","say ""no""",007\n"two\nlines", ?,1e3\n')
    assert cells(read(tmp_path, "csv", path="a.csv"))[1:] == [["a, b", 'say "no"', "007"], ["two\nlines", "?", "1e3"]]


def test_csv_semicolons_with_decimal_commas(write, tmp_path):
    write("a.csv", "x;y\n1,5;a,b\n-2;c\n3,25e2;d\n")
    frame = cells(read(tmp_path, "csv", path="a.csv", decimal=","))
    assert frame == [["x", "y"], ["1.5", "a,b"], ["-2", "c"], ["3.25e2", "d"]]


def test_csv_without_header(write, tmp_path):
    write("a.csv", "1,2\n3,4\n")
    assert cells(read(tmp_path, "csv", path="a.csv", columns=["x", "y"])) == [["x", "y"], ["1", "2"], ["3", "4"]]


def test_csv_of_an_encoding_that_is_said(write, tmp_path):
    write("a.csv", "x,y\nMalmö,1\n".encode("cp1252"))
    assert cells(read(tmp_path, "csv", path="a.csv", encoding="cp1252"))[1] == ["Malmö", "1"]


def test_csv_longer_than_a_batch(write, tmp_path, monkeypatch):
    monkeypatch.setattr("nnops.data.readers.csv.BATCH", 5)
    write("people.csv", PEOPLE)
    table = read(tmp_path, "csv", path="people.csv")
    assert cells(table) == [line.split(",") for line in PEOPLE.splitlines()]
    assert table.frame.index.tolist() == list(range(12))


def test_parquet_keeps_types(tmp_path):
    frame = pd.DataFrame({"x": [1.5, None], "n": pd.array([1, None], "Int64"), "w": ["a", None], "b": [True, False]})
    frame.set_axis(["r0", "r1"]).to_parquet(tmp_path / "a.parquet")
    table = read(tmp_path, "parquet", path="a.parquet")
    assert isinstance(table, Table)
    assert list(table.frame.columns) == ["x", "n", "w", "b"]
    assert table.frame["b"].tolist() == [True, False]
    assert np.isnan(table.frame["x"][1])


@pytest.mark.parametrize(
    ("content", "pattern"),
    [(b"PAR1 and nothing else", "must be a Parquet file"), (b"x,y\n1,2\n", "must be a Parquet file")],
)
def test_parquet_damaged(content, pattern, write, tmp_path):
    write("a.parquet", content)
    with pytest.raises(DataError, match=pattern):
        read(tmp_path, "parquet", path="a.parquet")


def test_parquet_of_lists(tmp_path):
    pd.DataFrame({"x": [[1], [2]], "y": [1, 2]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="column 'x' must hold single values, got list"):
        read(tmp_path, "parquet", path="a.parquet")


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


PIXELS = np.random.default_rng(1).integers(0, 256, (7, 4, 5))
LABELS = np.array([0, 1, 2, 0, 1, 2, 0])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx(pack, write, tmp_path):
    write("images", pack(idx(PIXELS)))
    write("labels", pack(idx(LABELS)))
    images = read(tmp_path, "idx", images="images", labels="labels")
    assert isinstance(images, Images)
    assert images.pixels_NCHW.shape == (7, 1, 4, 5)
    assert (images.pixels_NCHW[:, 0] == PIXELS).all()
    assert images.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("images", "labels", "pattern"),
    [
        (idx(PIXELS)[:-1], idx(LABELS), r"images: must hold 140 bytes after its header, got 139"),
        (idx(PIXELS), idx(LABELS[:-1]), r"labels: must hold one label for each of the 7 images in images, got 6"),
        (b"\x89PNG....", idx(LABELS), r"images: must be an IDX file, which starts with 00 00, got 89 50 4e 47"),
        (idx(LABELS), idx(LABELS), r"images: must hold uint8 images of 3 or 4 axes, got uint8 of 1"),
        (b"\x00\x00\x08\x03\x00", idx(LABELS), r"images: the file is cut off in its header"),
    ],
)
def test_idx_damaged(images, labels, pattern, write, tmp_path):
    write("images", images)
    write("labels", labels)
    with pytest.raises(DataError, match=pattern):
        read(tmp_path, "idx", images="images", labels="labels")


@pytest.mark.parametrize(
    "array",
    [
        PIXELS.astype(np.uint8),
        PIXELS,
        PIXELS / 255.0,
        (PIXELS / 255.0).astype(np.float32),
        PIXELS[:, None],
        PIXELS[..., None],
    ],
)
def test_npz_images_of_any_layout(array, tmp_path):
    np.savez(tmp_path / "a.npz", x=array, y=LABELS)
    images = read(tmp_path, "npz", path="a.npz")
    assert isinstance(images, Images)
    assert images.pixels_NCHW.dtype == np.uint8
    assert (images.pixels_NCHW == PIXELS[:, None]).all()


def test_npz_table_and_named_arrays(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", inside=np.eye(3), outside=np.array(["a", "b", "a"]))
    table = read(tmp_path, "npz", path="a.npz", inputs="inside", labels="outside")
    assert cells(table)[:2] == [["feature_0", "feature_1", "feature_2", "target"], ["1.0", "0.0", "0.0", "a"]]


@pytest.mark.parametrize(
    ("arrays", "options", "pattern"),
    [
        ({"x": PIXELS * 2, "y": LABELS}, {}, "whole numbers 0 .. 255 or fractions"),
        ({"x": PIXELS, "y": LABELS[:3]}, {}, "labels must be one for each of the 7 inputs, got 3"),
        ({"a": PIXELS, "b": LABELS}, {}, "holds the arrays a, b; name the one with the inputs"),
        ({"x": PIXELS, "y": LABELS}, {"inputs": "xs"}, "unknown array 'xs'; did you mean 'x'"),
        ({"x": PIXELS.astype(object), "y": LABELS}, {}, "must be an .npz file of plain arrays"),
    ],
)
def test_npz_wrong(arrays, options, pattern, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=pattern):
        read(tmp_path, "npz", path="a.npz", **options)


def picture(folder: Path, name: str, array: np.ndarray) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.astype(np.uint8)).save(path)


def test_images_by_folder(tmp_path):
    for row, pixels in enumerate(PIXELS):
        picture(tmp_path, f"pets/{('cat', 'dog')[row % 2]}/{row}.png", pixels)
    (tmp_path / "pets" / "dog" / "notes.txt").write_text("no image")
    images = read(tmp_path, "images", path="pets")
    assert isinstance(images, Images)
    assert images.labels.tolist() == ["cat"] * 4 + ["dog"] * 3
    assert (images.pixels_NCHW[:, 0] == PIXELS[[0, 2, 4, 6, 1, 3, 5]]).all()


def test_images_in_color_and_resized(tmp_path):
    picture(tmp_path, "pets/cat/a.png", np.full((6, 8, 3), 200))
    picture(tmp_path, "pets/dog/b.png", np.full((12, 10), 100))
    images = read(tmp_path, "images", path="pets", size=[4, 5])
    assert isinstance(images, Images)
    assert images.pixels_NCHW.shape == (2, 3, 4, 5)
    assert images.pixels_NCHW.mean(axis=(1, 2, 3)).tolist() == [200, 100]


def test_images_of_several_sizes(tmp_path):
    picture(tmp_path, "pets/cat/a.png", PIXELS[0])
    picture(tmp_path, "pets/dog/b.png", PIXELS[0].T)
    with pytest.raises(
        DataError, match=r"dog/b\.png: images must have one size.*5 x 4.*4 x 5.*options\.size to \[4, 5\]"
    ):
        read(tmp_path, "images", path="pets")


def test_images_damaged(tmp_path):
    picture(tmp_path, "pets/cat/a.png", PIXELS[0])
    whole = (tmp_path / "pets/cat/a.png").read_bytes()
    for content in (b"no image at all", whole[: len(whole) // 2]):
        (tmp_path / "pets/cat/b.png").write_bytes(content)
        with pytest.raises(DataError, match=r"cat/b\.png: must be an image, but it cannot be read"):
            read(tmp_path, "images", path="pets")


def test_images_of_sixteen_bits_keep_their_greys(tmp_path):
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    deep = (np.arange(20, dtype=np.uint16).reshape(4, 5) * 3000).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "pets/cat/a.png")
    images = read(tmp_path, "images", path="pets")
    assert isinstance(images, Images)
    assert (images.pixels_NCHW[0, 0] == deep // 256).all()
    Image.fromarray(np.ones((4, 5), np.float32)).save(tmp_path / "pets/cat/b.tiff")
    with pytest.raises(DataError, match=r"cat/b\.tiff: must be an image.*floating-point"):
        read(tmp_path, "images", path="pets")


def test_images_are_turned_as_their_camera_noted(tmp_path):
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter clockwise
    Image.fromarray(PIXELS[0].astype(np.uint8)).save(tmp_path / "pets/cat/a.png", exif=exif)
    images = read(tmp_path, "images", path="pets")
    assert isinstance(images, Images)
    assert (images.pixels_NCHW[0, 0] == np.rot90(PIXELS[0], -1)).all()


def test_a_folder_without_images(tmp_path):
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match="must have one sub-folder of images for each class, found no image in any"):
        read(tmp_path, "images", path="pets")
    with pytest.raises(InputError, match="must be a file, got a folder"):
        read(tmp_path, "csv", path="pets")


@pytest.mark.parametrize(("name", "rows"), [("iris", 150), ("wine", 178), ("breast_cancer", 569), ("diabetes", 442)])
def test_sklearn_tables(name, rows, tmp_path):
    table = read(tmp_path, "sklearn", set=name)
    assert isinstance(table, Table)
    assert len(table.frame) == rows
    assert "target" in table.frame.columns


def test_sklearn_digits_are_lossless_images(tmp_path):
    from sklearn.datasets import load_digits

    images = read(tmp_path, "sklearn", set="digits")
    assert isinstance(images, Images)
    bunch = load_digits()
    assert (images.pixels_NCHW[:, 0] == bunch.images).all()
    assert list(images.labels) == [str(digit) for digit in bunch.target]
    assert list(images.columns) == list(bunch.feature_names)
