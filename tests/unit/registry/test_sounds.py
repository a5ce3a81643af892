"""A whole small project on sounds: from a folder of WAV files to answers for a WAV file."""

import numpy as np
import pytest
from small import params
from sounds import KINDS, RATE, wave, write_sounds, write_wav

from nnops.compression.compress import compress
from nnops.data.prepare import prepare
from nnops.data.rows import read_rows, row_names
from nnops.evaluation.evaluate import evaluate
from nnops.files import write_json
from nnops.registry.bundle import Sources, write_bundle
from nnops.training.artifact import read_model, write_model
from nnops.training.train import train


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("sounds")
    write_sounds(root / "s", each=24)
    chosen = params(
        data={
            "source": {"name": "wav", "options": {"path": "s"}},
            "audio": {"rate": RATE, "seconds": 0.3, "mels": 16, "window_ms": 32, "hop_ms": 16},
        },
        model={"name": "cnn", "options": {"channels": [8, 16], "hidden": [32]}},
        train={"epochs": 10, "batch_size": 16, "augment": [{"name": "time_stretch"}, {"name": "noise"}]},
        evaluate={"intervals": {"samples": 20}, "baselines": ["majority", "linear"]},
        register={"name": "heard"},
    )
    stages = root / "artifacts"
    data = prepare(chosen, stages / "prepare", root)
    write_model(stages / "train", train(chosen, data), chosen, data)
    model = read_model(stages / "train")
    scorecard = evaluate(model, data, chosen)
    write_json(stages / "evaluate" / "metrics.json", scorecard.metrics())
    write_json(stages / "evaluate" / "scorecard.json", scorecard.to_json())
    with pytest.MonkeyPatch.context() as patch:
        # How long a call takes is of no matter here.
        patch.setattr("nnops.compression.cost.SECONDS", 0.01)
        compressed = compress(model, data, chosen, stages / "compress", root)
    sources = Sources(*(stages / name for name in ("prepare", "train", "evaluate", "compress")))
    return write_bundle(root / "bundle", chosen, sources), data, scorecard, compressed


def test_a_small_cnn_learns_sounds_beside_its_baselines(project):
    _, _, scorecard, _ = project
    majority, linear = (baseline.test["accuracy"].value for baseline in scorecard.baselines)
    assert scorecard.test["accuracy"].value >= max(0.85, linear - 0.1)
    assert linear > majority


def test_the_graph_gives_what_the_network_gives(project):
    numbers = project[3].numbers
    assert numbers["onnx_fp32.parity.relative"] < 1e-5
    assert numbers["onnx_int8.parity.label_agreement"] > 0.9


def test_a_file_and_a_folder_are_answered(project, tmp_path):
    bundle, data, _, _ = project
    chance = np.random.default_rng(99)
    for place, kind in enumerate(KINDS * 3):
        # Of another rate and in stereo.
        samples = wave(kind, chance, rate=2 * RATE)
        write_wav(tmp_path / "raw" / kind / f"{place}.wav", np.stack([samples, samples], 1), 2 * RATE)
    notes = []
    answers = bundle.predict(read_rows(tmp_path / "raw", bundle.schema, notes))
    names = row_names(tmp_path / "raw", bundle.schema)
    assert (answers["class"] == [name.split("/")[0] for name in names]).mean() >= 0.75
    assert len(notes) == 2
    one = bundle.predict(read_rows(tmp_path / "raw" / names[0], bundle.schema))
    np.testing.assert_allclose(one.iloc[0, 1:].astype(float), answers.iloc[0, 1:].astype(float), atol=1e-6)
    # What was prepared is answered as it was judged.
    answers = bundle.predict(np.array(data.arrays("test")["image"]))
    assert list(answers.columns) == ["class", *(f"p({kind})" for kind in KINDS)]
