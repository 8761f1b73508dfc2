"""torch.compile with the loop inside: many steps in one compiled call, by the `while_loop` operator."""

from typing import Any

from bench.backends.base import PLAIN, Loop, State, Step, Tuning
from bench.backends.torch_compile_backend import TorchCompileBackend


class TorchCompileLoopBackend(TorchCompileBackend):
    name = "torch-compile-loop"
    rung = 4

    def compiler_options(self, device: str, tuning: Tuning = PLAIN) -> dict[str, Any]:
        # On the CPU the loop is generated in C++: without it, Inductor writes it in Python, and that is 3 times slower.
        return {**({"cpp_wrapper": True} if device == "cpu" else {}), **tuning.compiler_options}

    def driver(self, step: Step, inputs: Any, target: Any, rate: float, tuning: Tuning = PLAIN) -> Loop:
        import torch
        from torch._higher_order_ops.while_loop import while_loop
        from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

        def loop(state, inputs, target, steps):
            leaves, structure = tree_flatten(state)

            def unfinished(done, loss, *leaves):
                return done < steps

            def body(done, loss, *leaves):
                state, loss = step(tree_unflatten(leaves, structure), inputs, target, rate)
                return done + 1, loss, *tree_leaves(state)

            start = (torch.zeros((), dtype=torch.int64), target.new_zeros(()), *leaves)
            _, loss, *leaves = while_loop(unfinished, body, start)
            return tree_unflatten(leaves, structure), loss

        compiled = torch.compile(loop, fullgraph=True, options=self.anew(target.device.type, tuning))

        def run(state: State, steps: int) -> tuple[State, Any]:
            return compiled(state, inputs, target, torch.tensor(steps))

        return run


BACKEND = TorchCompileLoopBackend()
