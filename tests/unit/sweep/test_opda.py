"""The recorded curves that searches are judged on, as a table and as a surrogate."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.opda import DRAWS, NAMES, Records, Surrogate, Table
from benchmarks.search_quality import search

COUNT = 24


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Configs and curves as OPDA has them, a few of each; one of the first kind diverges, one has no curve."""
    luck = np.random.default_rng(1)
    configs, curves = [], []
    for number in range(1, COUNT + 1):
        config = {
            "config_id": number,
            "nan_train_loss": number == 2,
            "epochs": int(luck.integers(20, 101)),
            "batch_size": 2 ** int(luck.integers(7, 11)),
            "lr": 10 ** luck.uniform(-2, 1),
            "lr_peak_epoch": int(luck.integers(0, 81)),
            "momentum": luck.uniform(0.7, 0.99),
            "weight_decay": 10 ** luck.uniform(-6, -3),
            "label_smoothing": luck.uniform(0, 0.5),
        }
        configs.append(config)
        epochs = int(config["epochs"])
        for epoch in range({2: 5, 3: 0}.get(number, epochs)):
            score = (1 + epoch) / epochs * (1 - abs(math.log10(config["lr"])) / 4)
            curves.append({"config_id": number, "epoch": epoch, "time": 10.0 * (1 + epoch), "top_1": score})
    pd.DataFrame(configs).to_parquet(tmp_path / "alexnet_configs.parquet")
    pd.DataFrame(curves).to_parquet(tmp_path / "alexnet_curves.parquet")
    text, steps = [], []
    for number in range(1, COUNT + 1):
        config = {
            "config_id": number,
            "num_train_epochs": int(luck.integers(1, 5)),
            "train_batch_size": int(luck.integers(16, 65)),
            "learning_rate": 10 ** luck.uniform(-6, -3),
            "warmup_steps": int(luck.integers(0, 15_000)),
            "cls_drop_out": luck.uniform(0, 0.3),
        }
        text.append(config)
        count = 392_702 * config["num_train_epochs"] // config["train_batch_size"] // 1000 + config["num_train_epochs"]
        steps += [
            {"config_id": number, "step": 1000 * step, "matched_acc": 0.5 + 0.3 * step / count}
            for step in range(1, count + 1)
        ]
    pd.DataFrame(text).to_parquet(tmp_path / "deberta_base_configs.parquet")
    pd.DataFrame(steps).to_parquet(tmp_path / "deberta_base_curves.parquet")
    return tmp_path


def config(folder: Path, name: str, place: int) -> dict[str, float]:
    frame = pd.read_parquet(folder / f"{name}_configs.parquet").rename(columns={"epochs": "train.epochs"})
    return {key: frame[key][place].item() for key in Records(folder, name).space}


@pytest.mark.parametrize("name", ["alexnet", "deberta_base"])
def test_both_give_a_recorded_config_its_recorded_curve(folder: Path, name: str) -> None:
    table, surrogate = Table(folder, name), Surrogate(folder, name)
    asked = config(folder, name, 7)
    recorded = [value for value, _ in table(asked)]
    modelled = list(surrogate(asked))
    assert len(modelled) == len(recorded)
    # In between fifty points of a curve lie straight lines; those before the first one are its value.
    assert [value for value, _ in modelled][-1] == pytest.approx(recorded[-1])
    assert [value for value, _ in modelled][2:] == pytest.approx(recorded[2:], abs=0.01)
    assert [seconds for _, seconds in modelled] == pytest.approx([10.0 if name == "alexnet" else 1.0] * len(modelled))


def test_a_diverged_training_is_nan_in_the_table_and_worth_nothing_in_the_surrogate(folder: Path) -> None:
    for place in (1, 2):
        asked = config(folder, "alexnet", place)
        assert math.isnan(list(Table(folder, "alexnet")(asked))[-1][0])
        assert list(Surrogate(folder, "alexnet")(asked))[-1][0] == pytest.approx(0.0)


def test_regret_is_that_of_what_can_be_found(folder: Path) -> None:
    table, surrogate = Table(folder, "alexnet"), Surrogate(folder, "alexnet")
    finals = Records(folder, "alexnet").finals
    assert (table.best, table.median) == (finals.max(), np.median(finals))
    luck = np.random.default_rng(0)
    drawn = [surrogate._forest(luck.random((DRAWS, 7)).astype(np.float32))[:, -2]]
    assert surrogate.best == pytest.approx(np.max(drawn))
    assert surrogate.median == pytest.approx(np.median(drawn))
    assert surrogate.best < finals.max()


def test_a_search_runs_on_them(folder: Path) -> None:
    for task in (Table(folder, "alexnet"), Surrogate(folder, "deberta_base")):
        run = search(task, "opda", "random+asha", 0, 4, 500)
        assert run["complete"] > 0
        assert run["regret"]["500"] is not None
    assert len(NAMES) == 4
