import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from nnops.errors import TrackingError
from nnops.tracking.address import default_uri
from nnops.tracking.database import check_file, prepare
from nnops.tracking.mlflow import Store

PREPARE = """
import sys
from pathlib import Path
from nnops.tracking.address import default_uri
from nnops.tracking.border import configure
from nnops.tracking.database import prepare
root = Path(sys.argv[1])
configure()
print("ready", flush=True)
sys.stdin.readline()
prepare(default_uri(root), root)
"""


@pytest.mark.slow
def test_several_processes_make_one_good_database(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.communicate("\n", timeout=120)
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    store = Store(default_uri(tmp_path), "nnops", tmp_path)
    default = store.client.get_experiment("0")
    assert default.artifact_location == str(tmp_path / "mlruns" / "0")
    assert store.client.get_experiment(store.experiment_id).artifact_location == str(tmp_path / "mlruns" / "nnops")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert not list((tmp_path / ".nnops").glob("*.part*"))


def test_an_older_schema_is_brought_up_to_date_and_a_copy_kept(tmp_path: Path) -> None:
    import sqlalchemy
    from alembic import command
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils
    from mlflow.store.tracking.dbmodels.initial_models import Base

    uri = default_uri(tmp_path)
    config = utils._get_alembic_config(uri)
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    assert head is not None
    older = scripts.get_revision(head).down_revision
    assert isinstance(older, str)
    engine = sqlalchemy.create_engine(uri)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, older)
    engine.dispose()

    prepare(uri, tmp_path)
    version = "SELECT version_num FROM alembic_version"
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert database.execute(version).fetchone() == (head,)
    with closing(sqlite3.connect(tmp_path / f"mlflow.db.{older}.backup")) as database:
        assert database.execute(version).fetchone() == (older,)
    assert Store(uri, "nnops", tmp_path).find("u") is None


def test_what_a_killed_maker_left_behind_does_no_harm(tmp_path: Path, template: Path) -> None:
    (tmp_path / ".nnops").mkdir()
    (tmp_path / ".nnops" / "mlflow.db.part").write_bytes(template.read_bytes()[:20_000])
    (tmp_path / ".nnops" / "mlflow.db.part-journal").write_bytes(b"junk")
    prepare(default_uri(tmp_path), tmp_path)
    assert Store(default_uri(tmp_path), "nnops", tmp_path).find("u") is None


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(TrackingError, match="not a database"):
        Store(default_uri(tmp_path), "nnops", tmp_path)


def test_artifacts_of_a_store_elsewhere_lie_beside_it(tmp_path: Path, template: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shutil.copyfile(template, shared / "all.db")
    store = Store(f"sqlite:///{shared}/all.db", "a/b: c", tmp_path / "project")
    location = store.client.get_experiment(store.experiment_id).artifact_location
    assert location == str(shared / "mlruns" / "a_b_ c")


def test_a_check_does_not_cost_what_is_written_after_it(project: Path) -> None:
    """Another process that comes and goes must not take the log with it that this one goes on writing to."""
    store = Store(default_uri(project), "nnops", project)
    run = store.create("kept", 1, {})
    check_file(default_uri(project))
    count = "SELECT count(*) FROM tags WHERE key = 'kept'"
    program = f'import sqlite3; store = sqlite3.connect("mlflow.db"); print(store.execute("{count}").fetchone()[0])'

    def seen() -> str:
        return subprocess.run(
            [sys.executable, "-c", program], cwd=project, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    assert seen() == "0\n"
    store.write(run, {}, {"kept": "yes"}, [])
    assert seen() == "1\n"
