"""The graphs of steps, drawn by Graphviz: as DOT, which needs no program; as SVG, PNG and HTML; and as text.

Quantities are ellipses, operations boxes, what a step returns is filled. A gradient goes against the computation; what
is saved for it is dashed.
"""

import html
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import graphviz

from bench.anatomy.graph import GRADIENT, OPERATION, QUANTITY, RESULT, SAVED, VALUE, Edge, Graph, Node
from bench.cases.case import Case
from bench.support.errors import InputError, printable

DOT, SVG, PNG, HTML = FORMATS = ("dot", "svg", "png", "html")
PROGRAM, INSTALL = "dot", "apt-get install graphviz"
LINE = 80  # characters of a line of a label
NODES = {
    QUANTITY: {"shape": "ellipse", "style": "filled", "fillcolor": "#eef3fa"},
    OPERATION: {"shape": "box", "style": "rounded,filled", "fillcolor": "white"},
    RESULT: {"shape": "box", "style": "rounded,filled", "fillcolor": "#f6e3c5"},
}
EDGES = {
    VALUE: {},
    GRADIENT: {"dir": "back", "color": "#a03030"},
    SAVED: {"style": "dashed", "arrowhead": "empty", "color": "#3060a0"},
}
LEGEND = {GRADIENT: "red: the way that gradients go back", SAVED: "blue, dashed: kept for the way back"}

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Graphs of a step: {title}</title>
<style>
h1 {{ font: 1.3em sans-serif; width: 100% }}
body {{ display: flex; flex-wrap: wrap; gap: 1em; align-items: flex-start }}
div {{ max-width: 100% }}
svg {{ max-width: 100%; height: auto }}
</style>
</head>
<body>
<h1>Graphs of a step: {title}</h1>
{pictures}
</body>
</html>
"""


@dataclass(frozen=True)
class Drawing:
    """The graphs of one case."""

    case: Case
    graphs: Sequence[Graph]


def text(drawings: Sequence[Drawing]) -> str:
    """For a terminal: an operation a line, with what it reads."""
    return printable("\n\n".join("\n".join(_lines(one.case, graph)) for one in drawings for graph in one.graphs))


def _lines(case: Case, graph: Graph) -> Iterator[str]:
    yield _about(case, graph)
    labels = {cluster.key: cluster.label for cluster in graph.clusters}
    called = {node.key: node.name or f"%{node.key.removeprefix('n')}" for node in graph.nodes}
    cluster = ""
    for node in (node for node in graph.nodes if node.kind != QUANTITY):
        if node.cluster != cluster:
            cluster = node.cluster
            yield f"  [{labels.get(cluster, 'in none')}]"
        read = [called[edge.tail] for edge in graph.edges if edge.head == node.key and edge.kind != SAVED]
        kept = [called[edge.tail] for edge in graph.edges if edge.head == node.key and edge.kind == SAVED]
        saved = f"  keeps {', '.join(dict.fromkeys(kept))}" if kept else ""
        given = f" ({', '.join(read)})" if read else ""
        yield f"  {called[node.key]} = {node.text}{given}{saved}"
    yield from (f"- {note}" for note in graph.notes)


def _about(case: Case, graph: Graph) -> str:
    return f"{case.variant}, {case.backend}. {graph.title}"


def check(output: Path) -> str:
    """The format that the name of a file asks for. Raises InputError for one that cannot be written here."""
    suffix = output.suffix.removeprefix(".")
    if suffix not in FORMATS:
        allowed = ", ".join(f".{each}" for each in FORMATS)
        raise InputError(f"--output {str(output)!r}: its ending says no format; allowed: {allowed}")
    if suffix != DOT and shutil.which(PROGRAM) is None:
        reason = f".{suffix} needs the program `{PROGRAM}`, which is not installed"
        raise InputError(f"--output {str(output)!r}: {reason}; {INSTALL}, or a name in .dot, which needs none")
    return suffix


def written(drawings: Sequence[Drawing], output: Path) -> str | bytes:
    """The content of a file of that name. Raises InputError as `check` does."""
    suffix = check(output)
    if suffix == DOT:
        return dot(drawings)
    return _page(drawings) if suffix == HTML else _drawn(dot(drawings), suffix)


def dot(drawings: Sequence[Drawing]) -> str:
    """One source of all, a cluster a graph."""
    return _source([(one.case, graph) for one in drawings for graph in one.graphs])


def _source(graphs: Sequence[tuple[Case, Graph]]) -> str:
    source = graphviz.Digraph("steps")
    source.attr(fontname="sans-serif", fontsize="12", nodesep="0.2", ranksep="0.3", compound="true")
    source.attr("node", fontname="sans-serif", fontsize="11", margin="0.08,0.04", height="0.3")
    source.attr("edge", arrowsize="0.6")
    for number, (case, graph) in enumerate(graphs):
        with source.subgraph(name=f"cluster_{number}") as room:
            room.attr(label=_label(_about(case, graph), *_legend(graph)), color="#999999", labeljust="l")
            _fill(room, graph, f"g{number}")
    return str(source.source)


def _legend(graph: Graph) -> list[str]:
    kinds = {edge.kind for edge in graph.edges}
    return [*graph.notes, *(about for kind, about in LEGEND.items() if kind in kinds)]


def _fill(room: graphviz.Digraph, graph: Graph, prefix: str) -> None:
    if not graph.nodes:  # Graphviz leaves out a cluster without nodes
        room.node(prefix, label="< >", shape="plaintext")
    for node in graph.nodes:
        if not node.cluster:
            _put(room, node, prefix)
    for cluster in graph.clusters:
        with room.subgraph(name=f"cluster_{prefix}_{cluster.key}") as part:
            part.attr(label=_label(cluster.label), color="#c08030", style="dashed", labeljust="l")
            for node in graph.nodes:
                if node.cluster == cluster.key:
                    _put(part, node, prefix)
    for edge in graph.edges:
        _join(room, edge, prefix)


def _put(room: graphviz.Digraph, node: Node, prefix: str) -> None:
    name = f"<b>{_safe(node.name)}</b>" if node.name else ""
    room.node(f"{prefix}{node.key}", label=_html(each for each in (name, _safe(node.text)) if each), **NODES[node.kind])


def _join(room: graphviz.Digraph, edge: Edge, prefix: str) -> None:
    room.edge(f"{prefix}{edge.tail}", f"{prefix}{edge.head}", **EDGES[edge.kind])


def _label(*lines: str) -> str:
    """Of a cluster, beginning at its left."""
    end = '<br align="left"/>'
    return f"<{''.join(_safe(line, end) + end for line in lines)}>"


def _html(lines: Iterable[str]) -> str:
    """A label in Graphviz's own HTML, in which nothing but tags has a meaning."""
    return f"<{'<br/>'.join(lines) or ' '}>"


def _safe(line: str, end: str = "<br/>") -> str:
    """Text as text, in lines of some length."""
    return end.join(html.escape(part) for part in textwrap.wrap(printable(line), LINE))


def _drawn(source: str, suffix: str) -> bytes:
    return graphviz.Source(source).pipe(format=suffix)


def _page(drawings: Sequence[Drawing]) -> str:
    """A page with the graphs side by side, each a picture of its own."""
    pictures = [_drawn(_source([(one.case, graph)]), SVG).decode() for one in drawings for graph in one.graphs]
    whole = "\n".join(f"<div>{picture[picture.index('<svg') :]}</div>" for picture in pictures)
    title = html.escape(printable(", ".join(dict.fromkeys(one.case.variant for one in drawings))))
    return PAGE.format(title=title, pictures=whole)
