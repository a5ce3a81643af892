"""The network of waves beside its equations in NumPy, and what waves of two numbers together are good for."""

from dataclasses import replace

import numpy as np
import torch
from small import SPECS
from torch.nn import functional as F

from nnops.batch import Spec
from nnops.models.tabular import Tabular

PLACES = replace(SPECS["mixed"], coordinates=(3, 1))


def waves(numeric, frequency, weight, bias):
    """relu(W [cos v, sin v] + b), v = 2 pi c x (Gorishniy et al. 2022, eq. 3)."""
    angle = 2 * np.pi * numeric @ frequency
    return np.maximum(np.concatenate([np.cos(angle), np.sin(angle)], 1) @ weight + bias, 0)


def test_it_is_its_equations():
    torch.manual_seed(0)
    network = Tabular(hidden=(5,), periods=3, width=2, plain=True, place_periods=4, place_width=6).build(PLACES).eval()
    weight = {name: tensor.detach().double().numpy() for name, tensor in network.state_dict().items()}
    numeric, codes = torch.randn(7, 4), torch.stack([torch.arange(7) % 5, torch.arange(7)], 1)
    x = numeric.double().numpy()
    each = [
        waves(x[:, [f]], weight["waves.frequency_FP"][[f]], weight["waves.weight_FQD"][f], weight["waves.bias_FD"][f])
        for f in range(4)
    ]
    place = waves(x[:, [3, 1]], *(weight[f"place.{name}"] for name in ("frequency_EP", "weight_QD", "bias_D")))
    words = [weight[f"embeddings.{k}.weight"][codes[:, k].numpy()] for k in range(2)]
    inner = np.concatenate([*each, x, place, *words], 1)
    hidden = np.maximum(inner @ weight["layers.0.weight"].T + weight["layers.0.bias"], 0)
    expected = hidden @ weight["layers.3.weight"].T + weight["layers.3.bias"]
    np.testing.assert_allclose(network(numeric, codes).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_without_coordinates_the_options_of_places_change_nothing():
    found = []
    for options in ({}, {"place_periods": 3, "place_width": 2, "place_frequency": 9.0}):
        torch.manual_seed(0)
        found.append(Tabular(hidden=(5,), **options).build(SPECS["mixed"]).state_dict())
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def lost(coordinates):
    """The loss on new rows of a target that varies along a diagonal, after a short training."""
    torch.manual_seed(0)
    spec = Spec("regression", ("numeric",), ((2,),), (), 1, coordinates=coordinates)
    network = Tabular(hidden=(32,), dropout=0.0, place_periods=32, place_frequency=1.0, place_width=16).build(spec)
    where = torch.rand(1200, 2) * 2 - 1
    target = torch.sin(2 * torch.pi * (where[:, :1] + where[:, 1:]))
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for step in range(90):
        rows = torch.arange(step % 5 * 200, step % 5 * 200 + 200)
        loss = F.mse_loss(network(where[rows]), target[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    new = torch.rand(500, 2) * 2 - 1
    return F.mse_loss(network(new), torch.sin(2 * torch.pi * (new[:, :1] + new[:, 1:]))).item()


def test_waves_of_two_numbers_together_find_what_lies_across():
    assert lost((0, 1)) < 0.2 * lost(())
