"""JAX without jit: each operation of the step is a call of its own."""

from typing import Any

from bench.anatomy.iteration import Iteration
from bench.backends.base import PLAIN, Backend, Loop, Step, Tuning
from bench.backends.jax_backend import JaxBackend


class JaxEagerBackend(JaxBackend):
    name = "jax-eager"
    rung = 8

    def driver(self, step: Step, inputs: Any, target: Any, rate: float, tuning: Tuning = PLAIN) -> Loop:
        return Backend.driver(self, step, inputs, target, rate, tuning)

    def compilations(self) -> int | None:
        return None  # its step is not compiled: only single operations are

    def cache_hits(self) -> int | None:
        return None

    def generated(self) -> dict[str, str]:
        return {}

    def iteration(self, fit: Any) -> Iteration:
        return Backend.iteration(self, fit)


BACKEND = JaxEagerBackend()
