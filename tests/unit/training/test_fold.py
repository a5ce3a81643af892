"""An ensemble of folds: who learns from which rows, what judges the whole, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from graphs import write_graph
from small import params, small

from nnops.compression.compress import compress
from nnops.compression.export import export_onnx
from nnops.data.prepare import prepare
from nnops.data.prepared import Prepared
from nnops.errors import ParamsError
from nnops.evaluation.evaluate import evaluate
from nnops.evaluation.predict import network, predict_split
from nnops.files import write_json
from nnops.judge import judge
from nnops.params import overlay
from nnops.registry.bundle import Sources, write_bundle
from nnops.registry.card import build_card
from nnops.report import Report
from nnops.training.artifact import read_model, write_model
from nnops.training.ensemble import alone, train_model, vote
from nnops.training.fold import Fold, check_folds, deal, folds_of
from nnops.training.train import train

FOLDED = params(train={"epochs": 3, "folds": 4, "early_stopping": {"metric": "val_loss", "patience": 2}})


def places(data: Prepared) -> list[dict[str, list[int]]]:
    return [{name: rows.tolist() for name, rows in part.places.items()} for part in folds_of(FOLDED, data)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["image", "mixed", "numeric"])
def test_each_row_of_train_is_val_once_and_learned_from_by_all_others(tmp_path: Path, kind) -> None:
    data = small(tmp_path, kind)
    found = places(data)
    assert sorted(row for part in found for row in part["val"]) == list(range(150))
    for part in found:
        assert sorted(part["train"] + part["val"]) == list(range(150))
    if kind != "numeric":
        target = data.arrays("train")["target"]
        counts = [np.bincount(target[part["val"]].astype(int)) for part in found]
        assert np.ptp(counts, axis=0).max() <= 1


def test_a_member_is_trained_as_it_would_be_on_its_part_and_val_is_left_to_the_whole(tmp_path: Path) -> None:
    data = small(tmp_path / "data", "mixed")
    whole = train_model(FOLDED, data)
    parts = folds_of(FOLDED, data)
    for place, part in enumerate(parts):
        one = train(alone(FOLDED), part)
        for name, tensor in one.weights.items():
            assert torch.equal(whole.weights[f"members.{place}.{name}"], tensor)
    write_model(tmp_path / "model", whole, FOLDED, data)
    model = read_model(tmp_path / "model")
    seen = predict_split(network(model), data, "val")
    assert np.isclose(seen.surprise_N.mean(), whole.best["val_loss"], rtol=1e-5)
    assert model.record["members"] == [{"name": "mlp", "options": {"hidden": [16, 8]}}] * 4
    assert export_onnx(model)
    # Bits repeat, and another way to deal is another result.
    assert train_model(FOLDED, data).weights_sha256 == whole.weights_sha256
    assert train_model(overlay(FOLDED, {"train.folds": 3}), data).fingerprint != whole.fingerprint


def test_val_of_the_data_teaches_no_member(tmp_path: Path) -> None:
    data = small(tmp_path, "mixed")
    before = train_model(FOLDED, data).weights_sha256
    for name in ("numeric", "target"):
        path = tmp_path / "val" / f"{name}.npy"
        np.save(path, 1 - np.load(path))
    assert train_model(FOLDED, Prepared.open(tmp_path)).weights_sha256 == before


def test_a_part_looks_like_prepared_data(tmp_path: Path) -> None:
    data = small(tmp_path, "image")
    part = folds_of(FOLDED, data)[1]
    assert isinstance(part, Fold)
    for split in ("train", "val", "test"):
        arrays, tensors = part.arrays(split), part.tensors(split)
        assert len(arrays["target"]) == len(tensors) == part.rows(split)
        assert np.array_equal(arrays["target"], tensors.target.numpy())
    assert torch.equal(part.tensors("val").inputs[0], data.tensors("train").inputs[0][part.places["val"]])
    assert torch.equal(part.tensors("test").inputs[0], data.tensors("test").inputs[0])
    assert len({data.hash, *(one.hash for one in folds_of(FOLDED, data))}) == 5


def test_groups_stay_whole(tmp_path: Path) -> None:
    rows = "".join(f"{i % 13},{i % 5}.5,{i % 7},{'ab'[i % 2]}\n" for i in range(130))
    (tmp_path / "rows.csv").write_text("person,x,y,kind\n" + rows)
    source = {"source": {"name": "csv", "options": {"path": "rows.csv"}}, "target": "kind"}
    chosen = params(data={**source, "split": {"by": "grouped", "column": "person"}}, train={"folds": 3})
    data = prepare(chosen, tmp_path / "out", tmp_path, pictures=False)
    assert data.kin is not None
    fold = deal(data, 3, 7)
    homes = {int(kin): set(fold[data.kin == kin].tolist()) for kin in np.unique(data.kin)}
    assert all(len(home) == 1 for home in homes.values())
    with pytest.raises(ParamsError, match=r"train.folds: train has 9 groups of rows, too few for 40 folds"):
        check_folds(overlay(chosen, {"train.folds": 40}), data)


def test_a_class_of_few_rows_is_dealt_at_random(tmp_path: Path) -> None:
    data = small(tmp_path, "mixed")
    target = np.zeros(150, np.float32)
    target[:2] = 1
    np.save(tmp_path / "train" / "target.npy", target)
    assert sorted(np.bincount(deal(data, 4, 7)).tolist()) == [37, 37, 38, 38]


def test_nodes_are_dealt_and_the_graph_is_whole(tmp_path: Path) -> None:
    write_graph(tmp_path, count=150)
    chosen = params(
        data={
            "source": {"name": "csv", "options": {"path": "data/papers.csv"}},
            "target": "field",
            "edges": {"source": {"name": "csv", "options": {"path": "data/citations.csv"}}, "id": "paper"},
        },
        model={"name": "gcn", "options": {"hidden": [8]}},
        train={"epochs": 2, "batch_size": "all", "folds": 2},
    )
    data = prepare(chosen, tmp_path / "out", tmp_path, pictures=False)
    trained = train_model(chosen, data)
    columns = data.graph()["numeric"]
    assert columns.abs().sum(1).min() > 0
    for place in range(2):
        assert torch.equal(trained.weights[f"members.{place}.graph.numeric"], columns)


def test_a_killed_one_trains_no_member_twice(tmp_path: Path) -> None:
    data = small(tmp_path / "data", "mixed")
    unbroken = train_model(FOLDED, data)

    class KilledError(Exception):
        pass

    def report(moment: Report) -> bool:
        if moment.metrics["member"] == 3:
            raise KilledError
        return True

    with pytest.raises(KilledError):
        train_model(FOLDED, data, report=report, checkpoints=tmp_path / "kept")
    heard: list[Report] = []
    again = train_model(FOLDED, data, report=lambda one: heard.append(one) or True, checkpoints=tmp_path / "kept")
    assert (again.weights_sha256, again.history) == (unbroken.weights_sha256, unbroken.history)
    assert all(one.seconds == 0.0 for one in heard if one.metrics["member"] < 3)


def test_what_has_no_folds_is_refused(tmp_path: Path) -> None:
    series = small(tmp_path / "series", "series")
    with pytest.raises(ParamsError, match=r"train.folds: rows in the order of time are not dealt into folds"):
        check_folds(FOLDED, series)
    few = small(tmp_path / "few", "numeric", {"train": 3, "val": 3, "test": 3})
    with pytest.raises(ParamsError, match="train has 3 rows, too few for 4 folds"):
        train_model(FOLDED, few)
    with pytest.raises(ParamsError, match=r"train.stream leaves rows on disk"):
        check_folds(overlay(FOLDED, {"train.stream": True}), few)
    with pytest.raises(ParamsError, match="folds and ensemble are two ways to make several networks"):
        overlay(FOLDED, {"train.ensemble": [{}, {"seed": 8}]})


def test_a_split_by_time_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 5}.5,{'ab'[i % 2]}\n" for i in range(60))
    (tmp_path / "rows.csv").write_text("when,x,kind\n" + rows)
    source = {"source": {"name": "csv", "options": {"path": "rows.csv"}}, "target": "kind"}
    chosen = params(data={**source, "split": {"by": "time", "column": "when"}}, train={"folds": 3})
    with pytest.raises(ParamsError, match="rows in the order of time"):
        judge(chosen, tmp_path)


def test_tokens_are_voted_on_at_each_place() -> None:
    output = torch.randn(3, 4, 5, 6)  # members, rows, places, tokens
    mean = output.softmax(-1).mean(0)
    torch.testing.assert_close(vote(output, "language_model").exp(), mean)
    masks = torch.randn(3, 4, 6, 5, 5)
    torch.testing.assert_close(vote(masks, "segmentation").exp(), masks.softmax(2).mean(0))


def test_it_is_evaluated_compressed_and_bundled_like_any_other(tmp_path: Path) -> None:
    chosen = params(
        data={"source": {"name": "sklearn", "options": {"set": "iris"}}},
        model={"name": "mlp", "options": {"hidden": [8]}},
        train={"epochs": 15, "folds": 3},
        evaluate={"intervals": {"samples": 0}, "baselines": ["majority"]},
        compress={"methods": []},
    )
    stages = tmp_path / "artifacts"
    data = prepare(chosen, stages / "prepare", tmp_path, pictures=False)
    write_model(stages / "train", train_model(chosen, data), chosen, data)
    model = read_model(stages / "train")
    card = evaluate(model, data, chosen)
    assert card.test["accuracy"].value > 0.8
    write_json(stages / "evaluate" / "metrics.json", card.metrics())
    write_json(stages / "evaluate" / "scorecard.json", card.to_json())
    compress(model, data, chosen, stages / "compress", tmp_path)
    sources = Sources(*(stages / name for name in ("prepare", "train", "evaluate", "compress")))
    bundle = write_bundle(tmp_path / "bundle", chosen, sources)
    assert bundle.lineage["params"]["train"]["folds"] == 3
    rows = pd.DataFrame([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], columns=bundle.preprocess.names)
    assert bundle.predict(rows)["class"].tolist() == ["setosa", "virginica"]
    assert (
        "| networks that answer as one | 3, each without one fold of train |" in build_card(bundle, {}, {}).markdown()
    )
