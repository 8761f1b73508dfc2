"""Graphs as text and as drawings: what is drawn is what was told, and text from code stays text."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from builders import case

from bench.anatomy.graph import GRADIENT, SAVED, Cluster, Edge, Graph, Node
from bench.reporting import graphs
from bench.support.errors import InputError

HOSTILE = 'a<b>&"\\n\\l{x|y}</svg><script>alert(1)</script>\x1b[31m'
NODES = [
    Node("n0", "x", "", "quantity"),
    Node("n1", "", "mul 2", "operation", "c0"),
    Node("n2", "loss", "sum", "result", "c0"),
]
EDGES = [Edge("n0", "n1"), Edge("n1", "n2", GRADIENT), Edge("n0", "n2", SAVED)]


def drawings(*titles, name="x", cluster="kernel 1"):
    nodes = [Node("n0", name, name, "quantity"), *NODES[1:]]
    graph = [Graph(title, nodes, EDGES, [Cluster("c0", cluster)], ["a note"]) for title in titles]
    return [graphs.Drawing(case(), graph)]


@pytest.fixture(scope="module")
def program():
    if graphs.shutil.which(graphs.PROGRAM) is None:
        pytest.skip("Graphviz is not installed")


def test_as_text_an_operation_is_a_line():
    assert graphs.text(drawings("a title")).splitlines() == [
        "manual, numpy. a title",
        "  [kernel 1]",
        "  %1 = mul 2 (x)",
        "  loss = sum (%1)  keeps x",
        "- a note",
    ]


def test_dot_has_every_node_and_edge_in_the_cluster_of_its_graph():
    source = graphs.dot(drawings("one", "two"))
    assert Counter(re.findall(r"\b(g\dn\d) -> (g\dn\d)\b", source)) == {
        (f"{graph}{tail}", f"{graph}{head}"): 1 for graph in ("g0", "g1") for tail, head in map(ends, EDGES)
    }
    assert re.findall(r"subgraph (\w+)", source) == ["cluster_0", "cluster_g0_c0", "cluster_1", "cluster_g1_c0"]
    assert source.count("dir=back") == 2 and source.count("style=dashed") == 2 * 2  # an edge and the cluster


def ends(edge):
    return edge.tail, edge.head


def test_a_drawing_has_every_node(program):
    drawn = ElementTree.fromstring(graphs.written(drawings("one"), Path("a.svg")))
    classes = Counter(each.get("class") for each in drawn.iter() if each.get("class"))
    assert classes == {"graph": 1, "cluster": 2, "node": 3, "edge": 3}
    assert graphs.written(drawings("one"), Path("a.png")).startswith(b"\x89PNG")


def test_text_of_code_stays_text(program):
    found = drawings(HOSTILE, name=HOSTILE, cluster=HOSTILE)
    drawn = ElementTree.fromstring(graphs.written(found, Path("a.svg")))  # it is well-formed
    assert not any(each.tag.endswith("script") for each in drawn.iter())
    shown = "".join("".join(each.itertext()) for each in drawn.iter() if each.tag.endswith("}text"))
    plain = HOSTILE.replace("\x1b", "\ufffd")
    assert plain in shown and "\x1b" not in graphs.dot(found) + graphs.text(found)


def test_a_page_shows_the_graphs_side_by_side(program):
    page = graphs.written([*drawings("one", HOSTILE), *drawings("three")], Path("a.html"))
    tags = Counter()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.update([tag])
    parser.feed(page)
    assert tags["svg"] == 3 and tags["script"] == 0 and tags["polygon"] > 3


def test_of_a_graph_without_nodes_the_reason_is_drawn(program):
    empty = [graphs.Drawing(case(), [Graph("none", [], [], notes=["since it builds none"])])]
    assert b"since it builds none" in graphs.written(empty, Path("a.svg"))


@pytest.mark.parametrize("name", ["", "svg", "a.jpg", "a.SVG"])
def test_another_format_is_refused(name):
    with pytest.raises(InputError, match=r"--output.*allowed: \.dot, \.svg, \.png, \.html"):
        graphs.written(drawings("one"), Path(name))


@pytest.mark.parametrize("suffix", graphs.FORMATS)
def test_without_the_program_there_is_dot_alone(suffix, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    if suffix == "dot":
        assert graphs.written(drawings("one"), Path("a.dot")) == graphs.dot(drawings("one"))
    else:
        with pytest.raises(InputError, match=f"{suffix}.*apt-get install graphviz"):
            graphs.written(drawings("one"), Path(f"a.{suffix}"))
