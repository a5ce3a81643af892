"""What a stage says of a training."""

import pytest

from nnops.pipeline.teller import Teller
from nnops.report import Report


def test_says_where_it_goes_on_and_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr("nnops.pipeline.teller.time.monotonic", lambda: now[0])
    teller = Teller(9)
    for epoch in (1, 2, 3):
        teller.take(Report(epoch, {"val_loss": 0.5}, 0.0))
    assert capsys.readouterr().out == ""
    teller.take(Report(4, {"val_loss": 0.25, "lr": 0.1}, 0.7))
    assert capsys.readouterr().out == "train: goes on from epoch 3\n"
    now[0] = 6.0
    for epoch in (5, 6):
        teller.take(Report(epoch, {"val_loss": 0.25, "lr": 0.1}, 0.7))
    assert capsys.readouterr().out == "train: epoch 5 of 9, val_loss 0.2500\n"
    now[0] = 12.0
    teller.take(Report(9, {"val_loss": 0.125}, 0.7))
    assert capsys.readouterr().out == ""
