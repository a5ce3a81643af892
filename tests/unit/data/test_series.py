"""A series: windows cut right, no step in two splits, scaled by train alone, gaps never filled from ahead."""

import numpy as np
import pandas as pd
import pytest
import torch

from nnops.data import chart, windows
from nnops.data.clock import find_clock
from nnops.data.infer_series import infer_series
from nnops.data.prepared import SPLITS
from nnops.data.windows import Shape
from nnops.errors import DataError
from nnops.figure import new_figure

STEPS = 120
SERIES = {"time": "when", "window": 10, "horizon": 4}


def table(steps=STEPS, seed=0, freq="h", start="2024-01-01"):
    rng = np.random.default_rng(seed)
    when = pd.date_range(start, periods=steps, freq=freq).strftime("%Y-%m-%d %H:%M:%S")
    wave = np.sin(np.arange(steps) / 3)
    return pd.DataFrame({"when": when, "load": wave * 5 + 20, "wind": rng.normal(size=steps).round(4)})


@pytest.fixture
def prepared(write, make, monkeypatch):
    """Prepares a frame; the report's picture, which takes longer than all else, is drawn in one test alone."""

    def run(frame, out="out", draw=False, **data):
        if not draw:
            monkeypatch.setattr(chart, "draw", lambda made: new_figure(1, 1))
        write("s.csv", frame.to_csv(index=False))
        return make("s.csv", out=out, **({"series": SERIES} | data))

    return run


def own(data, split):
    """Every window and target of a split, cut by hand from the stored steps."""
    arrays, shape = data.arrays(split), Shape(10, 4, data.schema["series"]["stride"])
    inputs, targets = [], []
    for first, end in data.schema["series"]["spans"][split]:
        for start in range(first, end - 14 + 1, shape.stride):
            inputs.append(arrays["series"][start : start + 10])
            targets.append(arrays["target"][start + 10 : start + 14].ravel())
    return np.stack(inputs), np.stack(targets)


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("targets", [[], ["wind"], ["wind", "load"]])
def test_windows_are_those_cut_by_hand(prepared, stride, targets):
    data = prepared(table(), series=SERIES | {"stride": stride, "targets": targets})
    spec = data.spec
    assert (spec.task, spec.inputs, spec.shapes) == ("forecasting", ("series",), ((10, 2),))
    assert spec.targets == {0: (0, 1), 1: (1,), 2: (1, 0)}[len(targets)]
    assert spec.outputs == 4 * len(spec.targets)
    for split in SPLITS:
        tensors, (inputs, target) = data.tensors(split), own(data, split)
        assert len(tensors) == data.rows(split) == len(inputs)
        assert np.array_equal(tensors.inputs[0].numpy(), inputs)
        assert np.array_equal(tensors.target.numpy(), target)


def test_windows_of_one_series_hold_no_copy(prepared):
    tensors = prepared(table()).tensors("train")
    (series,) = tensors.inputs
    assert series.untyped_storage().nbytes() == 4 * 84 * 2 < series.numel() * 4
    assert tensors.target.untyped_storage().nbytes() < tensors.target.numel() * 4
    rows = torch.tensor([5, 0, 5])
    assert torch.equal(series.index_select(0, rows), series.contiguous()[rows])


def test_shares_are_cut_in_the_order_of_time(prepared):
    data = prepared(table(), split={"val": 0.2, "test": 0.1})
    # 84 steps of train; 24 of val and 12 of test, each with a window of the past before them.
    assert [data.rows(split) for split in SPLITS] == [84 - 13, 24 - 3, 12 - 3]
    assert [len(data.arrays(split)["series"]) for split in SPLITS] == [84, 34, 22]


@pytest.mark.parametrize("borders", [[60, 90], [60, 90, 110], ["2024-01-03 12:00:00", "2024-01-04 18:00:00"]])
def test_borders_are_rows_or_times(prepared, borders):
    data = prepared(table(), series=SERIES | {"borders": borders})
    ends = [60, 30 + 10, (20 if len(borders) == 3 else 30) + 10]
    assert [len(data.arrays(split)["series"]) for split in SPLITS] == ends


def test_no_step_is_answered_in_two_splits_and_train_ends_before_val(prepared):
    frame = table().assign(load=np.arange(STEPS, dtype=float))
    data = prepared(frame, series=SERIES | {"targets": ["load"]}, scaling="none")
    answered = {split: {int(step) for step in data.tensors(split).target.flatten().tolist()} for split in SPLITS}
    assert not answered["train"] & answered["val"]
    assert not answered["val"] & answered["test"]
    assert answered["train"] | answered["val"] | answered["test"] == set(range(10, STEPS))
    assert data.tensors("train").inputs[0][:, :, 0].max() < min(answered["val"])
    # The past of the first val window is the end of train.
    assert data.tensors("val").inputs[0][0, :, 0].tolist() == list(
        range(min(answered["val"]) - 10, min(answered["val"]))
    )


def test_the_future_changes_nothing_before_it(prepared):
    before = prepared(table(), "before")
    first = int(0.7 * STEPS)
    planted = table()
    planted.loc[first:, ["load", "wind"]] = 1e4 + planted.loc[first:, ["load", "wind"]] * 77
    after = prepared(planted, "after")
    for kept in ("series", "target"):
        assert np.array_equal(before.arrays("train")[kept], after.arrays("train")[kept])
    assert before.schema["target_mean"] == after.schema["target_mean"]
    last = table()
    last.loc[STEPS - 1, "wind"] = 1e9
    final = prepared(last, "final")
    for split in ("train", "val"):
        assert torch.equal(before.tensors(split).inputs[0], final.tensors(split).inputs[0])
    assert torch.equal(before.tensors("test").inputs[0], final.tensors("test").inputs[0])


def test_scaled_by_train_alone(prepared):
    frame = table()
    data = prepared(frame)
    train = frame.iloc[:84]
    np.testing.assert_allclose(data.schema["target_mean"], train[["load", "wind"]].mean())
    np.testing.assert_allclose(data.schema["target_std"], train[["load", "wind"]].std(ddof=0))
    mean, std = data.target_scale
    back = data.tensors("test").target.numpy() * std + mean
    wanted = np.stack([frame[["load", "wind"]].to_numpy()[start : start + 4].ravel() for start in range(102, 117)])
    np.testing.assert_allclose(back, wanted, atol=1e-4)


def test_gaps_take_the_last_known_value(prepared):
    whole = table()
    holed = whole.drop(index=[30, 31]).reset_index(drop=True)
    holed.loc[9, "wind"] = np.nan
    data = prepared(holed, series=SERIES | {"gaps": "fill"}, scaling="none")
    stored = data.arrays("train")["series"]
    wanted = whole[["load", "wind"]].to_numpy(np.float32).copy()
    wanted[30:32] = wanted[29]
    wanted[9, 1] = wanted[8, 1]
    assert np.array_equal(stored, wanted[: len(stored)])


def test_several_series_are_kept_apart(prepared):
    frames = [table(seed=seed).assign(site=name) for seed, name in enumerate("cab")]
    frames.append(table(6).assign(site="short"))
    mixed = pd.concat(frames).sort_values(["when", "load"]).reset_index(drop=True)
    data = prepared(mixed, series=SERIES | {"group": "site"})
    alone = prepared(frames[1].drop(columns="site"), "alone", scaling="none")
    assert data.rows("train") == 3 * alone.rows("train")
    # The first series by name is 'a', whose windows are those that it has alone.
    mean, std = (np.asarray(data.schema[key], np.float32) for key in ("target_mean", "target_std"))
    first = data.tensors("train").inputs[0][: alone.rows("train")].numpy() * std + mean
    np.testing.assert_allclose(first, alone.tensors("train").inputs[0].numpy(), atol=1e-3)
    for split in SPLITS:
        assert np.array_equal(data.tensors(split).inputs[0].numpy(), own(data, split)[0])


def test_copies_are_bounded(prepared, monkeypatch):
    frames = [table().assign(site=name) for name in "ab"]
    data = prepared(pd.concat(frames), series=SERIES | {"group": "site"})
    monkeypatch.setattr(windows, "MOST_BYTES", 1000)
    with pytest.raises(DataError, match=r"windows of 2 series take .* write a larger data\.series\.stride"):
        data.tensors("train")


def test_the_same_file_gives_the_same_bytes(prepared):
    frame = pd.concat([table(seed=seed).assign(site=name) for seed, name in enumerate("ab")])
    folders = [prepared(frame, name, draw=True, series=SERIES | {"group": "site"}).folder for name in ("one", "two")]
    names = [sorted(path.relative_to(each) for path in each.rglob("*") if path.is_file()) for each in folders]
    assert names[0] == names[1]
    for name in names[0]:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


TIMES = {
    "hours": (pd.date_range("2024-03-30", periods=5, freq="h").astype(str), "1 hour", "2024-03-30 05:00:00"),
    "days": (["2024-02-27", "2024-02-28", "2024-02-29"], "1 day", "2024-03-01"),
    "weeks": (["01.02.2024", "08.02.2024", "15.02.2024"], "7 days", "22.02.2024"),
    "months": (["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"], "1 month", "2024-05-01"),
    "month ends": (["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"], "1 month", "2024-04-30"),
    "quarters": (["2023-10-01", "2024-01-01", "2024-04-01"], "3 months", "2024-07-01"),
    "years": (["2019-01-01", "2020-01-01", "2021-01-01", "2022-01-01"], "1 year", "2023-01-01"),
    "numbers": ([3, 5, 7], "2", "9"),
    "zoned": (["2024-01-01T00:00:00+02:00", "2024-01-01T00:15:00+02:00"], "15 minutes", "2023-12-31 22:30:00+00:00"),
}


@pytest.mark.parametrize("kind", sorted(TIMES))
def test_clocks_find_their_step_and_go_on(kind):
    texts, words, after = TIMES[kind]
    values = pd.Series([str(text) for text in texts], name="when", dtype="str")
    clock, origin = find_clock(values, np.zeros(len(values), int), "s.csv")
    assert clock.words == words
    time_N = clock.read(values, "s.csv")
    assert clock.ticks(time_N, origin).tolist() == list(range(len(values)))
    assert clock.after(float(time_N[-1]), 2)[0] == after
    assert type(clock).from_json(clock.to_json()) == clock


def test_init_sees_a_series(write):
    frame = table().assign(note="abc", site=np.repeat(["x", "y"], STEPS // 2))
    path = write("s.csv", frame.to_csv(index=False))
    found = infer_series(path, "when", "site", ["load"])
    assert found.data["series"] == {"time": "when", "group": "site", "targets": ["load"], "window": 8, "horizon": 2}
    assert found.data["kinds"] == {"note": "ignore"}
    assert (found.task, found.rows) == ("forecasting", STEPS)
    with pytest.raises(DataError, match=r"unknown column 'wen'; did you mean 'when'\?"):
        infer_series(path, "wen")
