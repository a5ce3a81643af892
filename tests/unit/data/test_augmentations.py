"""Each augmentation beside a derivation of its own: SciPy, NumPy, or counted by hand."""

import numpy as np
import pytest
import torch
from scipy.ndimage import rotate as scipy_rotate
from small import image_spec, params, small

from nnops.batch import Spec
from nnops.data.augmentations.base import About, build_augment
from nnops.data.augmentations.colour_jitter import ColourJitter
from nnops.data.augmentations.crop import Crop
from nnops.data.augmentations.cut_out import CutOut
from nnops.data.augmentations.cutmix import CutMix
from nnops.data.augmentations.flip import Flip
from nnops.data.augmentations.mixing import draw_share
from nnops.data.augmentations.mixup import Mixup
from nnops.data.augmentations.rotation import Rotation, rotate
from nnops.errors import NameUnknownError, ParamsError
from nnops.losses import LOSSES
from nnops.seeding import torch_stream


def about(shape=(1, 8, 8), task="multiclass", outputs=3):
    spec = Spec(task, ("image",), (shape,), (), outputs)
    return About(spec, (0.0,) * shape[0], (1.0,) * shape[0])


def distinct(rows, shape=(1, 8, 8)):
    """Images of which no two pixels are alike."""
    count = rows * int(np.prod(shape))
    return (torch.arange(count, dtype=torch.float32) / count).view(rows, *shape)


def apply(one, image, target=None, stream=0, told=None):
    target = torch.arange(len(image)) % 3 if target is None else target
    (out,), answer = one.apply((image,), target, told or about(tuple(image.shape[1:])), torch_stream(stream, "augment"))
    return out, answer


def test_flip_mirrors_half_of_the_images():
    image = distinct(400)
    out, _ = apply(Flip(), image)
    same = (out == image).flatten(1).all(1)
    mirrored = (out == image.flip(3)).flatten(1).all(1)
    assert (same | mirrored).all()
    assert 160 < int(mirrored.sum()) < 240
    assert torch.equal(apply(Flip(horizontal=0, vertical=1), image)[0], image.flip(2))


def test_crop_moves_each_image_by_at_most_its_padding():
    image = distinct(60, (2, 8, 6))
    out, _ = apply(Crop(padding=1), image)
    padded = np.pad(image.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    found = set()
    for row in range(60):
        places = [
            (top, left)
            for top in range(3)
            for left in range(3)
            if np.array_equal(padded[row, :, top : top + 8, left : left + 6], out[row].numpy())
        ]
        assert len(places) == 1
        found.add(places[0])
    assert len(found) == 9


def test_rotation_is_scipys():
    generator = np.random.default_rng(0)
    image = generator.random((5, 1, 9, 13)).astype(np.float32)
    angles = np.array([-170.0, -33.0, 0.0, 20.0, 90.0])
    ours = rotate(torch.from_numpy(image), torch.from_numpy(np.deg2rad(angles)).float()).numpy()
    for row, angle in enumerate(angles):
        theirs = scipy_rotate(image[row, 0], angle, reshape=False, order=1, mode="nearest")
        np.testing.assert_allclose(ours[row, 0], theirs, atol=2e-4)
    out, _ = apply(Rotation(degrees=5), distinct(50))
    assert float((out - distinct(50)).abs().max()) > 0


def test_colour_jitter_is_what_it_says():
    image = torch.rand(30, 3, 4, 4) * 0.4 + 0.3  # nothing is clipped
    told = about((3, 4, 4))
    bright, _ = apply(ColourJitter(brightness=0.2, contrast=0), image, told=told)
    factor = (bright / image).flatten(1)
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor))
    assert 0.8 <= float(factor.min()) < 0.9
    assert 1.1 < float(factor.max()) <= 1.2

    grey = 0.299 * image[:, 0] + 0.587 * image[:, 1] + 0.114 * image[:, 2]
    contrast, _ = apply(ColourJitter(brightness=0, contrast=0.3), image, told=told)
    middle = grey.mean((1, 2))[:, None, None, None]
    factor = ((contrast - middle) / (image - middle)).flatten(1).median(1).values[:, None, None, None]
    torch.testing.assert_close(contrast, middle + factor * (image - middle), atol=1e-5, rtol=1e-5)

    dull, _ = apply(ColourJitter(brightness=0, contrast=0, saturation=0.5), image, told=told)
    after = 0.299 * dull[:, 0] + 0.587 * dull[:, 1] + 0.114 * dull[:, 2]
    torch.testing.assert_close(after, grey)
    assert not torch.equal(dull, image)


def test_colour_jitter_works_on_pixels_whatever_their_scaling():
    pixel = torch.rand(6, 3, 5, 5)
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
    shift, scale = torch.tensor(mean).view(1, -1, 1, 1), torch.tensor(std).view(1, -1, 1, 1)
    one = ColourJitter(brightness=0.4, contrast=0.4, saturation=0.4)
    plain, _ = apply(one, pixel)
    scaled, _ = apply(one, (pixel - shift) / scale, told=About(image_spec((3, 5, 5)), mean, std))
    torch.testing.assert_close(scaled * scale + shift, plain, atol=1e-5, rtol=1e-5)


def test_cut_out_blanks_one_square():
    out, _ = apply(CutOut(share=0.5), torch.ones(300, 2, 8, 12))
    blank = out == 0
    assert torch.equal(blank[:, 0], blank[:, 1])
    sizes = set()
    for one in blank[:, 0]:
        rows, columns = one.any(1), one.any(0)
        assert int(one.sum()) == int(rows.sum()) * int(columns.sum())
        sizes.add((int(rows.sum()), int(columns.sum())))
    assert max(sizes) == (4, 4)
    assert min(sizes) == (2, 2)  # about a corner
    rarely, _ = apply(CutOut(share=0.5, probability=0.1), torch.ones(300, 1, 8, 8))
    assert 10 < int((rarely == 0).flatten(1).any(1).sum()) < 60


def test_mixup_is_the_papers():
    image, target = torch.rand(9, 1, 8, 8, dtype=torch.float64), torch.arange(9) % 3
    out, answer = apply(Mixup(alpha=1.0), image, target)
    # x = l x_i + (1 - l) x_j with one l and a partner j for each row, both found from the pixels alone.
    shares, partners = [], []
    for row in range(9):
        others = [partner for partner in range(9) if partner != row]
        lines = torch.stack([image[row] - image[partner] for partner in others]).flatten(1)
        moved = (out[row] - image[others]).flatten(1)
        share = (moved * lines).sum(1) / lines.square().sum(1)
        off = (moved - share[:, None] * lines).abs().amax(1)
        best = int(off.argmin())
        if not torch.equal(out[row], image[row]):  # its own partner
            assert off[best] < 1e-7
            shares.append(float(share[best]))
            partners.append(others[best])
            wanted = share[best] * torch.eye(3)[row % 3] + (1 - share[best]) * torch.eye(3)[others[best] % 3]
            torch.testing.assert_close(answer[row], wanted.float())
    assert len(shares) >= 6
    assert max(shares) - min(shares) < 1e-7
    assert 0 < min(shares) < 1
    assert len(set(partners)) == len(partners)


def test_shares_are_drawn_from_beta():
    drawn = np.array([draw_share(0.4, torch_stream(seed, "a")) for seed in range(2000)])
    assert drawn.mean() == pytest.approx(0.5, abs=0.03)
    assert drawn.var() == pytest.approx(1 / (4 * (2 * 0.4 + 1)), abs=0.01)


def test_cutmix_shares_are_areas():
    image = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 1, 10, 10)
    for stream in range(20):
        out, answer = apply(CutMix(), image, torch.arange(6) % 3, stream)
        for row in range(6):
            kept = float((out[row] == row).float().mean())
            others = out[row][out[row] != row].unique()
            assert len(others) <= 1
            wanted = torch.zeros(3)
            wanted[row % 3] += kept
            if len(others):
                wanted[int(others[0]) % 3] += 1 - kept
            torch.testing.assert_close(answer[row], wanted)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_mixed_numbers_lie_between(task):
    target = torch.tensor([0.0, 1.0, 1.0, 0.0])
    _, answer = apply(Mixup(alpha=1.0), distinct(4), target, told=about(task=task, outputs=1), stream=2)
    assert answer.shape == (4,)
    assert answer.dtype == torch.float32
    assert float(answer.sum()) == pytest.approx(2.0)
    assert not torch.equal(answer, target)


@pytest.mark.parametrize("loss", [name for name in LOSSES.names() if "multiclass" in LOSSES.load(name).tasks])
def test_losses_of_classes_take_shares(loss):
    for example in LOSSES.load(loss).examples():
        output, target = torch.randn(8, 3), torch.arange(8) % 3
        one = example.fitted("multiclass", ("a", "b", "c"), target)
        hard, soft = torch.eye(3)[target], torch.eye(3)[(target + 1) % 3]
        torch.testing.assert_close(one(output, hard), one(output, target))
        between = one(output, 0.3 * hard + 0.7 * soft)
        assert between.isfinite()
        assert not torch.isclose(between, one(output, target))


@pytest.mark.parametrize(
    ("augment", "what"),
    [
        ({"name": "crop", "options": {"padding": 8}}, "0.options.padding must be below 8, the shorter side of the"),
        ({"name": "colour_jitter", "options": {"saturation": 0.1}}, "0.options.saturation must be 0 for images of 1"),
        ({"name": "rotation", "options": {"degrees": 0}}, "0.options.degrees must be greater than 0, got 0."),
        ({"name": "cutmix", "options": {"beta": 1}}, "0.options.beta: unknown key 'beta'"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(augment, what, tmp_path):
    with pytest.raises(ParamsError) as caught:
        build_augment(params(train={"augment": [augment]}).train.augment, small(tmp_path))
    assert str(caught.value).startswith(f"params.yaml: train.augment.{what}")


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(NameUnknownError, match=r"train\.augment\.1\.name: unknown augmentation 'flp'.*'flip'"):
        build_augment(params(train={"augment": [{"name": "flip"}, {"name": "flp"}]}).train.augment, small(tmp_path))


def test_mixup_does_not_fit_every_task(tmp_path):
    data = small(tmp_path)
    data.schema["spec"]["task"] = "forecasting"
    with pytest.raises(ParamsError, match="'mixup' does not fit the task forecasting, but binary"):
        build_augment(params(train={"augment": [{"name": "mixup"}]}).train.augment, data)
