"""NumPy, with HIPS autograd in the variants that need derivatives. It runs on the CPU."""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.anatomy.graph import Graph
from bench.anatomy.iteration import Iteration
from bench.backends.base import Backend, Loop, Tuning, dtype_of, leaves


class NumpyBackend(Backend):
    name = "numpy"
    rung = 1
    packages = ("numpy",)
    extra = "numpy"
    fit = "numpy_fit"

    def unfit(self, device: str, dtype: str) -> str | None:
        return None if device == "cpu" else f"NumPy runs on the cpu, not on {device}"

    def start(self, threads: int) -> None:
        return None  # NumPy is what every worker imports first

    def devices(self) -> dict[str, str]:
        return {"cpu": "cpu"}

    def facts(self) -> dict[str, Any]:
        return {"threads": _threads(), "matmul_precision": "highest"}

    def place(self, array: np.ndarray | np.generic, device: str) -> Any:
        return array

    def iteration(self, fit: Any) -> Iteration:
        from bench.anatomy import numpy_operations

        return numpy_operations.operations(self._driver_of(fit), fit)

    def graph(self, fit: Any) -> list[Graph]:
        from bench.anatomy import numpy_graph

        fit.advance(1)  # an optimiser has nothing to tell before
        return [numpy_graph.graph(self._driver_of(fit), fit)]

    def _driver_of(self, fit: Any) -> Callable[[Any, Any], Loop]:
        """Of other data than the fit has, the loop over its steps."""
        rate, tuning = fit.problem.rate, Tuning.of(fit.code, fit.problem.points)
        return lambda inputs, target: self.driver(fit.code.step, inputs, target, rate, tuning)

    def floats(self, scalars: Any) -> list[float]:
        return [float(value) for value in scalars]

    def dtypes(self, value: Any) -> set[str]:
        return {dtype for leaf in leaves(value) if (dtype := dtype_of(leaf))}


def _threads() -> int | None:
    """NumPy's ufuncs run in one thread; only its matrix products thread, in BLAS. None where nothing tells how many."""
    if importlib.util.find_spec("threadpoolctl") is None:  # an environment of an older fitbench
        return None
    from threadpoolctl import threadpool_info

    return max((pool["num_threads"] for pool in threadpool_info()), default=1)


BACKEND = NumpyBackend()
