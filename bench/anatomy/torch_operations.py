"""The operators that eager PyTorch dispatches in a step, of all its parts; and what its profiler says."""

from collections.abc import Callable
from typing import Any

from bench.anatomy.iteration import Iteration, Tally, arrays_of, shares

STEPS = 4  # that are counted, after one that is not
KIND = "operators that PyTorch dispatches, autograd's and the optimiser's too"


def operations(advance: Callable[[int], Any], points: int) -> Iteration:
    """advance: makes so many steps."""
    from torch.utils._python_dispatch import TorchDispatchMode

    tally = Tally()

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            result = func(*args, **kwargs)
            if func.namespace == "profiler":
                return result
            read = {name: value for name, value in kwargs.items() if name != "out"}
            _tell(tally, func, tensors((args, read)), tensors((args, kwargs)), tensors(result), points)
            return result

    advance(1)
    with Counting():
        advance(STEPS)
    return tally.iteration(KIND, STEPS)


def _tell(tally: Tally, func: Any, read: list[Any], given: list[Any], made: list[Any], points: int) -> None:
    name = str(func.overloadpacket)
    if func.is_view:
        return tally.add(f"{name} (a view)", 0.0, 0.0, 0.0)
    there = {tensor.untyped_storage().data_ptr() for tensor in given}
    reads = sum({id(tensor): _arrays(tensor, points) for tensor in read}.values())
    new = [tensor for tensor in made if tensor.untyped_storage().data_ptr() not in there]
    return tally.add(
        name,
        reads,
        sum(_arrays(tensor, points) for tensor in made),
        sum(_arrays(tensor, points) for tensor in new),
    )


def _arrays(tensor: Any, points: int) -> float:
    """How many arrays of N a tensor is, as memory: a number that was expanded is none."""
    size = min(tensor.numel(), tensor.untyped_storage().nbytes() // tensor.element_size())
    return arrays_of(size, points)


def tensors(value: Any) -> list[Any]:
    """Those that nested values hold."""
    import torch
    from torch.utils._pytree import tree_leaves

    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def profile(advance: Callable[[int], Any], steps: int) -> dict[str, float]:
    """Where the seconds of so many steps go, as fractions, by PyTorch's profiler, which makes all of them slower."""
    import time

    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    advance(steps)
    with profiler(activities=[ProfilerActivity.CPU]) as found:
        begun = time.perf_counter()
        advance(steps)
        whole = time.perf_counter() - begun
    seconds = {"operators, with their kernels": 0.0, "autograd's engine": 0.0, "the optimiser": 0.0}
    for event in found.key_averages():
        taken = event.self_cpu_time_total / 1e6
        if event.key.startswith("aten::"):
            seconds["operators, with their kernels"] += taken
        elif event.key.startswith("Optimizer"):
            seconds["the optimiser"] += taken
        elif "autograd" in event.key or event.key.endswith(("Backward0", "AccumulateGrad")):
            seconds["autograd's engine"] += taken
    rest = max(whole - sum(seconds.values()), 0.0)
    return shares({**{name: each for name, each in seconds.items() if each}, "Python, and its calls of PyTorch": rest})


def graph_nodes(step: Callable[..., Any], *arguments: Any) -> int:
    """How many operators torch.compile sees in a step, autograd's written out, before it fuses any."""
    import torch
    from torch._dynamo.backends.common import aot_autograd
    from torch._functorch.aot_autograd import make_boxed_func

    count = 0

    def keep(graph: Any, _: Any) -> Any:
        nonlocal count
        count += sum(node.op == "call_function" for node in graph.graph.nodes)
        return make_boxed_func(graph.forward)

    torch.compiler.reset()
    torch.compile(step, backend=aot_autograd(fw_compiler=keep), fullgraph=True)(*arguments)
    return count
