"""A project around a table and its edges."""

from pathlib import Path

import pytest

from nnops.cli.project import init
from nnops.data.prepare import prepare, source_files
from nnops.errors import DataError, InputError
from nnops.listed import check_listed
from nnops.params import load
from tests.graphs import write_graph

PAPERS, CITATIONS = Path("data/papers.csv"), Path("data/citations.csv")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_graph(tmp_path, 60)


def test_a_project_begins_with_the_column_that_edges_name(tmp_path):
    init(Path("net"), data=PAPERS, target="field", edges=CITATIONS)
    params = load(tmp_path / "net" / "params.yaml")
    assert params.data.edges is not None
    assert (params.data.edges.id, params.model.name, params.train.batch_size) == ("paper", "gcn", "all")
    check_listed(source_files(params, tmp_path / "net"), tmp_path / "net", "prepare", params.record())
    assert prepare(params, tmp_path / "out", tmp_path / "net").spec.nodes == 60


def test_what_is_no_table_of_edges_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("from,to\nq1,q2\n")
    with pytest.raises(
        DataError, match=r"other\.csv: its first two columns must name rows of .*papers\.csv, such as 'q1'"
    ):
        init(Path("net"), data=PAPERS, target="field", edges=Path("other.csv"))
    (tmp_path / "one.csv").write_text("from\np1\n")
    with pytest.raises(DataError, match="must have two columns"):
        init(Path("net"), data=PAPERS, target="field", edges=Path("one.csv"))
    with pytest.raises(InputError, match="--edges join the rows of a table; leave it out with --time"):
        init(Path("net"), data=PAPERS, target="field", edges=CITATIONS, time="journal")
    assert not (tmp_path / "net").exists()
