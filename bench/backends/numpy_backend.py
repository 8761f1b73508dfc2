"""NumPy, with HIPS autograd where a variant needs derivatives. It runs on the CPU."""

from typing import Any

import numpy as np

from bench.backend import Backend


class NumpyBackend(Backend):
    name = "numpy"
    rung = 1
    packages = ("numpy", "autograd")
    extra = "numpy"
    fit = "numpy_fit"

    def unfit(self, device: str, dtype: str) -> str | None:
        return None if device == "cpu" else f"NumPy runs on the cpu, not on {device}"

    def start(self, threads: int) -> None:
        import autograd  # noqa: F401  (its import is part of what this backend costs)

    def devices(self) -> dict[str, str]:
        return {"cpu": "cpu"}

    def facts(self) -> dict[str, Any]:
        # NumPy's ufuncs run in one thread; only its matrix products thread, in BLAS, which the environment limits.
        return {"threads": 1, "matmul_precision": "highest"}

    def place(self, array: np.ndarray | np.generic, device: str) -> Any:
        return array

    def floats(self, scalars: Any) -> list[float]:
        return [float(value) for value in scalars]


BACKEND = NumpyBackend()
