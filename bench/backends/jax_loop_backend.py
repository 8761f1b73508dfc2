"""jax.jit with the loop inside: many steps in one compiled call, by `lax.fori_loop`."""

from typing import Any

from bench.backends.base import PLAIN, Loop, State, Step, Tuning
from bench.backends.jax_backend import JaxBackend


class JaxLoopBackend(JaxBackend):
    name = "jax-loop"
    rung = 6
    extra_arguments = (1,)  # how many steps

    def driver(self, step: Step, inputs: Any, target: Any, rate: float, tuning: Tuning = PLAIN) -> Loop:
        import jax
        import jax.numpy as jnp

        def loop(state, inputs, target, steps):
            def body(_, carry):
                state, _ = carry
                return step(state, inputs, target, rate)

            return jax.lax.fori_loop(0, steps, body, (state, jnp.zeros((), target.dtype)))

        compiled = self.jitted(loop, target, tuning)

        def run(state: State, steps: int) -> tuple[State, Any]:
            return compiled(state, inputs, target, steps)

        return run


BACKEND = JaxLoopBackend()
