"""Dropout: what is kept, by how much it grows, and that its mask is a fair draw."""

import pytest
import torch
from torch import nn

from nnops.models.dropout import FEW, NUMBERS, TOGETHER, Dropout, build_dropout, masks_ahead

ROWS, WIDTH = 1001, 999


@pytest.mark.parametrize("p", [0.001, 0.1, 0.37, 0.5, 0.9])
def test_the_share_that_is_kept_and_what_it_is_divided_by(p: float) -> None:
    torch.manual_seed(0)
    y = Dropout(p)(torch.ones(ROWS, WIDTH))
    kept = float((y != 0).double().mean())
    # Five standard deviations of a mean of Bernoulli trials.
    assert abs(kept - (1 - p)) < 5 * (p * (1 - p) / y.numel()) ** 0.5 + 2**-17
    values = y[y != 0].unique()
    assert len(values) == 1
    # By what is really kept, which is a multiple of 2**-16.
    assert float(values[0]) == pytest.approx(2**16 / (2**16 - round(p * 2**16)), rel=1e-6)


@pytest.mark.parametrize("place", range(4))
def test_each_of_the_four_values_of_a_draw_is_fair(place: int) -> None:
    """64 bits are drawn at once: the sign, too, must be one."""
    torch.manual_seed(1)
    kept = Dropout(0.3)(torch.ones(400_000)).view(-1, 4)[:, place] != 0
    assert abs(float(kept.double().mean()) - 0.7) < 5 * (0.21 / 100_000) ** 0.5


def test_neighbours_do_not_know_of_each_other() -> None:
    torch.manual_seed(2)
    kept = (Dropout(0.5)(torch.ones(400_000)) != 0).double() - 0.5
    for lag in (1, 2, 3, 4, 64):
        assert abs(float((kept[lag:] * kept[:-lag]).mean()) * 4) < 5 / 400_000**0.5


def test_the_gradient_passes_where_the_number_passed() -> None:
    torch.manual_seed(3)
    x = torch.randn(64, 65, requires_grad=True)
    y = Dropout(0.4)(x)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad != 0, y != 0)
    assert torch.equal(x.grad * x, y)


def test_one_seed_gives_one_mask_whatever_the_layout_and_the_kind() -> None:
    layer, x = Dropout(0.3), torch.ones(7, 3, 11, 13)
    masks: list[torch.Tensor] = []
    for each in (x, x.to(memory_format=torch.channels_last), x.double(), x.bfloat16()):
        torch.manual_seed(4)
        y = layer(each)
        assert y.dtype == each.dtype
        assert y.stride() == each.stride()
        masks.append(y != 0)
    assert all(torch.equal(mask, masks[0]) for mask in masks)


@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (3, 5), (2051,), (3, 1, 1001)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    assert Dropout(0.5)(torch.ones(shape)).shape == shape


@pytest.mark.parametrize(("p", "left"), [(0.0, 1.0), (1.0, 0.0)])
def test_nothing_and_everything(p: float, left: float) -> None:
    assert torch.equal(Dropout(p)(torch.ones(FEW)), torch.full((FEW,), left))


def test_few_numbers_are_left_to_torch() -> None:
    for count, same in ((FEW - 1, True), (FEW, False)):
        masks: list[torch.Tensor] = []
        for layer in (Dropout(0.3), nn.Dropout(0.3)):
            torch.manual_seed(5)
            masks.append(layer(torch.ones(count)))
        assert torch.equal(*masks) == same


def masks(layer: Dropout, *shapes: tuple[int, ...]) -> list[torch.Tensor]:
    """What an epoch of these steps keeps, its generator seeded anew."""
    with masks_ahead():
        torch.manual_seed(6)
        return [layer(torch.ones(shape)) for shape in shapes]


@pytest.mark.parametrize("shape", [(0, 3), (1,), (16, 16), (64, 65), (NUMBERS // 3,), (NUMBERS + 1,)])
def test_an_epoch_is_a_function_of_its_seed(shape: tuple[int, ...]) -> None:
    steps = [shape] * (2 * TOGETHER + 3)
    for once, again in zip(masks(Dropout(0.3), *steps), masks(Dropout(0.3), *steps), strict=True):
        assert torch.equal(once, again)


def test_masks_that_are_drawn_together_are_fair_and_all_different() -> None:
    layer = Dropout(0.3)
    kept = torch.stack(masks(layer, *[(64, 128)] * 25)) != 0
    per_step = kept.double().mean((1, 2))
    assert float((per_step - 0.7).abs().max()) < 5 * (0.21 / 8192) ** 0.5
    # Two masks agree in .7 ** 2 + .3 ** 2 of their numbers.
    flat = kept.flatten(1).double()
    agree = (flat @ flat.T + (1 - flat) @ (1 - flat).T) / 8192
    agree.fill_diagonal_(0.58)
    assert float((agree - 0.58).abs().max()) < 6 * (0.58 * 0.42 / 8192) ** 0.5


def test_masks_are_of_the_shape_the_kind_and_the_rate_that_a_step_has() -> None:
    layer = Dropout(0.3)
    with masks_ahead():
        for shape in [(64, 64)] * 3 + [(11, 64)] * 3 + [(64, 64)] * 2:
            assert layer(torch.ones(shape)).shape == shape
        assert layer(torch.ones(64, 64, dtype=torch.bfloat16)).dtype == torch.bfloat16
        layer.p = 0.9
        for _ in range(3):
            assert abs(float((layer(torch.ones(64, 64)) != 0).double().mean()) - 0.1) < 0.03


def test_an_epoch_leaves_nothing_to_the_next_one_or_to_a_step_outside() -> None:
    layer, x = Dropout(0.3), torch.ones(64, 64)
    first = masks(layer, *[(64, 64)] * 5)
    second = masks(layer, *[(64, 64)] * 5)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    torch.manual_seed(7)
    outside = layer(x)
    torch.manual_seed(7)
    assert torch.equal(layer(x), outside)
    torch.manual_seed(7)
    assert torch.equal(Dropout(0.3)(x), outside)


def test_an_error_ends_an_epoch() -> None:
    layer, x = Dropout(0.3), torch.ones(64, 64)

    @masks_ahead()
    def broken() -> None:
        layer(x)
        layer(x)
        raise ValueError("told")

    with pytest.raises(ValueError, match="told"):
        broken()
    torch.manual_seed(8)
    first = layer(x)
    torch.manual_seed(8)
    assert torch.equal(layer(x), first)


def test_layers_do_not_share_masks() -> None:
    first, second = Dropout(0.5), Dropout(0.5)
    with masks_ahead():
        pairs = [(first(torch.ones(64, 64)), second(torch.ones(64, 64))) for _ in range(TOGETHER + 2)]
    assert not any(torch.equal(*pair) for pair in pairs)


def test_no_more_numbers_are_drawn_ahead_than_allowed() -> None:
    """What torch's generator gives next tells how many were drawn."""
    for shape, together in (((64, 64), TOGETHER), ((NUMBERS // 2,), 2), ((NUMBERS + 4,), 1)):
        layer, count = Dropout(0.3), torch.Size(shape).numel()
        with masks_ahead():
            torch.manual_seed(9)
            layer(torch.ones(shape))
            layer(torch.ones(shape))
            after = torch.rand(())
        torch.manual_seed(9)
        torch.empty((1 + together) * count // 4, dtype=torch.int64).random_(-(2**63), None)
        assert torch.equal(after, torch.rand(()))


def test_a_graph_that_trains_can_be_exported() -> None:
    exported = torch.export.export(nn.Sequential(nn.Linear(64, 64), Dropout(0.3)), (torch.ones(64, 64),))
    assert any("dropout" in str(node.target) for node in exported.graph.nodes)


def test_in_evaluation_nothing_changes() -> None:
    x = torch.randn(64, 65)
    assert torch.equal(Dropout(0.5).eval()(x), x)


def test_a_rate_of_zero_builds_none() -> None:
    assert isinstance(build_dropout(0.0), nn.Identity)
    assert isinstance(build_dropout(0.1), Dropout)
