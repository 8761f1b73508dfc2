"""The graph of a step in the HLO that XLA optimised: an instruction is a node, and a fusion one with what is in it."""

from collections.abc import Mapping, Sequence

from bench.anatomy.graph import Flow, Graph
from bench.anatomy.hlo_reading import Instruction, Module, about

HLO, BODY = "JAX: the HLO that XLA optimised", "JAX: the HLO that XLA optimised, the loop's body"
LOSS, DONE = "loss", "done"


def graph(text: str, arguments: Mapping[str, str]) -> Graph:
    """Of a module with its metadata. arguments: of the jitted function, in order, the name of each by how HLO calls it,
    as "state[0]"; the state comes first.
    """
    module = Module.of(text)
    state = [name for path, name in arguments.items() if path.startswith("state")]
    names = {one.name: _called(one, arguments) for one in module.step if one.operation == "parameter"}
    carried = _carried(module, arguments)
    flow = Flow(HLO if module.body is None else BODY)
    constants = {one.name for one in module.step if one.operation == "constant"}
    for one in module.step:
        if one.operation == "get-tuple-element" and one.operands[0] in names:  # of what the loop carries
            names[one.name] = carried[_index(one)]
        elif one.operation == "get-tuple-element":
            flow.operation(f"element {_index(one)}", one.operands, [one.name])
        elif _passes(one):
            flow.same(one.name, one.operands[0])
        elif one.operation not in ("parameter", "tuple", "constant"):
            text = about(one, module).removesuffix(" of ")  # of one that only looks at values otherwise
            flow.operation(text, [each for each in one.operands if each not in constants], [one.name])
    returned = carried if module.body is not None else [*state, LOSS]
    made = zip(module.step[-1].operands, returned, strict=True)
    results = {each: LOSS if name == LOSS else f"new {name}" for each, name in made if name in (*state, LOSS)}
    return flow.graph(names, results, {})


def _passes(one: Instruction) -> bool:
    """Whether it only hands on a value: also as a copy, if that is of one number."""
    return one.operation == "bitcast" or (one.operation == "copy" and "[]" in one.shape)


def _index(one: Instruction) -> int:
    return int(one.rest.rpartition("index=")[2].split(",")[0])


def _called(one: Instruction, arguments: Mapping[str, str]) -> str:
    """What an argument of the function is called; where HLO does not tell, as HLO calls it."""
    path = one.rest.rpartition('op_name="')[2].partition('"')[0]
    return arguments.get(path, path or one.name)


def _carried(module: Module, arguments: Mapping[str, str]) -> Sequence[str]:
    """The names of what the loop carries, in order: what begins as a constant is the count of steps, or the loss."""
    entry = {one.name: one for one in module.computations[module.entry]}
    loop = next((one for one in entry.values() if one.operation == "while"), None)
    names = []
    for operand in entry[loop.operands[0]].operands if loop is not None else []:
        one = entry[operand]
        while one.operation in ("copy", "bitcast"):
            one = entry[one.operands[0]]
        counts = one.shape.startswith("s")  # a whole number
        names.append(_called(one, arguments) if one.operation == "parameter" else DONE if counts else LOSS)
    return names
