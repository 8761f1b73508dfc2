"""The yardstick: what this machine can do, in loops that Numba compiles. It runs on the CPU."""

import sys
from collections.abc import Mapping
from typing import Any

from bench.anatomy import llvm_reading, texts
from bench.anatomy.graph import Graph
from bench.anatomy.iteration import Iteration, Part
from bench.backends.base import PLAIN, Loop, Step, Tuning
from bench.backends.numpy_backend import NumpyBackend


class NativeBackend(NumpyBackend):
    name = "native"
    rung = 7
    packages = ("numba",)
    extra = "native"
    fit = "native_fit"
    switches = ("NUMBA_DISABLE_JIT",)

    def __init__(self) -> None:
        self.compiled = 0
        self.function: Any = None  # that was compiled
        self.told: dict[str, Any] = {}
        self.dtype, self.earlier = "", 0  # of the fit that was built last, and what had been compiled before it
        self.made: set[str] = set()  # the dtypes of the fits for which this process compiled

    def unfit(self, device: str, dtype: str) -> str | None:
        return None if device == "cpu" else f"native runs on the cpu, not on {device}"

    def variables(
        self, device: str, dtype: str, threads: int, cache: str, given: Mapping[str, str]
    ) -> Mapping[str, str]:
        return {"NUMBA_NUM_THREADS": str(threads), "NUMBA_CACHE_DIR": cache}

    def start(self, threads: int) -> None:
        from numba.core import event

        backend = self

        class Compilations(event.Listener):
            """Of functions that others call, which are compiled with them, none is counted."""

            depth = 0

            def on_start(self, _: Any) -> None:
                self.depth += 1

            def on_end(self, _: Any) -> None:
                self.depth -= 1
                backend.compiled += self.depth == 0

        event.register("numba:compile", Compilations())

    def facts(self) -> dict[str, Any]:
        import numba

        return {"threads": numba.get_num_threads(), "matmul_precision": "highest"}

    def warm_up(self, device: str) -> None:
        import numba

        numba.njit(lambda x: x + x)(1.0)

    def driver(self, step: Step, inputs: Any, target: Any, rate: float, tuning: Tuning = PLAIN) -> Loop:
        self._forget(step, target.dtype.name)
        self.function, self.told = tuning.loop, self.compiler_options("cpu", tuning)
        return super().driver(step, inputs, target, rate, tuning)

    def _forget(self, step: Step, dtype: str) -> None:
        """What was compiled for earlier fits: one of another size pays for its own, as if it were the only one, and so
        is not given what this process itself has left on the disk.
        """
        from numba.core.dispatcher import Dispatcher

        if self.compiled > self.earlier:
            self.made.add(self.dtype)
        self.dtype, self.earlier = dtype, self.compiled
        found: list[Any] = [one for one in vars(sys.modules[step.__module__]).values() if isinstance(one, Dispatcher)]
        for one in found:
            (one._cache.disable if dtype in self.made else one._cache.enable)()
            one._reset_overloads()

    def _llvm(self) -> str:
        """What LLVM made of the loop, and of what it calls; Numba tells nothing of code that it found on the disk."""
        return "".join(self.function.inspect_llvm().values()) if self.compiled > self.earlier else ""

    def generated(self) -> dict[str, str]:
        found = self._llvm()
        return {"llvm": texts.llvm(found), "options": texts.settings(self.told)} if found else {}

    def iteration(self, fit: Any) -> Iteration:
        """Its one loop reads x and the target, once, and writes nothing of their length."""
        parts = [Part("loop over the points: forward, residual, five sums", reads=2.0)]
        return Iteration("loops, as the file has them", parts, 0.0, llvm_reading.summary({"loop": self._llvm()}))

    def graph(self, fit: Any) -> list[Graph]:
        note = "Numba compiles the loops of the file as they stand, and builds no graph of operations."
        return [Graph("native: no graph", [], [], notes=[note])]

    def compilations(self) -> int | None:
        return self.compiled

    def cache_hits(self) -> int | None:
        stats = getattr(self.function, "stats", None)  # none where Numba is switched off
        return 0 if stats is None else sum(stats.cache_hits.values())


BACKEND = NativeBackend()
