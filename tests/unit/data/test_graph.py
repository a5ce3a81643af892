"""Rows as nodes of a graph: what is made of edges, and what is said of wrong ones."""

import numpy as np
import pytest

from nnops.data.prepare import data_fingerprint, own_files
from nnops.data.preprocess import Preprocess
from nnops.errors import DataError, InputError, ParamsError
from nnops.files import read_json
from nnops.listed import check_listed
from nnops.params import parse

NODES = "id,x,y,kind\n" + "".join(f"n{i},{i % 7}.5,{(i * i) % 11},{'ab'[i % 2]}\n" for i in range(20))
EDGES = "from,to,strength\nn0,n1,1\nn1,n0,1\nn2,n2,4\nn3,n1,2.5\nn19,n3,1\n"


def edges(path="edges.csv", reader="csv", options=None, **more):
    return {"source": {"name": reader, "options": {"path": path, **(options or {})}}, "id": "id", **more}


@pytest.fixture
def graph(write, make):
    """Prepare nodes and edges, from texts."""

    def prepare_graph(nodes=NODES, links=EDGES, given=None, **data):
        write("nodes.csv", nodes)
        write("edges.csv", links)
        return make("nodes.csv", target="kind", edges=given or edges(), split={"val": 0.2, "test": 0.2}, **data)

    return prepare_graph


def pairs(data):
    links = data.graph()
    return list(
        zip(links["row"].tolist(), links["column"].tolist(), links["weight"].tolist(), strict=True),
    )


def test_each_edge_is_there_once_in_both_directions(graph):
    data = graph()
    assert pairs(data) == [(0, 1, 1), (1, 0, 1), (1, 3, 1), (3, 1, 1), (3, 19, 1), (19, 3, 1)]
    assert (data.spec.inputs, data.spec.shapes[-1]) == (("numeric", "node"), ())
    assert (data.spec.nodes, data.spec.links) == (20, 6)
    told = read_json(data.folder / "report.json")
    assert {name: told["graph"][name] for name in ("nodes", "edges", "isolated", "repeated", "loops", "left_out")} == {
        "nodes": 20,
        "edges": 3,
        "isolated": 16,
        "repeated": 1,
        "loops": 1,
        "left_out": 0,
    }
    assert "20 nodes are joined by 3 edges." in told["notes"]
    # Two rows of train are alike, whatever numbers their nodes have.
    assert told["duplicates"] == {"train": 1, "val_in_train": 0, "test_in_train": 0}


def test_nodes_are_numbered_in_the_order_of_the_source_whatever_their_split(graph):
    data = graph()
    columns = data.graph()["numeric"].numpy()
    fitted = Preprocess.from_json(read_json(data.folder / "preprocess.json"))
    assert fitted.nodes is not None
    assert fitted.nodes.ids == tuple(f"n{i}" for i in range(20))
    seen = []
    for split in ("train", "val", "test"):
        arrays = data.arrays(split)
        seen += arrays["node"].tolist()
        np.testing.assert_array_equal(columns[arrays["node"]], arrays["numeric"])
    assert sorted(seen) == list(range(20))


def test_weights_and_ends_are_the_columns_that_are_named(graph):
    links = "when,to,from,w\nx,n1,n0,0.5\ny,n4,n2,3\n"
    data = graph(links=links, given=edges(ends=["from", "to"], weight="w"))
    assert pairs(data) == [(0, 1, 0.5), (1, 0, 0.5), (2, 4, 3), (4, 2, 3)]


def test_a_list_without_a_header_and_whole_numbers_as_ids(graph):
    nodes = "id,x,kind\n" + "".join(f"{i},{i % 7}.5,{'ab'[i % 2]}\n" for i in range(20))
    given = edges(options={"columns": ["a", "b"], "delimiter": "\t"})
    assert pairs(graph(nodes=nodes, links="0\t3\n3\t5\n", given=given))[:2] == [(0, 3, 1), (3, 0, 1)]


def test_edges_to_rows_that_cleaning_drops_are_left_out(graph):
    nodes = NODES.replace("n1,1.5", "n1,?")
    data = graph(nodes=nodes, cleaning={"numeric_missing": "drop"})
    # n1 is gone, so those behind it have smaller numbers.
    assert pairs(data) == [(2, 18, 1), (18, 2, 1)]
    assert read_json(data.folder / "report.json")["graph"]["left_out"] == 3


def test_a_test_source_has_further_nodes_of_the_same_graph(write, make):
    write("nodes.csv", NODES)
    write("more.csv", "id,x,y,kind\nm0,1,2,a\nm1,2,3,b\n")
    write("edges.csv", "from,to\nn0,m1\n")
    test = {"name": "csv", "options": {"path": "more.csv"}}
    data = make("nodes.csv", target="kind", edges=edges(), test=test)
    assert data.arrays("test")["node"].tolist() == [20, 21]
    assert pairs(data) == [(0, 21, 1), (21, 0, 1)]


def test_a_changed_edge_is_other_data(graph, tmp_path):
    record = {"source": {"name": "csv", "options": {"path": "nodes.csv"}}, "target": "kind", "edges": edges()}
    params = parse({"data": record})
    first, mark = graph().hash, data_fingerprint(params, tmp_path)
    second = graph(links=EDGES.replace("n19,n3", "n19,n4")).hash
    assert first != second
    assert mark != data_fingerprint(params, tmp_path)


def test_data_without_edges_have_the_record_that_they_always_had(make, write):
    write("nodes.csv", NODES)
    data = make("nodes.csv", target="kind")
    assert "nodes" not in data.schema["spec"]
    assert "edges" not in parse({}).record("data")["data"]
    assert not (data.folder / "graph").exists()


@pytest.mark.parametrize(
    ("nodes", "links", "given", "sentence"),
    [
        (
            NODES,
            EDGES + "n4,n99,1\n",
            {},
            r"edges.csv: row 6: column 'to' must name a node of nodes.csv, but is 'n99'; add the node or remove",
        ),
        (NODES, EDGES + "n4,,1\n", {}, r"edges.csv: row 6: column 'to' must name a node of nodes.csv, but is empty;"),
        (
            NODES + "n4,1,2,a\n",
            EDGES,
            {},
            r"nodes.csv: row 21: the node 'n4' is there twice, first in row 5 of nodes.csv; remove one",
        ),
        (NODES + ",1,2,a\n", EDGES, {}, r"nodes.csv: row 21: column 'id' must name the node, but is empty;"),
        (NODES, "from\nn1\n", {}, r"edges.csv: must have two columns, the nodes that an edge joins, got only 'from';"),
        (NODES, "", {}, r"edges.csv: must hold a header and rows, but the file is empty."),
        (NODES, "from,to\n", {}, r"edges.csv: must hold rows, but there is only the header"),
        (
            NODES,
            "from,to\nn1,n1\n",
            {},
            r"edges.csv: must hold at least one edge between two different nodes, got none",
        ),
        (NODES, EDGES, {"id": "di"}, r"data.edges.id: nodes.csv has no column 'di'; did you mean 'id'\?"),
        (NODES, EDGES, {"ends": ["from", "too"]}, r"data.edges.ends: edges.csv has no column 'too'; did you mean 'to'"),
        (NODES, EDGES, {"ends": ["to", "to"]}, r"data.edges.ends must name two columns, got 'to' twice."),
        (NODES, EDGES, {"weight": "w"}, r"data.edges.weight: edges.csv has no column 'w'; the columns are from, to"),
        (
            NODES,
            EDGES.replace("2.5", "-2"),
            {"weight": "strength"},
            r"edges.csv: row 4: column 'strength' must hold weights above 0, got '-2'.",
        ),
        (
            NODES,
            EDGES.replace("n1,n0,1", "n1,n0,3"),
            {"weight": "strength"},
            r"row 2: the edge between 'n1' and 'n0' must have one weight, got 3 here and 1 in row 1.",
        ),
        (NODES, "1,2\n3,4\n", {}, r"or give the names in data.edges.source.options.columns"),
        (NODES, EDGES, {"path": "edge.csv"}, r"edge.csv: no such file; did you mean 'edges.csv'\?"),
    ],
)
def test_wrong_edges_are_one_sentence(graph, nodes, links, given, sentence):
    with pytest.raises((DataError, ParamsError), match=sentence):
        graph(nodes=nodes, links=links, given=edges() | edges(given.pop("path", "edges.csv")) | given)


def test_edges_join_rows_of_a_table_alone(make, write):
    write("edges.csv", "from,to\na,b\n")
    with pytest.raises(
        ParamsError, match=r"data.edges joins the rows of a table, but the rows of scikit-learn's digits are images"
    ):
        make(source={"name": "sklearn", "options": {"set": "digits"}}, edges=edges())
    with pytest.raises(ParamsError, match="leave edges or series out"):
        make("nodes.csv", series={"time": "when"}, edges=edges())


def test_nodes_of_texts_are_refused(make, write):
    text = "".join(f"n{i},word{i} and more of {i},{'ab'[i % 2]}\n" for i in range(20))
    write("nodes.csv", "id,said,kind\n" + text)
    write("edges.csv", "from,to\nn1,n2\n")
    with pytest.raises(ParamsError, match=r"column 'said' is a text; set data.kinds.said to ignore"):
        make("nodes.csv", target="kind", edges=edges())


def test_a_target_that_is_the_id_is_refused(make, write):
    write("nodes.csv", NODES)
    write("edges.csv", EDGES)
    with pytest.raises(ParamsError, match=r"data.edges.id: 'kind' is the target; name the column of the nodes' ids."):
        make("nodes.csv", target="kind", edges=edges() | {"id": "kind"})


def test_dvc_must_know_the_edges(tmp_path, write):
    write("edges.csv", EDGES)
    write("dvc.yaml", "stages:\n  prepare:\n    deps: [nodes.csv]\n")
    data = parse({"data": {"edges": edges(str(tmp_path / "edges.csv"))}}).data
    with pytest.raises(InputError, match=r"the stage prepare must depend on 'edges.csv'"):
        check_listed(own_files(data), tmp_path, "prepare", {})
    write("dvc.yaml", "stages:\n  prepare:\n    deps: [nodes.csv, edges.csv]\n")
    check_listed(own_files(data), tmp_path, "prepare", {})
