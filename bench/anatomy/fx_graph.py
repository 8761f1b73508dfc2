"""The graph of a step in torch.compile: what AOTAutograd made of it, and which of Inductor's kernels each node is in.

The step is compiled once more, up to the code that Inductor writes: that is not built.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.anatomy import torch_graph
from bench.anatomy.graph import Flow, Graph
from bench.anatomy.quantities import Quantities
from bench.support.patching import replaced

FX = "torch.compile: the FX graph, and Inductor's kernels"
BODY = "torch.compile: the FX graph of the loop's body, and Inductor's kernels"
NOTE = "What is in no kernel takes no time of its own: a view, or a number that is written into the code."
# The innermost line of Python that a node tells of, with marks below the part of it that the node computes.
_FRAME = re.compile(r'File "([^"\n]*)", line \d+, in (\w+)\n    ([^\n]*)\n    ( *\^+)\n?\Z')
_WHOLE = re.compile(r"(?:(\w+) = |return )")


@dataclass
class Compiled:
    """What the compiler tells on the way. inputs: the tensors that the graph takes, in order; main: that graph; bodies:
    those of its loops, which come before it; kernels: by graph, the nodes of each kernel that was written for it.
    """

    inputs: list[Any] = field(default_factory=list)
    main: Any = None
    bodies: list[Any] = field(default_factory=list)
    kernels: dict[Any, dict[str, list[str]]] = field(default_factory=dict)


class _EnoughError(Exception):
    """All is known: what would follow is to build the code."""


def graph(fit: Any, driver: Callable[[], Callable[[Any, int], Any]]) -> Graph:
    """driver: makes the compiled loop over steps anew."""
    quantities = Quantities(fit.code, key, torch_graph.parts)
    quantities.give({"inputs": fit.inputs, "target": fit.target, "state": fit.state})
    with quantities.watched():
        fit.code.step(fit.state, fit.inputs, fit.target, fit.problem.rate)
    told = _compiled(lambda: driver()(fit.state, 1))
    names = {node: quantities.names.get(key(tensor), "steps") for node, tensor in _inputs(told)}
    state = [quantities.names[key(leaf)] for _, leaf in quantities.leaves("state", fit.state)]
    returned = [*(f"new {name}" for name in state), "loss"]
    loop = next((node for node in reversed(told.main.nodes) if str(node.target) == "while_loop"), None)
    flow, fx = Flow(FX if loop is None else BODY), told.main
    if loop is not None:
        fx, given = told.bodies[-1], [*loop.args[2], *loop.args[3]]
        carried = ["done", "loss", *state, *(names.get(node, "") for node in given[len(state) + 2 :])]
        names = dict(zip((node for node in fx.nodes if node.op == "placeholder"), carried, strict=True))
        returned = ["", "loss", *returned[:-1]]  # to count steps is no part of one
    _walk(flow, fx, told.kernels[fx])
    (made,) = next(node for node in fx.nodes if node.op == "output").args
    results = {node: name for node, name in zip(made, returned, strict=True) if name}
    return flow.graph({**_assigned(fx, Path(fit.code.__file__).parents[1]), **names}, results, {})


def key(value: Any) -> Any:
    """As of any tensor, whatever transformations it is seen through."""
    import torch

    while isinstance(value, torch.Tensor) and torch._C._functorch.is_functorch_wrapped_tensor(value):
        value = torch._C._functorch.get_unwrapped(value)
    return torch_graph.key(value)


def _inputs(told: Compiled) -> list[tuple[Any, Any]]:
    places = [node for node in told.main.nodes if node.op == "placeholder"]
    return list(zip(places, told.inputs, strict=True))


def _compiled(run: Callable[[], Any]) -> Compiled:
    from torch._functorch import config as autograd_config
    from torch._inductor import config

    told = Compiled()

    def captured(graph: Any) -> None:
        """The graphs of loops come first."""
        found = (node.meta.get("grapharg") for node in graph.nodes if node.op == "placeholder")
        told.inputs = [each.example for each in found if each is not None]

    settings = {"pre_grad_custom_pass": captured, "trace.provenance_tracking_level": 1, "fx_graph_cache": False}
    with config.patch(settings), autograd_config.patch(enable_autograd_cache=False), _watched(told):
        try:
            run()
        except Exception:  # the compiler wraps ours
            if told.main is None:
                raise
    return told


@contextmanager
def _watched(told: Compiled) -> Iterator[None]:
    """Look at each graph for which Inductor writes code, and end when the outermost has all of it."""
    from torch._inductor import debug
    from torch._inductor.graph import GraphLowering

    def written(lowering: Any, write: Callable[[], Any]) -> None:
        before = {*debug._inductor_triton_kernel_to_post_grad_node_info}
        write()
        after = debug._inductor_triton_kernel_to_post_grad_node_info
        told.kernels[lowering.module.graph] = {name: after[name] for name in after if name not in before}

    whole, part = GraphLowering.codegen, GraphLowering.codegen_subgraph

    def codegen(self: Any) -> None:
        written(self, lambda: whole(self))
        told.main = self.module.graph
        raise _EnoughError

    def codegen_subgraph(self: Any, parent_graph: Any) -> None:
        written(self, lambda: part(self, parent_graph))
        told.bodies.append(self.module.graph)

    with replaced(GraphLowering, "codegen", codegen), replaced(GraphLowering, "codegen_subgraph", codegen_subgraph):
        yield


def _walk(flow: Flow, fx: Any, written: Mapping[str, list[str]]) -> None:
    """The operators of a graph, each in the first of the kernels that compute it. written: by kernel, its nodes."""
    flow.notes.append(NOTE)
    kernels: dict[str, list[str]] = {}
    for number, (kernel, nodes) in enumerate(written.items(), 1):
        for name in nodes:
            kernels.setdefault(name, []).append(f"kernel {number}: {kernel.rpartition(':')[0]}")
    for node in fx.nodes:
        if node.op == "call_function":
            first, *others = kernels.get(node.name, [""])
            again = [f"(also in {each.partition(':')[0]})" for each in others]
            cluster = flow.cluster(first) if first else ""
            flow.operation(" ".join([_text(node), *again]), node.all_input_nodes, [node], cluster)


def _text(node: Any) -> str:
    """The operator, with the numbers that it is given."""
    name = str(getattr(node.target, "overloadpacket", getattr(node.target, "__name__", node.target)))
    numbers = [f"{each:g}" for each in node.args if isinstance(each, (int, float)) and not isinstance(each, bool)]
    return " ".join([name.removeprefix("aten."), *numbers])


def _assigned(fx: Any, folder: Path) -> dict[Any, str]:
    """By node, the variable that a line of a file in the folder binds to what it computes, or the function that returns
    it. Of several nodes that make it up, the last is it.
    """
    last = {name: node for node in fx.nodes if (name := _name(node.meta.get("stack_trace") or "", folder))}
    return {node: name for name, node in last.items()}


def _name(trace: str, folder: Path) -> str:
    found = _FRAME.search(trace)
    if found is None or folder not in Path(found[1]).parents:
        return ""
    _, function, line, marks = found.groups()
    whole = _WHOLE.match(line)
    if whole is None or (whole.end(), len(line)) != (marks.index("^"), len(marks)):
        return ""
    return "" if _is_several(line[whole.end() :]) else whole[1] or function


def _is_several(expression: str) -> bool:
    """Whether it is a tuple, of which no node is all; or no whole expression, as where a line goes on in the next."""
    try:
        return isinstance(ast.parse(expression, mode="eval").body, ast.Tuple)
    except SyntaxError:
        return True
