"""The graph of a step of eager PyTorch: what autograd recorded when backward() is called, and what is dispatched.

Of a step that calls backward(), what it dispatches afterwards is shown; of any other, all that it dispatches.
"""

import sys
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from bench.anatomy.graph import GRADIENT, SAVED, Flow, Graph
from bench.anatomy.quantities import Quantities
from bench.anatomy.torch_operations import tensors
from bench.support.patching import replaced

TAPE = "PyTorch, eager: what autograd recorded, and the update"
DISPATCHED = "PyTorch, eager: autograd records nothing; the operators that are dispatched"
RECORDED, OUTSIDE = "recorded by autograd", "under no_grad: not recorded"


def graph(fit: Any) -> Graph:
    """Of one more step of a fit."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    step = _Step(fit)

    class Telling(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            step.dispatched(func, args, kwargs or {}, result)
            return result

    with Telling(), replaced(torch.Tensor, "backward", step.backward()), step.quantities.watched():
        after, loss = fit.run(fit.state, 1)
    return step.graph(after, loss)


class _Step:
    """What is told of one step, as it goes on."""

    def __init__(self, fit: Any) -> None:
        self.fit, self.quantities = fit, Quantities(fit.code, key, parts)
        self.quantities.give({"inputs": fit.inputs, "target": fit.target, "state": fit.state})
        self.flow, self.cluster, self.listening = Flow(DISPATCHED), "", True
        self.functions: list[Any] = []  # that autograd recorded, the first before those that it fed

    def backward(self) -> Any:
        """What takes the place of torch.Tensor.backward: with it the picture begins anew."""
        import torch

        original = torch.Tensor.backward

        def told(loss: Any, *arguments: Any, **options: Any) -> None:
            self.flow, self.functions = Flow(TAPE), _functions(loss.grad_fn)
            for function in self.functions:
                self._record(function)
            self.flow.same(key(loss), loss.grad_fn)
            self.listening = False
            original(loss, *arguments, **options)
            self.listening, self.cluster = True, self.flow.cluster(OUTSIDE)
            for leaf in self._parameters():
                self.quantities.held.append(leaf.grad)
                self.flow.same(key(leaf.grad), ("gradient", key(leaf)))

        return told

    def _record(self, function: Any) -> None:
        """A function of the tape, with what it keeps."""
        cluster = self.flow.cluster(RECORDED)
        if hasattr(function, "variable"):  # it ends here: the gradient is added to that of a parameter
            leaf = function.variable
            self.flow.operation("AccumulateGrad", [key(leaf)], [("gradient", key(leaf))], cluster, GRADIENT)
            return self.flow.same(function, ("gradient", key(leaf)))
        feeding = [each for each, _ in function.next_functions if each is not None]
        self.flow.operation(function.name(), feeding, [function], cluster, GRADIENT)
        for kept in _saved(function):
            self.quantities.held.append(kept)
            self.flow.link(kept.grad_fn or key(kept), function, SAVED)
        return None

    def _parameters(self) -> list[Any]:
        return [function.variable for function in self.functions if hasattr(function, "variable")]

    def dispatched(self, func: Any, args: Any, kwargs: Mapping[str, Any], result: Any) -> None:
        self.quantities.held += tensors((args, kwargs, result))
        reads = [key(one) for one in tensors((args, {name: each for name, each in kwargs.items() if name != "out"}))]
        writes = [key(one) for one in tensors(result)]
        idle = func.namespace == "profiler" or (func.is_view and {*writes} <= {*reads})  # as detach()
        if self.listening and not idle:
            text = " ".join([str(func.overloadpacket).removeprefix("aten."), *_numbers((args, kwargs))])
            self.flow.operation(text, reads, writes, self.cluster)

    def graph(self, after: Any, loss: Any) -> Graph:
        quantities = self.quantities
        results = quantities.results(self.fit.state, after, loss)
        names = quantities.names
        for one in tensors(quantities.held):
            if one.grad_fn is not None and key(one) in names:
                names.setdefault(one.grad_fn, names[key(one)])
        names |= {("gradient", key(leaf)): f"{names.get(key(leaf), '')}.grad" for leaf in self._parameters()}
        numbers = {key(one): f"{one.item():g}" for one in tensors(quantities.held) if one.numel() == 1}
        return self.flow.graph(names, results, numbers)


def key(value: Any) -> Hashable | None:
    """What a tensor is known by: its memory, as it sees it."""
    import torch

    if not isinstance(value, torch.Tensor):
        return None
    return value.untyped_storage().data_ptr(), value.storage_offset(), value.size(), value.stride()


def parts(value: Any) -> Mapping[str, Any] | None:
    """Of a module and of an optimiser, by name."""
    import torch

    if isinstance(value, torch.nn.Module):
        return dict(value.named_parameters())
    if isinstance(value, torch.optim.Optimizer):
        kept = [*value.state.values()]
        return {name: [each[name] for each in kept] for name in dict.fromkeys(name for each in kept for name in each)}
    return None


def _functions(last: Any) -> list[Any]:
    """All that autograd would go through from the last one, each behind those that fed it."""
    found: dict[Any, None] = {}

    def visit(function: Any) -> None:
        for each, _ in function.next_functions:
            if each is not None and each not in found:
                visit(each)
        found[function] = None

    visit(last)
    return [*found]


def _saved(function: Any) -> Iterator[Any]:
    """The tensors that a function keeps: an operator of PyTorch's by name, one of a user's own as they are."""
    import torch

    own = getattr(function, "saved_tensors", ())
    named = (getattr(function, name) for name in dir(function) if name.startswith("_saved_"))
    yield from (kept for kept in (*own, *named) if isinstance(kept, torch.Tensor))


def _numbers(value: Any) -> list[str]:
    """Those among the arguments; but for the end of a slice that has none, which is the largest there is."""
    from torch.utils._pytree import tree_leaves

    numbers = [leaf for leaf in tree_leaves(value) if isinstance(leaf, (int, float)) and not isinstance(leaf, bool)]
    return [f"{each:g}" for each in numbers if each != sys.maxsize]
