"""The graph of a step in JAX: the jaxpr that it traces; of a loop, that of its body."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from bench.anatomy import hlo_graph
from bench.anatomy.graph import Flow, Graph
from bench.anatomy.quantities import Quantities

JAXPR, BODY = "JAX: the jaxpr", "JAX: the jaxpr of the loop's body"
CALLS = ("jit", "pjit", "custom_jvp_call", "custom_vjp_call")  # primitives that are shown by what they call


def graphs(function: Callable[..., Any], fit: Any, arguments: tuple[Any, ...], hlo: str | None) -> list[Graph]:
    """The jaxpr, and the HLO of a compiled step where there is one.

    function: of (state, inputs, target, *arguments), as it was jitted; it is traced once more.
    """
    import jax

    quantities = Quantities(fit.code, key, parts)
    given = {"state": fit.state, "inputs": fit.inputs, "target": fit.target}
    with quantities.watched():  # as another function, or JAX would take what it traced before
        jaxpr = jax.make_jaxpr(lambda *values: function(*values))(*given.values(), *arguments).jaxpr
    paths = [name + jax.tree_util.keystr(path) for name in given for path, _ in _flat(given[name])]
    places, loop = dict(zip(paths, map(id, jaxpr.invars), strict=False)), _loop(jaxpr)
    names: dict[Hashable, str] = {var: path for path, var in places.items()}
    names |= quantities.names
    for inside, var in [] if loop is None else _inside(loop):
        names[id(var)] = names[id(inside)] = quantities.names.get(id(inside)) or names.get(id(var), "done")
    called = {path: names[var] for path, var in places.items()}
    state = sum(path.startswith("state") for path in paths)
    found = [_graph(jaxpr, names, state)]
    return found if hlo is None else [*found, hlo_graph.graph(hlo, called)]


def _flat(value: Any) -> Any:
    import jax

    return jax.tree_util.tree_flatten_with_path(value)[0]


def _loop(jaxpr: Any) -> Any:
    """The equation of the loop, or None."""
    return next((each for each in jaxpr.eqns if "body_jaxpr" in each.params), None)


def _inside(loop: Any) -> list[tuple[Any, Any]]:
    """The variables of a loop's body, and what it is given for them."""
    given = loop.invars[loop.params["cond_nconsts"] :]
    return list(zip(loop.params["body_jaxpr"].jaxpr.invars, given, strict=True))


def _graph(jaxpr: Any, names: Mapping[Any, str], count: int) -> Graph:
    """count: how many variables the state has; they come first, and in a loop after how many steps are done."""
    loop = _loop(jaxpr)
    state = jaxpr.invars[:count]
    if loop is not None:
        jaxpr = loop.params["body_jaxpr"].jaxpr
        state = jaxpr.invars[-1 - count : -1]
    flow = Flow(JAXPR if loop is None else BODY)
    _walk(flow, jaxpr, "")
    new = jaxpr.outvars[-1 - count : -1]
    results: dict[Hashable, str] = {
        id(after): f"new {names[id(before)]}" for before, after in zip(state, new, strict=True)
    }
    return flow.graph(names, {**results, id(jaxpr.outvars[-1]): "loss"}, {})


def _walk(flow: Flow, jaxpr: Any, cluster: str) -> None:
    """The equations of a jaxpr; of one that calls another, those of the other, as a cluster of its name."""
    for each in jaxpr.eqns:
        reads = [var for var in each.invars if not _is_literal(var)]
        if each.primitive.name in CALLS:
            closed = each.params.get("jaxpr", each.params.get("call_jaxpr"))
            inner = getattr(closed, "jaxpr", closed)
            for inside, var in zip(inner.invars, each.invars, strict=True):
                if not _is_literal(var):
                    flow.same(id(inside), id(var))
            _walk(flow, inner, flow.cluster(each.params.get("name") or inner.debug_info.func_name))
            for var, inside in zip(each.outvars, inner.outvars, strict=True):
                flow.same(id(var), id(inside))
        else:
            flow.operation(_text(each), [id(var) for var in reads], [id(var) for var in each.outvars], cluster)


def _text(equation: Any) -> str:
    """The primitive, with the numbers that it is given."""
    numbers = [f"{float(var.val):g}" for var in equation.invars if _is_literal(var)]
    numbers += [str(equation.params["y"])] if equation.primitive.name == "integer_pow" else []
    return " ".join([equation.primitive.name, *dict.fromkeys(numbers)])


def _is_literal(var: Any) -> bool:
    return hasattr(var, "val")  # a number that stands in the equation itself


def key(value: Any) -> Hashable | None:
    """What a traced value is known by: its variable in the jaxpr, whatever transformations it is seen through.

    Some versions of JAX do not tell: then the arguments of a step alone have names.
    """
    import jax

    if not isinstance(value, jax.core.Tracer):
        return None
    while isinstance(value, jax.core.Tracer):
        value = value.primal if hasattr(value, "primal") else getattr(value, "val", None)
    return None if value is None else id(value)


def parts(value: Any) -> Mapping[str, Any] | None:
    """Of a module, which is a dataclass, by name."""
    return vars(value) if hasattr(value, "__dataclass_fields__") else None
