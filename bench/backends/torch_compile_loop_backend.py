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

    def steps_written(self, tuning: Tuning) -> int:
        return tuning.unroll + 1 if tuning.unroll > 1 else 1  # and the step of a second loop, for those that are left

    def driver(self, step: Step, inputs: Any, target: Any, rate: float, tuning: Tuning = PLAIN) -> Loop:
        import torch
        from torch._higher_order_ops.while_loop import while_loop
        from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

        def turns(state, loss, done, inputs, target, steps, each):
            """As many turns of so many steps each as there is room for."""
            leaves, structure = tree_flatten(state)

            def unfinished(done, loss, *leaves):
                return done + each <= steps

            def body(done, loss, *leaves):
                state, losses = tree_unflatten(leaves, structure), []
                for _ in range(each):
                    state, loss = step(state, inputs, target, rate)
                    losses.append(loss)
                # All are kept until the turn ends, or the compiler would not compute those that nobody looks at.
                return done + each, loss if each == 1 else torch.stack(losses), *tree_leaves(state)

            done, loss, *leaves = while_loop(unfinished, body, (done, loss, *leaves))
            return tree_unflatten(leaves, structure), loss, done

        def loop(state, inputs, target, steps):
            loss, done = target.new_zeros(()), torch.zeros((), dtype=torch.int64)
            if (each := tuning.unroll) > 1:
                state, losses, done = turns(state, target.new_zeros(each), done, inputs, target, steps, each)
                loss = losses[-1].clone()
            state, loss, _ = turns(state, loss, done, inputs, target, steps, 1)
            return state, loss

        compiled = torch.compile(loop, fullgraph=True, options=self.anew(target.device.type, tuning))

        def run(state: State, steps: int) -> tuple[State, Any]:
            return compiled(state, inputs, target, torch.tensor(steps))

        return run


BACKEND = TorchCompileLoopBackend()
