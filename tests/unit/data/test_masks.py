"""Images with masks: what is read, what is refused in one sentence, and what a project begins with."""

import numpy as np
import pytest
from masks import write_masks
from PIL import Image
from small import SPECS, params, small

from nnops.cli.scaffold import Project, params_text
from nnops.data.augmentations.base import About, build_augment
from nnops.data.augmentations.flip import Flip
from nnops.data.infer import infer_file
from nnops.errors import DataError, ParamsError
from nnops.params import load, parse
from nnops.seeding import torch_stream
from nnops.training.train import build_model, train

SOURCE = {"name": "masks", "options": {"images": "s/images", "masks": "s/masks"}}


def source(**options):
    return {"name": "masks", "options": SOURCE["options"] | options}


def test_masks_are_read_as_codes_of_their_values(tmp_path, make):
    write_masks(tmp_path / "s", 20, values=(0, 7, 255))
    data = make(source=SOURCE)
    assert (data.spec.task, data.spec.shapes, data.spec.outputs) == ("segmentation", ((1, 21, 18),), 3)
    assert data.spec.answer == (3, 21, 18)
    assert (data.classes, data.schema["values"], data.schema["kind"]) == (["0", "7", "255"], [0, 7, 255], "image")
    assert data.schema["rows"] == {"train": 14, "val": 3, "test": 3}
    assert data.arrays("train")["target"].dtype == np.uint8
    tensors = data.tensors("train")
    assert str(tensors.target.dtype) == "torch.int64"
    assert tensors.target.equal(data.streamed("train").target)
    # Each image has its own mask: discs are brighter than squares.
    image, code = data.arrays("train")["image"][:, 0], data.arrays("train")["target"]
    levels = [float(image[code == value].mean()) for value in range(3)]
    assert levels[2] < levels[0] < levels[1]
    report = (data.folder / "report.html").read_text()
    assert "14 images" in report
    assert "14 masks" in report
    assert make(source=SOURCE, out="again").hash == data.hash


def test_palettes_bits_names_and_sizes(tmp_path, make):
    write_masks(tmp_path / "s", 12)
    for path in (tmp_path / "s" / "masks").glob("*.png"):
        with Image.open(path) as image:
            palette = image.convert("L")
        palette = Image.fromarray(np.asarray(palette), "P")
        palette.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
        palette.save(path)
    data = make(source=source(classes=["ground", "disc", "square", "never"], size=[10, 12]))
    assert data.spec.shapes == ((1, 10, 12),)
    assert data.classes == ["ground", "disc", "square", "never"]
    assert set(np.unique(data.arrays("train")["target"])) == {0, 1, 2}
    assert "Class 'never' is in 0 of 8 images of train." in (data.folder / "report.json").read_text()
    for path in (tmp_path / "s" / "masks").glob("*.png"):
        with Image.open(path) as image:
            one = Image.fromarray(np.asarray(image) > 0)
        one.save(path)
        assert one.mode == "1"
    assert make(source=SOURCE, out="b").schema["values"] == [0, 1]


def spoil(name, change):
    def run(folder):
        path = folder / name
        with Image.open(path) as image:
            pixels = np.asarray(image).copy()
        change(path, pixels)

    return run


def rewritten(make_image):
    return lambda path, pixels: make_image(pixels).save(path)


@pytest.mark.parametrize(
    ("what", "options", "words"),
    [
        (lambda s: (s / "masks" / "03.png").unlink(), {}, r"^03\.png: an image must have a mask of the same name, but"),
        (
            lambda s: (s / "images" / "03.png").unlink(),
            {},
            r"^03\.png: a mask must have an image of the same name, but",
        ),
        (
            spoil("masks/03.png", rewritten(lambda pixels: Image.fromarray(pixels[:-2]))),
            {},
            r"^03\.png: a mask must have the size of its image, but it has 19 x 18 and the image 21 x 18 \(height x",
        ),
        (
            spoil("masks/03.png", rewritten(lambda pixels: Image.fromarray(np.stack([pixels] * 3, 2)))),
            {},
            r"^03\.png: a mask must have one value a pixel \(grey or a palette\), got colours \(RGB\); save it as a",
        ),
        (
            spoil("masks/03.png", lambda path, pixels: path.write_bytes(b"no image")),
            {},
            r"^03\.png: must be a mask, but it cannot be read",
        ),
        (
            spoil("images/03.png", lambda path, pixels: path.write_bytes(b"no image")),
            {},
            r"^03\.png: must be an image, but it cannot be read",
        ),
        (
            lambda s: None,
            {"classes": ["a", "b"]},
            r"values must be below 2, the number of classes, but row \d+, column",
        ),
        (
            spoil(
                "masks/03.png",
                rewritten(lambda p: Image.fromarray(np.arange(p.size).reshape(p.shape).astype(np.uint8))),
            ),
            {},
            r"^masks: values of masks must be classes, but there are 256 different ones; are they photos, or saved as",
        ),
        (
            spoil("masks/03.png", rewritten(lambda p: Image.fromarray(p.astype(np.uint16) * 300))),
            {},
            r"^03\.png: values of a mask must be at most 255, got 600; renumber the classes",
        ),
        (lambda s: [path.unlink() for path in (s / "masks").iterdir()], {}, r"^s/masks: must hold images, found none"),
        (lambda s: None, {"masks": "s/mask"}, r"^s/mask: no such file; did you mean 'masks'"),
        (
            lambda s: (s / "masks" / "03.bmp").write_bytes((s / "masks" / "03.png").read_bytes()),
            {},
            r"^s/masks: names must differ, but there is 03\.bmp and 03\.png",
        ),
    ],
)
def test_masks_that_do_not_fit_are_named(tmp_path, make, what, options, words):
    what(write_masks(tmp_path / "s", 6))
    with pytest.raises(DataError, match=words):
        make(source=source(**options))


def test_masks_of_one_value_and_unknown_ones_of_test_are_refused(tmp_path, make):
    write_masks(tmp_path / "s", 6, values=(4, 4, 4))
    with pytest.raises(DataError, match="masks must have at least two classes, but every pixel is 4"):
        make(source=SOURCE)
    write_masks(tmp_path / "s", 8)
    write_masks(tmp_path / "t", 2, values=(0, 1, 9))
    test = {"name": "masks", "options": {"images": "t/images", "masks": "t/masks"}}
    with pytest.raises(
        DataError, match=r"^t: the mask of 00\.png has 9 in row \d+, column \d+, which is no class of the"
    ):
        make(source=SOURCE, test=test)
    write_masks(tmp_path / "t", 2, seed=5)
    assert make(source=SOURCE, test=test).schema["rows"]["test"] == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"task": "multiclass"}, "images with masks are a segmentation, got multiclass; write auto"),
        ({"split": {"by": "stratified"}}, "images with masks are split at random, got stratified"),
    ],
)
def test_params_that_do_not_fit_are_refused(tmp_path, make, data, words):
    write_masks(tmp_path / "s", 6)
    with pytest.raises(ParamsError, match=words):
        make(source=SOURCE, **data)


def test_a_segmentation_needs_masks(make):
    digits = {"name": "sklearn", "options": {"set": "digits"}}
    with pytest.raises(DataError, match=r"a segmentation needs images with masks \(reader masks\), got images"):
        make(source=digits, task="segmentation")


def test_the_same_image_on_both_sides_is_a_leak(tmp_path, make):
    write_masks(tmp_path / "s", 8)
    for name in ("images", "masks"):
        for place in range(8):
            content = (tmp_path / "s" / name / f"{place:02}.png").read_bytes()
            (tmp_path / "s" / name / f"copy{place}.png").write_bytes(content)
    split = {"val": 0.4, "test": 0.1}
    assert "images of val are in train as well" in (make(source=SOURCE, split=split).folder / "report.json").read_text()
    dropped = make(source=SOURCE, split=split, cleaning={"duplicates": "drop"}, out="b")
    assert sum(dropped.schema["rows"].values()) == 8


def test_a_project_begins_with_a_unet(tmp_path, make):
    write_masks(tmp_path / "s", 12)
    found = infer_file(tmp_path / "s")
    assert (found.task, found.image, found.classes) == ("segmentation", True, ("0", "1", "2"))
    assert found.comments["source"] == "12 images of 1 x 21 x 18 (channels x height x width) with masks"
    project = Project("found", found.data, found.comments, found.task, found.image, found.rows)
    (tmp_path / "params.yaml").write_text(params_text(project))
    chosen = load(tmp_path / "params.yaml")
    assert (chosen.model.name, chosen.data.task, chosen.data.source.name) == ("unet", "segmentation", "masks")
    assert chosen.evaluate.baselines == ("majority_pixel", "pixel_logistic")


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (
            {"model": {"name": "cnn"}},
            r"'cnn' answers with one for each row, but the task is segmentation; write 'unet'",
        ),
        (
            {"model": {"name": "unet", "options": {"channels": [4] * 6}}},
            "must name at most 3 stages, since each but the",
        ),
        ({"loss": {"name": "mse"}}, r"'mse' does not fit the task segmentation; write cross_entropy or dice"),
        ({"train": {"augment": [{"name": "rotation"}]}}, "'rotation' does not fit the task segmentation"),
        ({"train": {"augment": [{"name": "mixup"}]}}, "'mixup' does not fit the task segmentation"),
        (
            {"train": {"sampler": "weighted"}},
            "weighted draws classes equally often, and the task segmentation has none",
        ),
    ],
)
def test_parts_that_do_not_fit_masks_are_refused(tmp_path, section, words):
    with pytest.raises(ParamsError, match=words):
        train(
            params(**({"model": {"name": "unet", "options": {"channels": [4, 4]}}} | section)), small(tmp_path, "masks")
        )


def test_a_unet_does_not_fit_classes_of_images():
    with pytest.raises(
        ParamsError, match="'unet' answers with a class for each pixel, but the task is multiclass; write"
    ):
        build_model(params(model={"name": "unet", "options": {}}), SPECS["image"])


def test_flip_mirrors_masks_with_their_images(tmp_path):
    data = small(tmp_path, "masks")
    tensors = data.tensors("train")
    named = parse({"train": {"augment": [{"name": "flip", "options": {"vertical": 0.5}}]}}).train.augment
    augment = build_augment(named, data)
    (image,), target = augment(tensors.inputs, tensors.target, torch_stream(0, "augment/0"))
    assert not target.equal(tensors.target)
    level = ((image[:, 0] * 0.25 + 0.5) * 255).round().long()
    assert target.equal(level // 86)
    about = About(SPECS["masks"], (0.5,), (0.25,))
    same = Flip(horizontal=1).apply(tensors.inputs, tensors.target, about, torch_stream(0, "x"))[1]
    assert same.equal(tensors.target.flip(2))
