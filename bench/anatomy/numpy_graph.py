"""The graph of a step in NumPy: the tape of HIPS autograd where the step has one, else all operations on arrays."""

import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from bench.anatomy.graph import GRADIENT, VALUE, Flow, Graph
from bench.anatomy.numpy_operations import leaves, mapped, plain
from bench.anatomy.quantities import Quantities
from bench.support.patching import replaced

TAPE = "NumPy: the tape of HIPS autograd"
OPERATIONS = "NumPy: the operations on arrays and numbers, one after the other"
NOTE = "The tape holds the way forward alone: what the backward pass computes, and the update, are not recorded."

Loop = Callable[[Any, int], tuple[Any, Any]]


def graph(driver: Callable[[Any, Any], Loop], fit: Any) -> Graph:
    """driver: (inputs, target) -> a loop over steps, as the fit has one."""
    tape = _tape(fit) if "autograd" in sys.modules else None
    return _operations(driver, fit) if tape is None else tape


def key(value: Any) -> Hashable | None:
    """What an array is known by: its memory, as it sees it; on a tape, its node."""
    if hasattr(value, "_node"):
        return id(value._node)
    return (value.ctypes.data, value.shape, value.strides) if isinstance(value, np.ndarray) else None


class Telling(np.ndarray):
    """An array that tells of each operation on it, or on what came of it; a number is one without axes."""

    flow: Flow | None = None
    held: list[Any]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", ())
        given = {"out": tuple(map(plain, out))} if out else {}
        result = getattr(ufunc, method)(*map(plain, inputs), **given, **kwargs)
        return self._tell(ufunc.__name__ + ("" if method == "__call__" else f".{method}"), inputs, result, *out)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        out = [kwargs["out"]] if kwargs.get("out") is not None else []
        return self._tell(function.__name__, args, function(*plain(args), **plain(kwargs)), *out)

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        if not isinstance(found, np.generic):
            return found
        return super().__getitem__((*(place if isinstance(place, tuple) else (place,)), ...))  # one that tells

    def dot(self, other: Any, out: Any = None) -> Any:
        return np.dot(self, other, out=out)

    def _tell(self, name: str, inputs: Any, result: Any, *out: Any) -> Any:
        """The result as one that tells, or `out` where that was given."""
        made = out[0] if out else _telling(result)
        writes = [each for each in leaves(made) if isinstance(each, np.ndarray)]
        if Telling.flow is not None and writes:  # one that asks for a shape is none
            reads = [each for each in leaves(inputs) if isinstance(each, np.ndarray)]
            numbers = [f"{each:g}" for each in leaves(inputs) if isinstance(each, (int, float))]
            Telling.held += [*reads, *writes]
            Telling.flow.operation(" ".join([name, *numbers]), [*map(key, reads)], [*map(key, writes)])
        return made


def _telling(value: Any) -> Any:
    return mapped(value, lambda each: np.asarray(each).view(Telling), (np.ndarray, np.floating))


def _operations(driver: Callable[[Any, Any], Loop], fit: Any) -> Graph:
    quantities, flow = Quantities(fit.code, key), Flow(OPERATIONS)
    inputs, target, state = map(_telling, (fit.inputs, fit.target, fit.state))
    quantities.give({"inputs": inputs, "target": target, "state": state})
    run = driver(inputs, target)
    Telling.flow, Telling.held = flow, quantities.held
    try:
        with quantities.watched():
            after, loss = run(state, 1)
    finally:
        Telling.flow = None
    names = quantities.names
    parts = {key(one): f"part of {names[key(one.base)]}" for one in quantities.held if key(one.base) in names}
    return flow.graph(names, quantities.results(state, after, loss), parts)


def _tape(fit: Any) -> Graph | None:
    """Of a step that makes one, else None."""
    quantities, flow = Quantities(fit.code, key), Flow(TAPE)
    flow.notes.append(NOTE)
    quantities.give({"inputs": fit.inputs, "target": fit.target})
    last: list[Any] = []
    with quantities.watched(), _recorded(flow, quantities, last):
        fit.run(fit.state, 1)
    return flow.graph(quantities.names, {id(last[-1]): "loss"}, {}) if last else None


@contextmanager
def _recorded(flow: Flow, quantities: Quantities, made: list[Any]) -> Iterator[None]:
    """Tell of each node that autograd makes on a tape."""
    from autograd.core import VJPNode

    original = VJPNode.__init__

    def node(self: Any, value: Any, fun: Any, args: Any, kwargs: Any, argnums: Any, parents: Any) -> None:
        original(self, value, fun, args, kwargs, argnums, parents)
        rest = [each for place, each in enumerate(args) if place not in argnums]
        arrays = [each for each in rest if isinstance(each, np.ndarray)]
        numbers = [f"{each:g}" for each in rest if isinstance(each, (int, float)) and not isinstance(each, bool)]
        quantities.held += arrays
        flow.operation(" ".join([fun.__name__, *numbers]), [id(parent) for parent in parents], [id(self)], "", GRADIENT)
        for array in arrays:
            flow.link(key(array), id(self), VALUE)
        made.append(self)

    with replaced(VJPNode, "__init__", node):
        yield
