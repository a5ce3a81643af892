"""What the table of results says before there is one."""

from pathlib import Path

import pytest

from nnops.__main__ import main
from nnops.tracking.spool import SpoolTracker
from nnops.tracking.tracker import RunInfo


@pytest.mark.usefixtures("project")
def test_a_result_that_is_under_way_is_not_denied(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nnops.tracking.spool.wake", lambda *_: False)
    monkeypatch.setattr("sys.argv", ["nnops", "run", "list"])

    def listed() -> str:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        return capfd.readouterr().out

    assert listed() == "no results yet; 'dvc repro' makes one.\n"
    SpoolTracker(Path()).open(RunInfo("first", "first", "pipeline")).finish("FINISHED")
    assert listed() == "what was logged is still on its way to MLflow; ask again in a moment.\n"
