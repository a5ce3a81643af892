from pathlib import Path
from typing import Any

import onnx
import pytest
from small import params, small

from nnops.compression.export import export_onnx
from nnops.compression.method import Source
from nnops.compression.quantize import Quantize
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("quantize")
    data, settings = small(folder / "data", "mixed"), params(train={"epochs": 1})
    write_model(folder / "model", train(settings, data), settings, data)
    model = read_model(folder / "model")
    return Source(model, export_onnx(model), data, seed=7)


def int8_weights(content: bytes) -> dict[str, int]:
    """How many scales each int8 matrix has, by the layer that it belongs to."""
    graph = onnx.load_from_string(content).graph
    scales = {tensor.name: max(1, *tensor.dims, 1) for tensor in graph.initializer}
    matrices = {t.name for t in graph.initializer if t.data_type == onnx.TensorProto.INT8 and len(t.dims) == 2}
    return {
        n.input[0]: scales[n.input[1]] for n in graph.node if n.op_type == "DequantizeLinear" and n.input[0] in matrices
    }


def layers(found: dict[str, int]) -> list[str]:
    return sorted(name for name in found if "layers" in name)


def test_all_layers_are_int8_with_one_scale_each(source: Source) -> None:
    found = int8_weights(Quantize().apply(source))
    assert len(layers(found)) == 3
    assert set(found.values()) == {1}


def test_a_scale_for_each_channel(source: Source) -> None:
    found = int8_weights(Quantize(per_channel=True).apply(source))
    assert [found[name] for name in layers(found)] == [16, 8, 1]


def test_the_first_layer_stays_as_it_is(source: Source) -> None:
    assert len(layers(int8_weights(Quantize(first_layer="fp32").apply(source)))) == 2


@pytest.mark.parametrize("options", [{"calibration_rows": 10}, {"calibration": "percentile"}, {"reduce_range": True}])
def test_options_have_an_effect(source: Source, options: dict[str, Any]) -> None:
    assert Quantize(**options).apply(source) != Quantize().apply(source)


def test_the_seed_draws_the_rows(source: Source) -> None:
    few = Quantize(calibration_rows=5)
    another = Source(source.model, source.graph, source.data, seed=8)
    assert few.apply(source) == few.apply(source) != few.apply(another)


def test_more_rows_than_there_are_take_all(source: Source) -> None:
    assert Quantize(calibration_rows=10_000).apply(source) == Quantize(calibration_rows=9_999).apply(source)


def test_angles_of_waves_are_not_rounded_and_the_layers_behind_them_are(tmp_path: Path) -> None:
    data = small(tmp_path / "data", "places")
    options = {"hidden": [6], "periods": 4, "width": 3, "plain": True, "place_periods": 4, "place_frequency": 9.0}
    settings = params(model={"name": "tabular", "options": options}, train={"epochs": 1})
    write_model(tmp_path / "model", train(settings, data), settings, data)
    model = read_model(tmp_path / "model")
    content = Quantize().apply(Source(model, export_onnx(model), data, seed=7))
    maker = {name: node for node in onnx.load_from_string(content).graph.node for name in node.output}
    above = [node for node in maker.values() if node.op_type in ("Cos", "Sin")]
    assert len(above) == 4
    while above:
        node = above.pop()
        assert node.op_type not in ("QuantizeLinear", "DequantizeLinear")
        above += [maker[name] for name in node.input if name in maker]
    assert len(layers(int8_weights(content))) == 2
    assert {node.op_type for node in maker.values()} >= {"QuantizeLinear", "DequantizeLinear"}
