"""A whole small project on images with masks: from two folders to masks for new images."""

import numpy as np
import pytest
from masks import draw, write_masks
from PIL import Image
from small import params

from nnops.compression.compress import compress
from nnops.data.mask_file import write_masks as write_answers
from nnops.data.prepare import prepare
from nnops.data.rows import read_rows
from nnops.errors import DataError
from nnops.evaluation.artifact import write_scorecard
from nnops.evaluation.evaluate import evaluate
from nnops.registry.bundle import Sources, write_bundle
from nnops.registry.mlmodel import _signature
from nnops.registry.served import Served
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train

VALUES = (0, 100, 255)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("masks")
    write_masks(root / "s", 40, values=VALUES)
    chosen = params(
        data={"source": {"name": "masks", "options": {"images": "s/images", "masks": "s/masks"}}},
        model={"name": "unet", "options": {"channels": [8, 16, 16]}},
        loss={"name": "dice", "options": {"cross_entropy": 1.0}},
        train={"epochs": 12, "batch_size": 4, "augment": [{"name": "flip", "options": {"vertical": 0.5}}]},
        evaluate={"intervals": {"samples": 20}},
        register={"name": "found"},
    )
    stages = root / "artifacts"
    data = prepare(chosen, stages / "prepare", root)
    write_model(stages / "train", train(chosen, data), chosen, data)
    model = read_model(stages / "train")
    scorecard = evaluate(model, data, chosen)
    write_scorecard(stages / "evaluate", scorecard)
    with pytest.MonkeyPatch.context() as patch:
        # How long a call takes is of no matter here.
        patch.setattr("nnops.compression.cost.SECONDS", 0.01)
        compressed = compress(model, data, chosen, stages / "compress", root)
    sources = Sources(*(stages / name for name in ("prepare", "train", "evaluate", "compress")))
    return write_bundle(root / "bundle", chosen, sources), data, scorecard, compressed, stages


def test_a_small_unet_beats_what_looks_at_pixels_alone(project):
    _, _, scorecard, _, stages = project
    found = {one.name: one.test["mean_iou"].value for one in scorecard.baselines}
    assert list(found) == ["majority", "pixel_logistic"]
    assert found["majority"] < found["pixel_logistic"] < scorecard.test["mean_iou"].value
    assert scorecard.test["mean_iou"].value > 0.6
    assert scorecard.test["pixel_accuracy"].low is not None
    lines = (stages / "evaluate" / "predictions.csv").read_text().splitlines()
    assert lines[0] == "row,pixel_accuracy,mean_iou"
    assert len(lines) == 7
    assert {path.stem for path in (stages / "evaluate" / "figures").glob("*.png")} == {"scorecard", "iou", "masks"}


def test_the_graph_gives_what_the_network_gives(project):
    numbers = project[3].numbers
    assert numbers["onnx_fp32.parity.relative"] < 1e-5
    assert numbers["onnx_fp32.parity.label_agreement"] > 0.999
    assert numbers["onnx_int8.parity.label_agreement"] > 0.9


def test_masks_are_answered_in_the_values_of_the_training(project, tmp_path):
    bundle, data, _, _, _ = project
    chance = np.random.default_rng(77)
    (tmp_path / "new").mkdir()
    truth = []
    for place in range(3):
        image, mask = draw(chance)
        Image.fromarray(image).save(tmp_path / "new" / f"{place}.png")
        truth.append(np.array(VALUES)[mask])
    raw = read_rows(tmp_path / "new", bundle.schema)
    answered = bundle.segment(raw)
    assert answered.shape == (3, 21, 18)
    assert (answered == truth).mean() > 0.8
    shares = bundle.predict(raw)
    assert list(shares.columns) == ["share(0)", "share(100)", "share(255)"]
    np.testing.assert_allclose(shares.to_numpy().sum(1), 1)
    files = write_answers(tmp_path / "out", ["0.jpg", "a/1.png", "2"], answered, bundle.schema["values"])
    assert [path.relative_to(tmp_path / "out").as_posix() for path in files] == ["0.png", "a/1.png", "2.png"]
    for path, mask in zip(files, answered, strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), mask)
    np.testing.assert_array_equal(Served(bundle).predict(raw), answered)
    assert _signature(bundle).outputs.inputs[0].shape == (-1, 21, 18)
    with pytest.raises(DataError, match="images must be 1 x 21 x 18"):
        bundle.predict(np.zeros((1, 1, 20, 20), np.uint8))
    # What was prepared is answered as it was judged.
    arrays = data.arrays("test")
    np.testing.assert_array_equal(np.unique(bundle.segment(np.array(arrays["image"]))), VALUES)
