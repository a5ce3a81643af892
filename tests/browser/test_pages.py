"""The pages that matter, as a person sees them, in a real browser: of MLflow, and the page that needs no network."""

import os
import shlex
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium, find
from sweeps import project, sweep, sweep_params
from told import tell_study

from nnops.sweep.note import view_key
from nnops.sweep.show import show_study
from nnops.sweep.study import Study
from nnops.tracking.index import open_index, run_ids
from nnops.tracking.spool import SpoolTracker
from nnops.tracking.ui import compare_link, run_link, runs_link, ui_command, ui_environment, view_link
from nnops.tracking.wake import Manner

pytestmark = pytest.mark.slow
PATH = find()
WAIT_S = 60.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    if PATH is None:
        pytest.skip("there is no Chromium on this machine; 'apt-get install chromium' brings one")
    with Chromium(PATH) as opened:
        yield opened


@pytest.fixture(scope="module")
def shown(browser: Chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a real MLflow UI with a study of 8 trials and its picture, and the project's folder."""
    root = tmp_path_factory.mktemp("pages")
    params = sweep_params({"sweep.budget.trials": 8})
    tracker = SpoolTracker(root, manner=Manner(nice=0))
    sweep(project(root, params), params, tracker=tracker)
    study = Study.open(root, "s")
    deadline = time.monotonic() + 4 * WAIT_S
    while not _arrived(root, study):
        assert time.monotonic() < deadline, "the picture of the study never arrived"
        time.sleep(0.5)
    _register(root)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ui_command(params, root, port),
        env=ui_environment(params, root),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/version")
        yield f"http://127.0.0.1:{port}", root
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def test_the_page_needs_no_network(browser: Chromium, tmp_path: Path) -> None:
    study = tell_study(tmp_path, 150)
    show_study(study.params, tmp_path, "s").write_page(tmp_path / "s.html")
    browser.events.clear()
    for dark in (False, True):
        browser.dark(dark)
        browser.open(f"file://{tmp_path}/s.html")
        browser.wait("document.querySelectorAll('tbody tr').length === 100")
    browser.dark(False)
    assert browser.run("document.getElementById('count').textContent") == "150 of 150"
    complete = sum(trial.state == "complete" for trial in study.trials())
    browser.run("document.querySelector('input[value=pruned]').click()")
    assert browser.run("document.querySelectorAll('tbody tr').length") == complete
    browser.run("document.querySelector('input[value=pruned]').click()")
    _search(browser, "epochs>=27 sgd")
    assert browser.run("[...document.querySelectorAll('tbody tr')].every(x => x.cells[3].textContent === '27')")
    _search(browser, "")
    browser.run("document.querySelectorAll('th button')[0].click()")
    assert browser.run("document.querySelector('tbody tr').cells[0].textContent") == "0"
    browser.run("document.querySelectorAll('th button')[0].click()")
    assert browser.run("document.querySelector('tbody tr').cells[0].textContent") == "149"
    browser.run("document.querySelector('tbody tr').click()")
    assert "asha stopped it at epoch" in browser.text() or "full fidelity" in browser.text()
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    asked = [
        each["params"]["request"]["url"] for each in browser.events if each["method"] == "Network.requestWillBeSent"
    ]
    assert {each.split(":")[0] for each in asked} <= {"file", "data", "about"}
    assert _troubles(browser) == []


def test_the_parent_run_tells_the_story(browser: Chromium, shown: tuple[str, Path]) -> None:
    base, root = shown
    study, ids, experiment = _known(root)
    best = study.best()
    assert best is not None
    browser.open(run_link(base, experiment, ids[study.uid]))
    browser.wait_text("Description", f"{best.value:.6g}", "all trials as a table", seconds=WAIT_S)
    browser.run("[...document.querySelectorAll('button,a')].find(each => each.innerText === 'Show more').click()")
    history = "[...document.querySelectorAll('img')].find(each => each.src.includes('history.png'))"
    assert 600 < browser.wait(f"{history} && {history}.naturalWidth") <= 900
    links = browser.run("[...document.querySelectorAll('a')].map(each => each.getAttribute('href'))")
    assert any(f"/runs/{ids[best.uid]}" in (link or "") for link in links)
    assert any(f"viewStateShareKey={view_key(study)}" in (link or "") for link in links)


def test_the_table_of_trials(browser: Chromium, shown: tuple[str, Path]) -> None:
    base, root = shown
    study, ids, experiment = _known(root)
    browser.open(f"{base}/#/experiments/{experiment}/runs/{ids[study.uid]}/artifacts/trials.json")
    text = browser.wait_text("train/optimizer/options/lr", "complete", seconds=WAIT_S)
    best = study.best()
    assert best is not None
    assert f"{best.config['train.optimizer.options.lr']:.5f}"[:6] in text


def test_runs_child_and_compare(browser: Chromium, shown: tuple[str, Path]) -> None:
    base, root = shown
    study, ids, experiment = _known(root)
    best = study.best()
    assert best is not None
    browser.open(runs_link(base, experiment))
    browser.wait("[...document.querySelectorAll('a')].some(each => each.innerText.trim() === 's')", WAIT_S)
    browser.open(view_link(base, experiment, view_key(study)))
    browser.wait_text(f"s/{best.number}", "best/val_loss", seconds=WAIT_S)
    assert "does not exist" not in browser.text()
    assert "invalid" not in browser.text()
    browser.open(run_link(base, experiment, ids[best.uid]))
    browser.wait_text("Parent run", "train.optimizer.options.lr", "val_loss", seconds=WAIT_S)
    others = [trial.uid for trial in study.trials()[:2]]
    browser.open(compare_link(base, experiment, [ids[uid] for uid in others]))
    browser.wait_text("Comparing 2 Runs", "Parallel Coordinates Plot", seconds=WAIT_S)


def test_a_model(browser: Chromium, shown: tuple[str, Path]) -> None:
    base, _ = shown
    browser.open(f"{base}/#/models/iris/versions/1?workflowType=machine_learning")
    browser.wait_text("iris", "Version 1", "champion", seconds=WAIT_S)


def _known(root: Path) -> tuple[Study, dict[str, str], str]:
    study = Study.open(root, "s")
    ids = run_ids([study.uid, *(trial.uid for trial in study.trials())], study.params, root)
    experiment = open_index(study.params, root).experiment_id
    assert experiment is not None
    return study, ids, experiment


def _arrived(root: Path, study: Study) -> bool:
    """Whether the note with its pictures is on the parent, and its links lead to runs."""
    from nnops.tracking.mlflow import open_client

    run_id = run_ids([study.uid], study.params, root).get(study.uid)
    if run_id is None:
        return False
    note = open_client(study.params, root).get_run(run_id).data.tags.get("mlflow.note.content", "")
    return "history.png" in note and "searchFilter=tags.%60nnops.uid" not in note


def _register(root: Path) -> None:
    """A version of a model, as the registry's pages show it."""
    from nnops.params import Params
    from nnops.tracking.mlflow import open_client

    client = open_client(Params(), root)
    client.create_registered_model("iris")
    client.create_model_version("iris", str(root))
    client.set_registered_model_alias("iris", "champion", "1")


def _search(browser: Chromium, text: str) -> None:
    browser.run(f"document.getElementById('search').value = {shlex.quote(text) if text else repr('')}")
    browser.run("document.getElementById('search').dispatchEvent(new Event('input'))")


def _troubles(browser: Chromium) -> list[str]:
    return [
        str(each["params"])
        for each in browser.events
        if each["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")
    ]


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            assert time.monotonic() < deadline, f"{address} never answered"
            time.sleep(0.2)
