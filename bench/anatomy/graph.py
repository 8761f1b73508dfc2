"""The graph of a step, as a worker tells it: plain data, which goes over the wire and which bench.reporting draws."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

QUANTITY, OPERATION, RESULT = "quantity", "operation", "result"  # what a node is
# What an edge carries: a value; a gradient, which goes from its head to its tail; a value kept for the way back.
VALUE, GRADIENT, SAVED = "value", "gradient", "saved"


@dataclass(frozen=True)
class Node:
    """name: of the quantity that it is or makes, as the variant calls it, or empty; text: what is done, or empty.

    kind: QUANTITY for what a step begins with, OPERATION, or RESULT for one that makes what a step returns.
    """

    key: str
    name: str
    text: str
    kind: str
    cluster: str = ""


@dataclass(frozen=True)
class Edge:
    """tail, head: keys of nodes, in the order of the computation."""

    tail: str
    head: str
    kind: str = VALUE


@dataclass(frozen=True)
class Cluster:
    """Nodes that belong together: a kernel, what is recorded."""

    key: str
    label: str


@dataclass(frozen=True)
class Graph:
    """title: whose it is, and who tells of it."""

    title: str
    nodes: list[Node]
    edges: list[Edge]
    clusters: list[Cluster] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class _Draft:
    value: Hashable
    text: str
    kind: str
    cluster: str


class Flow:
    """Operations in the order in which they come, each behind those that made what it reads.

    A value is known by a key of the caller's: its name is asked for when all have come.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.notes: list[str] = []
        self._drafts: list[_Draft] = []
        self._edges: list[Edge] = []
        self._clusters: dict[str, Cluster] = {}
        self._makers: dict[Hashable, int] = {}

    def cluster(self, label: str) -> str:
        """The key of the cluster with that label."""
        return self._clusters.setdefault(label, Cluster(f"cluster{len(self._clusters)}", label)).key

    def operation(
        self, text: str, reads: Sequence[Hashable], writes: Sequence[Hashable], cluster: str = "", kind: str = VALUE
    ) -> None:
        """kind: of the edges. What is read and was not made is a quantity that the step begins with. What makes several
        values has the name of none.
        """
        tails = [self._maker(value) for value in reads]
        head = self._add(writes[0] if len(writes) == 1 else None, text, OPERATION, cluster)
        self._edges += [Edge(f"n{tail}", f"n{head}", kind) for tail in tails]
        self._makers.update(dict.fromkeys(writes, head))

    def link(self, tail: Hashable, head: Hashable, kind: str) -> None:
        """An edge of another kind, between what made two values."""
        self._edges.append(Edge(f"n{self._maker(tail)}", f"n{self._maker(head)}", kind))

    def same(self, value: Hashable, other: Hashable) -> None:
        """Let a value be what another one is."""
        self._makers[value] = self._maker(other)

    def graph(self, names: Mapping[Any, str], results: Mapping[Any, str], numbers: Mapping[Any, str]) -> Graph:
        """results: the names of what the step returns, which is marked. numbers: of what it begins with and that has no
        name.
        """
        named = {QUANTITY: {**numbers, **names}, OPERATION: names}
        nodes = [
            Node(f"n{i}", named[one.kind].get(one.value, ""), one.text, one.kind, one.cluster)
            for i, one in enumerate(self._drafts)
        ]
        for value, name in results.items():
            if (place := self._makers.get(value)) is not None and nodes[place].kind != QUANTITY:
                draft = self._drafts[place]
                nodes[place] = Node(f"n{place}", name, draft.text, RESULT, draft.cluster)
        return Graph(self.title, nodes, self._edges, [*self._clusters.values()], self.notes)

    def _maker(self, value: Hashable) -> int:
        if value not in self._makers:
            self._makers[value] = self._add(value, "", QUANTITY, "")
        return self._makers[value]

    def _add(self, value: Hashable, text: str, kind: str, cluster: str) -> int:
        self._drafts.append(_Draft(value, text, kind, cluster))
        return len(self._drafts) - 1
