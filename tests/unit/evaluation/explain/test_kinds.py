"""Explanations of images, texts and windows whose reason is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from explained import Explained

from nnops.errors import InputError
from nnops.evaluation.explain.explain import build_method, explain
from nnops.evaluation.explain.feature_visualisation import FeatureVisualisation
from nnops.evaluation.explain.grad_cam import GradCam
from nnops.evaluation.explain.integrated_gradients import IntegratedGradients
from nnops.evaluation.explain.occlusion import Occlusion
from nnops.evaluation.explain.saliency import Saliency, slope
from nnops.evaluation.explain.subject import Subject
from nnops.models import MODELS

PLACES = {"left": 0, "middle": 1, "right": 2}


def share_inside(subject: Subject, value_NHW: np.ndarray) -> float:
    """The share of what speaks for the answer that lies on the bright square, or a pixel beside it."""
    inside: list[float] = []
    for value_HW, choice in zip(np.clip(value_NHW, 0, None), subject.choice_N, strict=True):
        at = 4 * PLACES[subject.answers[choice]]
        inside.append(value_HW[3:9, max(0, at - 1) : at + 5].sum() / value_HW.sum())
    return float(np.mean(inside))


@pytest.mark.parametrize(
    ("method", "least"),
    [(IntegratedGradients(), 0.7), (Occlusion(), 0.6), (Saliency(), 0.3), (Saliency(samples=8), 0.3)],
    ids=["integrated_gradients", "occlusion", "saliency", "smoothgrad"],
)
def test_pixels_that_decide_are_found(images: Explained, method, least: float) -> None:
    subject = images.subject(rows=9)
    found = method.explain(subject)
    assert found.form == "pixels"
    assert found.value.shape == (9, 12, 12)
    # The square and its edge are 36 pixels of 144, those at a side 30.
    assert share_inside(subject, found.value) > least


def test_pixels_add_up(images: Explained) -> None:
    found = IntegratedGradients(tolerance=0.01).explain(images.subject(rows=5))
    assert found.score_N is not None
    assert found.base_N is not None
    difference_N = found.score_N - found.base_N
    miss = np.abs(found.value.sum((1, 2)) - difference_N).max()
    assert miss <= 0.01 * np.abs(difference_N).mean()


def test_saliency_is_the_slope(images: Explained) -> None:
    subject = images.subject(rows=2)
    row = torch.from_numpy(subject.inputs[0])
    found = slope(subject, row, subject.choice_N)
    step, at = 1e-2, (0, 0, 5, 6)
    moved = row.clone()
    moved[at] += step
    with torch.no_grad():
        rise = (subject.logits([moved]) - subject.logits([row]))[0, subject.choice_N[0]] / step
    assert float(found[at]) == pytest.approx(float(rise), rel=0.05, abs=1e-3)


def test_grad_cam_of_averaged_channels_is_their_weighted_sum(images: Explained) -> None:
    """Then it is the class activation map (Selvaraju et al. 2017, section 3.1), but for the number of places."""
    torch.manual_seed(2)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 5, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(5, 3)
    ).requires_grad_(False)
    subject = replace(images.subject(rows=3), module=network)
    seen_NKhw = network[0](torch.from_numpy(subject.inputs[0]))
    weight_NK = network[3].weight[torch.from_numpy(subject.choice_N)]
    due_N1hw = (weight_NK[:, :, None, None] * seen_NKhw).sum(1, keepdim=True).relu() / 100
    due_N1HW = torch.nn.functional.interpolate(due_N1hw, (12, 12), mode="bilinear")
    np.testing.assert_allclose(GradCam().explain(subject).value, due_N1HW[:, 0], atol=1e-6)


def test_channels_are_excited_by_what_is_made_for_them(images: Explained) -> None:
    subject = images.subject(rows=4)
    method = FeatureVisualisation(count=2, steps=40, images=3)
    found = method.explain(subject)
    assert found.further["made"].shape == (2, 1, 12, 12)
    layer = [each for each in subject.module.modules() if isinstance(each, torch.nn.Conv2d)][-1]
    pool = subject.judged.inputs[0] if subject.judged else subject.inputs[0]
    mean_NK = method._activations(subject.module, layer, pool)
    made_KK = method._activations(subject.module, layer, found.further["made"])
    for place, name in enumerate(found.names):
        channel = int(name.removeprefix("channel "))
        assert made_KK[place, channel] > mean_NK[:, channel].mean()
        assert found.further["shown"][place][0] == mean_NK[:, channel].argmax()


def test_what_looks_into_convolutions_wants_some(tmp_path: Path) -> None:
    subject = Explained.images(tmp_path, "mlp").subject(rows=2)
    for method in (GradCam(), FeatureVisualisation()):
        with pytest.raises(InputError, match="has none; write saliency"):
            method.explain(subject)


@pytest.mark.parametrize("options", [{"layer": 2}, {"layer": -3}, {"channels": (6,)}], ids=str)
def test_layers_and_channels_that_are_not_there(images: Explained, options) -> None:
    with pytest.raises(InputError, match="must be from"):
        FeatureVisualisation(**options).explain(images.subject(rows=2))


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_the_word_that_decides_is_found(texts: Explained, method: str) -> None:
    subject = texts.subject(rows=10)
    found = build_method(method, {}, "text").explain(subject)
    for tokens, value_T, choice in zip(subject.tokens, found.value, subject.choice_N, strict=True):
        word = "lovely" if subject.answers[choice] == "good" else "awful"
        decided = [place for place, token in enumerate(tokens) if token in ("lovely", "awful")]
        place = int(np.abs(value_T).argmax())
        assert place in decided
        assert (value_T[place] > 0) == (tokens[place] == word)
        assert not value_T[len(tokens) :].any()


@pytest.mark.parametrize("model", ["transformer", "rnn", "bag"])
def test_tokens_add_up_in_networks_of_sequences(texts: Explained, model: str) -> None:
    given = texts.subject(rows=4)
    torch.manual_seed(3)
    options = {"rnn": {"hidden": 8, "embedding": 8}, "bag": {}, "transformer": {"width": 8, "heads": 2}}[model]
    network = MODELS.build(model, options).build(given.spec).eval().requires_grad_(False)
    found = IntegratedGradients(tolerance=0.01).explain(replace(given, module=network))
    assert found.score_N is not None
    assert found.base_N is not None
    difference_N = found.score_N - found.base_N
    np.testing.assert_allclose(found.value.sum(1), difference_N, atol=0.01 * np.abs(difference_N).mean())


def test_steps_of_a_linear_forecast_are_its_weights(series: Explained) -> None:
    subject = series.subject(rows=3)
    found = IntegratedGradients().explain(subject)
    (linear,) = [each for each in subject.module.modules() if isinstance(each, torch.nn.Linear)]
    (spread,) = {float(one) for one in np.asarray(subject.std)}
    weight_LV = linear.weight.numpy().reshape(3, 12, 2).mean(0) * spread
    window_NLV = subject.inputs[0]
    due = (window_NLV - window_NLV.mean(1, keepdims=True)) * weight_LV
    np.testing.assert_allclose(found.value, due, atol=1e-4)
    assert found.names == ("wave", "noise")
    saliency = Saliency().explain(subject)
    np.testing.assert_allclose(saliency.value, np.broadcast_to(np.abs(weight_LV), (3, 12, 2)), rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("images", "saliency"),
        ("images", "integrated_gradients"),
        ("images", "grad_cam"),
        ("images", "occlusion"),
        ("texts", "integrated_gradients"),
        ("texts", "occlusion"),
        ("series", "integrated_gradients"),
    ],
)
def test_random_weights_say_otherwise(request: pytest.FixtureRequest, kind: str, method: str) -> None:
    subject = request.getfixturevalue(kind).subject(rows=8)
    found = explain(subject, build_method(method, {}, subject.kind))
    assert found.checks["randomised"] < 0.9
