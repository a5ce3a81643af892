"""Trials are packed by measured memory: on a GPU, and on machines without one. What a GPU says is given here."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from sweeps import project, sweep_params

from nnops.errors import InputError, ParamsError
from nnops.params import Params
from nnops.sweep.engines.inline import Inline
from nnops.sweep.engines.ray import RayEngine
from nnops.sweep.footprint import Footprint, footprints
from nnops.sweep.packing import CONTEXT_BYTES, Measured, measure_gpu, packed, workers_for
from nnops.sweep.ready import Ready, get_ready

GB = 1_000_000_000
AUTO = {"sweep.resources.gpus": "auto"}


@pytest.mark.parametrize(
    ("total", "peak", "share"), [(24 * GB, 1 * GB, 0.0769), (24 * GB, 9 * GB, 0.5), (24 * GB, 23 * GB, 1.0)]
)
def test_a_gpu_takes_as_many_trials_as_its_memory_holds(tmp_path: Path, total: int, peak: int, share: float) -> None:
    asked: list[list[Footprint]] = []

    def measure(ready: Ready, found: list[Footprint]) -> Measured:
        asked.append(found)
        return Measured(total, peak)

    params = sweep_params(AUTO)
    settled, (said,) = packed(params, project(tmp_path, params), measure)
    count = round(1 / share)
    assert settled.sweep.resources.gpus == settled.sweep.resources.share == share
    assert count * (peak + CONTEXT_BYTES) < total or count == 1
    assert said.startswith(
        f"{count} trials share a GPU: a training was seen to hold" if count > 1 else "a trial has a GPU"
    )
    assert len(asked) == 1
    assert packed(settled, tmp_path, measure) == (settled, [])


def test_the_network_that_needs_most_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = "model.options.hidden"
    params = sweep_params({}, {hidden: {"choice": [[4], [64], [8]]}})
    ready, trained = get_ready(params, project(tmp_path, params)), list[Params]()
    from nnops.training import train

    real = train.train
    monkeypatch.setattr(
        train, "train", lambda params, *words, **more: trained.append(params) or real(params, *words, **more)
    )
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda place: SimpleNamespace(total_memory=8 * GB))
    monkeypatch.setattr("torch.cuda.reset_peak_memory_stats", lambda: None)
    monkeypatch.setattr("torch.cuda.max_memory_reserved", lambda: 123)
    assert measure_gpu(ready, footprints(ready)) == Measured(8 * GB, 123)
    assert [each.model.options["hidden"] for each in trained] == [[64]]


def test_without_a_gpu_there_is_nothing_to_measure_and_words_must_be_known(tmp_path: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(
            InputError, match=r"auto measures a training on a GPU of this machine, but torch sees none; write"
        ):
            packed(sweep_params(AUTO), tmp_path)
    with pytest.raises(ParamsError, match=r"sweep\.resources\.gpus"):
        sweep_params({"sweep.resources.gpus": "some"})


def test_machines_take_as_many_workers_as_cores_and_memory_allow() -> None:
    assert workers_for([(8, 100 * GB)], GB, GB) == 8
    assert workers_for([(8, 5 * GB)], GB, GB) == 3  # a tenth stays free, and the driver is there
    assert workers_for([(8, 5 * GB), (8, 5 * GB)], GB, GB) == 7
    assert workers_for([(8, GB)], GB, GB) == 1


def test_ray_holds_no_more_workers_than_memory_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnops.sweep.engines.ray.free_memory", lambda: 5 * GB)
    monkeypatch.setattr(RayEngine, "_this_machine", lambda self: (8, 0))
    engine = RayEngine(None, 1, 0, None)
    engine.check()
    assert engine.workers == 8
    assert engine.pack(GB, GB) == (
        "3 workers in place of 8, since each needs about 1.0 GB of memory and 5.0 GB are free; sweep.workers asks for"
        " another number."
    )
    assert engine.workers == 3
    asked = RayEngine(6, 1, 0, None)
    asked.check()
    assert asked.pack(GB, GB) is None
    assert asked.workers == 6
    assert Inline(None, 1, 0, None).pack(GB, GB) is None
