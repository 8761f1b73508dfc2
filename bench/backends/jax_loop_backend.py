"""jax.jit with the loop inside: many steps in one compiled call, by `lax.fori_loop`."""

from typing import Any

from bench.backends.base import Loop, State, Step
from bench.backends.jax_backend import JaxBackend


class JaxLoopBackend(JaxBackend):
    name = "jax-loop"
    rung = 6

    def driver(self, step: Step, inputs: Any, target: Any, rate: float) -> Loop:
        import jax
        import jax.numpy as jnp

        @jax.jit
        def loop(state, inputs, target, steps):
            def body(_, carry):
                state, _ = carry
                return step(state, inputs, target, rate)

            return jax.lax.fori_loop(0, steps, body, (state, jnp.zeros((), target.dtype)))

        def run(state: State, steps: int) -> tuple[State, Any]:
            return loop(state, inputs, target, steps)

        return run


BACKEND = JaxLoopBackend()
