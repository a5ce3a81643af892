import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small import params, small
from torch import Tensor, nn

from nnops.compression.compress import Compressed, build_methods, compress
from nnops.data.prepared import Prepared
from nnops.errors import CompressionError, DataError, NameUnknownError, ParamsError
from nnops.files import read_json
from nnops.fingerprint import hash_file
from nnops.params import Params
from nnops.training.artifact import TrainedModel, read_model, write_model
from nnops.training.train import train

SETTINGS = params(
    train={"epochs": 12},
    evaluate={"metrics": ["accuracy", "log_loss"]},
    compress={"methods": [{"name": "quantize", "options": {"calibration_rows": 64}}]},
)
ANEW = """
import sys
from pathlib import Path
from nnops.compression.export import export_onnx
from nnops.training.artifact import read_model
Path(sys.argv[2]).write_bytes(export_onnx(read_model(Path(sys.argv[1]))))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    data = small(folder / "data", "image")
    write_model(folder / "model", train(SETTINGS, data), SETTINGS, data)
    return folder


@pytest.fixture(scope="module")
def parts(root: Path) -> tuple[TrainedModel, Prepared]:
    return read_model(root / "model"), Prepared.open(root / "data")


@pytest.fixture(scope="module")
def compressed(root: Path, parts: tuple[TrainedModel, Prepared]) -> Compressed:
    return compress(*parts, SETTINGS, root / "out", root)


def test_every_variant_is_measured_and_written(root: Path, compressed: Compressed) -> None:
    assert [variant.name for variant in compressed.variants] == ["torch_fp32", "onnx_fp32", "onnx_int8"]
    numbers = read_json(root / "out" / "metrics.json")
    assert numbers == compressed.numbers
    for name in ("torch_fp32", "onnx_fp32", "onnx_int8"):
        for key in ("size_bytes", "latency_p50_ms", "latency_p95_ms", "batch_latency_p50_ms", "throughput_rows_per_s"):
            assert numbers[f"{name}.{key}"] > 0
        assert numbers[f"{name}.test.accuracy"] >= 0.9
    for name in ("onnx_fp32", "onnx_int8"):
        assert numbers[f"{name}.size_bytes"] == (root / "out" / f"{name}.onnx").stat().st_size
        assert numbers[f"{name}.parity.label_agreement"] >= 0.95
        assert {f"{name}.drop.val.accuracy", f"{name}.drop.test.accuracy"} <= set(numbers)
    assert numbers["onnx_fp32.parity.max_abs_diff"] < 1e-4 < numbers["onnx_int8.parity.max_abs_diff"]
    choice = read_json(root / "out" / "choice.json")
    assert (root / "out" / choice["file"]).exists()
    assert choice["variants"][choice["variant"]]["verdict"] == "chosen"
    assert (root / "out" / "variants.png").read_bytes().startswith(b"\x89PNG")


def test_all_bytes_repeat_and_nothing_is_left_changed(
    root: Path, parts: tuple[TrainedModel, Prepared], compressed: Compressed
) -> None:
    threads, level = torch.get_num_threads(), logging.getLogger().level
    torch.set_num_threads(2)
    try:
        compress(*parts, SETTINGS, root / "again", root)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert logging.getLogger().level == level
    first = {path.name: hash_file(path) for path in (root / "out").iterdir()}
    assert {path.name: hash_file(path) for path in (root / "again").iterdir()} == first
    assert compressed.choice.variant in ("onnx_fp32", "onnx_int8")


def test_the_graph_has_the_same_bytes_in_another_process_and_folder(
    root: Path, tmp_path: Path, compressed: Compressed
) -> None:
    command = [sys.executable, "-c", ANEW, str(root / "model"), str(tmp_path / "anew.onnx")]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    assert (tmp_path / "anew.onnx").read_bytes() == compressed.variants[1].content


def test_an_int8_that_loses_too_much_is_refused(tmp_path: Path) -> None:
    # Ranges found on one row cut all other rows down to them.
    coarse = {"name": "quantize", "options": {"calibration_rows": 1, "first_layer": "int8"}}
    settings = params(compress={"methods": [coarse], "max_drop": {"r2": 0.01}})
    data = small(tmp_path / "data", "numeric")
    write_model(tmp_path / "model", train(settings, data), settings, data)
    refused = compress(read_model(tmp_path / "model"), data, settings, tmp_path / "out", tmp_path)
    assert refused.numbers["onnx_int8.drop.val.r2"] > 0.01
    assert refused.choice.variant == "onnx_fp32"
    assert refused.choice.judged["onnx_int8"].verdict == "refused"
    assert "r2 drops by" in read_json(tmp_path / "out" / "choice.json")["variants"]["onnx_int8"]["why"]


class Noisy(nn.Module):
    """A network whose answers are never twice the same, so no graph can be equal to it."""

    def forward(self, image: Tensor) -> Tensor:
        return nn.functional.dropout(image.flatten(1)[:, :3], 0.5, training=True)


def test_an_export_that_is_not_the_model_is_refused(root: Path, parts: tuple[TrainedModel, Prepared]) -> None:
    model, data = parts
    with pytest.raises(CompressionError, match="all 60 test rows"):
        compress(TrainedModel(Noisy(), model.record), data, SETTINGS, root / "noisy", root)
    assert not (root / "noisy").exists()


def test_no_methods_serve_the_export(root: Path, parts: tuple[TrainedModel, Prepared]) -> None:
    plain = compress(*parts, params(compress={"methods": []}), root / "plain", root)
    assert plain.choice.variant == "onnx_fp32"
    assert not (root / "plain" / "onnx_int8.onnx").exists()


@pytest.mark.parametrize(
    ("methods", "error", "words"),
    [
        ([{"name": "quantise"}], NameUnknownError, "compress.methods.0.*quantize"),
        ([{"name": "quantize", "options": {"rows": 5}}], ParamsError, "methods.0.options.rows.*calibration_rows"),
        ([{"name": "quantize", "options": {"calibration_rows": 0}}], ParamsError, "calibration_rows"),
        ([{"name": "quantize"}, {"name": "quantize"}], ParamsError, "methods.1.*onnx_int8"),
    ],
)
def test_wrong_methods_are_answered(methods: list[dict[str, object]], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        build_methods(params(compress={"methods": methods}))


def test_a_limit_that_val_cannot_show_is_answered(tmp_path: Path) -> None:
    # One class alone on val leaves the area under the ROC curve without a value.
    data = small(tmp_path / "data", "image", rows={"train": 60, "val": 1, "test": 30})
    settings: Params = params(train={"epochs": 1}, compress={"methods": [], "max_drop": {"roc_auc": 0.1}})
    write_model(tmp_path / "model", train(settings, data), settings, data)
    with pytest.raises(DataError, match=r"max_drop\.roc_auc.*val"):
        compress(read_model(tmp_path / "model"), data, settings, tmp_path / "out", tmp_path)
