"""Every compression method, its examples over every kind of input: the same bytes, any number of rows, near answers."""

from pathlib import Path

import numpy as np
import pytest
from small import params, small

from nnops.compression import METHODS
from nnops.compression.export import export_onnx
from nnops.compression.graph import Graph
from nnops.compression.method import Source
from nnops.data.prepared import Prepared
from nnops.evaluation.predict import network, predict_split
from nnops.training.artifact import TrainedModel, read_model, write_model
from nnops.training.train import train

CASES = {
    "image-mlp": ("image", "mlp", {"hidden": [8], "norm": True}),
    "image-cnn": ("image", "cnn", {"channels": [4], "hidden": [8]}),
    "image-resnet": ("image", "resnet", {"channels": [4, 8], "norm": "group"}),
    "mixed-mlp": ("mixed", "mlp", {"hidden": [8], "dropout": 0.1}),
    "numeric-mlp": ("numeric", "mlp", {"hidden": [8], "activation": "gelu"}),
}
EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{place}")
    for name in METHODS.names()
    for place, example in enumerate(METHODS.load(name).examples())
]


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainedModel, Prepared]:
    kind, family, options = request.param
    folder = tmp_path_factory.mktemp("compression")
    data = small(folder / "data", kind)
    settings = params(model={"name": family, "options": options}, train={"epochs": 3})
    write_model(folder / "model", train(settings, data), settings, data)
    return read_model(folder / "model"), data


@pytest.fixture(scope="module")
def source(trained: tuple[TrainedModel, Prepared]) -> Source:
    model, data = trained
    return Source(model, export_onnx(model), data, seed=7)


def test_export_gives_the_trained_models_outputs(source: Source) -> None:
    exact = predict_split(network(source.model), source.data, "test").output_NC
    exported = predict_split(Graph(source.graph), source.data, "test").output_NC
    np.testing.assert_allclose(exported, exact, rtol=1e-4, atol=1e-4 * np.abs(exact).max())


def check_speaks_of_itself_alone(content: bytes) -> None:
    """No traces of where it was made: the exporter writes stack traces with absolute paths into each node."""
    for word in (b"site-packages", b'.py"', b"line ", b"nnops", str(Path.cwd()).encode()):
        assert word not in content


def test_export_holds_no_paths(source: Source) -> None:
    check_speaks_of_itself_alone(source.graph)


@pytest.mark.parametrize(("name", "method"), EXAMPLES)
def test_method_keeps_its_promise(name: str, method: object, source: Source) -> None:
    component = METHODS.load(name).model_validate(method)
    content = component.apply(source)
    assert component.apply(source) == content
    check_speaks_of_itself_alone(content)

    graph = Graph(content)
    assert graph.inputs == source.data.spec.inputs
    exact = predict_split(network(source.model), source.data, "test").output_NC
    seen = predict_split(graph, source.data, "test").output_NC
    assert seen.dtype == np.float32
    assert seen.shape == exact.shape
    assert np.abs(seen - exact).mean() < 0.15 * exact.std()
    tensors = source.data.tensors("test")
    one = graph(tuple(tensor[3:4].numpy() for tensor in tensors.inputs))
    np.testing.assert_allclose(one, seen[3:4], rtol=1e-4, atol=1e-4)
