"""LIME, integrated gradients and partial dependence of a table, beside what they must come to."""

import numpy as np
import pytest
import torch
from explained import Explained
from sklearn.linear_model import Ridge
from torch import nn

from nnops.evaluation.explain.explain import build_method, explain
from nnops.evaluation.explain.integrated_gradients import IntegratedGradients
from nnops.evaluation.explain.lime import Lime, ridge
from nnops.evaluation.explain.partial_dependence import PartialDependence
from nnops.evaluation.explain.path import integrate
from nnops.evaluation.explain.subject import Subject


def test_ridges_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    x_SM, y_NS, weight_S = rng.normal(size=(40, 3)), rng.normal(size=(2, 40)), rng.random(40)
    value_NM, base_N, fit_N = ridge(x_SM, y_NS, weight_S, 0.7)
    for row in range(2):
        line = Ridge(alpha=0.7).fit(x_SM, y_NS[row], weight_S)
        np.testing.assert_allclose(value_NM[row], line.coef_, rtol=1e-9)
        assert base_N[row] == pytest.approx(line.intercept_)
        assert fit_N[row] == pytest.approx(line.score(x_SM, y_NS[row], weight_S))


def test_lime_and_shap_agree_on_what_decides(people: Explained) -> None:
    subject = people.subject(rows=10)
    lime, shap = Lime().explain(subject), build_method("shap", {}, "table").explain(subject)
    assert np.corrcoef(lime.value.ravel(), shap.value.ravel())[0, 1] > 0.9
    assert lime.checks["fit_r2"] > 0.5
    assert lime.base_N is None


@pytest.mark.parametrize("categories", ["embedding", "one_hot"])
def test_gradients_add_up(people: Explained, tmp_path, categories: str) -> None:
    made = people if categories == "embedding" else Explained.table(tmp_path, categories=categories)
    subject = made.subject(rows=10)
    found = IntegratedGradients(tolerance=0.005).explain(subject)
    assert found.score_N is not None
    assert found.base_N is not None
    difference_N = found.score_N - found.base_N
    np.testing.assert_allclose(found.value.sum(1), difference_N, atol=0.005 * np.abs(difference_N).mean())
    size = dict(zip(found.names, np.abs(found.value).mean(0), strict=True))
    assert min(size["age"], size["town"]) > 3 * max(size["height"], size["shoe"])


class _Sum(nn.Module):
    """An answer that is a weighted sum: what each column adds is known."""

    def __init__(self, cardinalities: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
        self.tables = nn.ModuleList(nn.Embedding(count, 1) for count in cardinalities)

    def forward(self, numeric_BF: torch.Tensor, code_BK: torch.Tensor) -> torch.Tensor:
        looked = [table(code_BK[:, place]) for place, table in enumerate(self.tables)]
        return numeric_BF @ self.weight[:, None] + torch.stack(looked).sum(0)


def test_gradients_of_a_sum_are_its_terms(people: Explained) -> None:
    from dataclasses import replace

    given = people.subject(rows=4)
    module = _Sum(given.spec.cardinalities).requires_grad_(False)
    spec = replace(given.spec, task="regression")
    subject: Subject = replace(given, module=module, spec=spec, choice_N=np.zeros(4, np.int64), answers=("y",))
    found = IntegratedGradients().explain(subject)
    numeric_NF, code_NK = subject.inputs
    numbers = (numeric_NF - subject.background[0].mean(0)) * module.weight.numpy()
    np.testing.assert_allclose(found.value[:, :3], numbers, atol=1e-5)
    for place, table in enumerate(module.tables):
        vector = table.weight.numpy()[:, 0]
        due = vector[code_NK[:, place]] - vector[subject.background[1][:, place]].mean()
        np.testing.assert_allclose(found.value[:, 3 + place], due, atol=1e-5)


def test_a_sum_that_is_not_whole_is_told(people: Explained) -> None:
    found = IntegratedGradients(tolerance=1e-12).explain(people.subject(rows=3))
    assert found.notes[0].startswith("NOT WHOLE")
    assert found.checks["points"] == 256


def test_a_network_that_looks_nothing_up_is_refused(people: Explained) -> None:
    from dataclasses import replace

    from nnops.errors import InputError

    class Plain(nn.Module):
        def forward(self, numeric_BF: torch.Tensor, code_BK: torch.Tensor) -> torch.Tensor:
            return numeric_BF[:, :1] + code_BK.float().sum(1, keepdim=True)

    with pytest.raises(InputError, match="write shap"):
        IntegratedGradients().explain(replace(people.subject(rows=2), module=Plain()))


def test_more_points_come_nearer(people: Explained) -> None:
    subject = people.subject(rows=8)
    starts = [subject.background[0].mean(0, keepdims=True), None]
    coarse, fine = (integrate(subject, starts, codes=True, tolerance=wanted) for wanted in (1.0, 1e-9))
    assert fine.points > coarse.points
    assert fine.error < coarse.error


def test_partial_dependence_is_the_mean_of_set_rows(people: Explained) -> None:
    subject = people.subject(rows=4)
    found = PartialDependence(rows=30, grid=5).explain(subject)
    assert found.names == ("age", "height", "income", "shoe", "town")
    town = subject.features[4]
    word = found.further["grid"][4][1]
    code = town.column.categories.index(word) + 1
    numeric, codes = (each[:30].copy() for each in subject.background)
    codes[:, town.code] = code
    assert found.value[4][1] == pytest.approx(subject.ask([numeric, codes], np.ones(30, np.int64)).mean())
    # Older people buy, and those in Ulm.
    assert found.value[0][4] - found.value[0][0] > 0.5
    assert found.further["grid"][4][np.nanargmax(found.value[4])] == "Ulm"
    ages = [float(age) for age in found.further["grid"][0]]
    assert 18 <= ages[0] < ages[4] <= 80


@pytest.mark.parametrize("method", ["lime", "integrated_gradients", "partial_dependence"])
def test_random_weights_say_otherwise(people: Explained, method: str) -> None:
    found = explain(people.subject(rows=12), build_method(method, {}, "table"))
    assert found.checks["randomised"] < 0.9
