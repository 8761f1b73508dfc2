"""jax.jit: the step is one compiled function, called once a step from Python."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.anatomy import texts
from bench.anatomy.graph import Graph
from bench.anatomy.iteration import Iteration
from bench.backends.base import PLAIN, Backend, Loop, State, Step, Tuning, dtype_of

STEPS = ("jit_once", "jit_loop")  # as XLA names the functions that drivers jit
PLATFORMS = {"cpu": "cpu", "gpu": "cuda", "tpu": "tpu", "METAL": "mps"}  # as JAX says it: as users of fitbench do


class JaxBackend(Backend):
    name = "jax"
    rung = 5
    packages = ("jax",)
    extra = "jax"
    fit = "jax_fit"
    switches = ("JAX_DISABLE_JIT",)
    extra_arguments: tuple[Any, ...] = ()  # of the jitted function, after state, inputs and target

    def __init__(self) -> None:
        self.compiled = 0
        self.hits = 0
        self.function: Any = None  # that the last driver jitted
        self.client: Any = None  # of the device that the last driver's data lie on
        self.told: dict[str, Any] = {}

    def unfit(self, device: str, dtype: str) -> str | None:
        return "MPS has no float64" if device.startswith("mps") and dtype == "float64" else None

    def variables(
        self, device: str, dtype: str, threads: int, cache: str, given: Mapping[str, str]
    ) -> Mapping[str, str]:
        flags = [given.get("XLA_FLAGS", "")]
        if threads == 1:
            flags.append("--xla_cpu_multi_thread_eigen=false")
        return {
            "XLA_FLAGS": " ".join(flags).strip(),
            "PJRT_NPROC": str(threads),
            "JAX_ENABLE_X64": "1" if dtype == "float64" else "0",
            "JAX_DEFAULT_MATMUL_PRECISION": "highest",
            "JAX_COMPILATION_CACHE_DIR": cache,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",  # or nothing as small as a step would be kept
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        }

    def start(self, threads: int) -> None:
        import jax

        def on_duration(event: str, duration: float, **_: Any) -> None:
            self.compiled += event == "/jax/core/compile/backend_compile_duration"

        def on_event(event: str, **_: Any) -> None:
            self.hits += event == "/jax/compilation_cache/cache_hits"

        jax.monitoring.register_event_duration_secs_listener(on_duration)
        jax.monitoring.register_event_listener(on_event)

    def _devices(self) -> dict[str, Any]:
        import jax

        seen: dict[str, Any] = {}
        for device in jax.devices() + jax.devices("cpu"):
            kind = PLATFORMS.get(device.platform, device.platform)
            seen.setdefault(kind if device.id == 0 else f"{kind}:{device.id}", device)
        return seen

    def devices(self) -> dict[str, str]:
        return {name: device.device_kind for name, device in self._devices().items()}

    def facts(self) -> dict[str, Any]:
        import jax

        return {
            "threads": int(os.environ.get("PJRT_NPROC", os.cpu_count() or 1)),
            "matmul_precision": jax.config.jax_default_matmul_precision,
        }

    def warm_up(self, device: str) -> None:
        import jax

        jax.jit(lambda x: (x * x).sum())(self.place(np.ones(64, "float32"), device)).block_until_ready()

    def place(self, array: np.ndarray | np.generic, device: str) -> Any:
        import jax

        return jax.device_put(array, self._devices()[device])

    def settle(self, state: State, device: str) -> State:
        return self.place(state, device)

    def driver(self, step: Step, inputs: Any, target: Any, rate: float, tuning: Tuning = PLAIN) -> Loop:
        def once(state, inputs, target):  # the rate is a constant in it, not an argument of every call
            return step(state, inputs, target, rate)

        compiled = self.jitted(once, target, tuning)

        def run(state: State, steps: int) -> tuple[State, Any]:
            loss = None
            for _ in range(steps):
                state, loss = compiled(state, inputs, target)
            return state, loss

        return run

    def jitted(self, function: Any, target: Any, tuning: Tuning) -> Any:
        """A function of STEPS, to be compiled for where the target lies."""
        import jax

        self.client, self.told = target.device.client, self.compiler_options(target.device.platform, tuning)
        self.function = jax.jit(function, compiler_options=self.told)
        return self.function

    def synchronise(self, device: str, values: Any) -> None:
        import jax

        jax.block_until_ready(values)

    def floats(self, scalars: Any) -> list[float]:
        import jax

        return [float(value) for value in jax.device_get(tuple(scalars))]

    def dtypes(self, value: Any) -> set[str]:
        import jax

        found = {_dtype(leaf) for leaf in jax.tree.leaves(value)}
        return {dtype for dtype in found if dtype}

    def compilations(self) -> int | None:
        return self.compiled

    def generated(self) -> dict[str, str]:
        step = self._hlo()
        flags = {"XLA_FLAGS": os.environ.get("XLA_FLAGS", "")}
        told = texts.settings({**flags, **self.told})
        return {} if step is None else {"hlo": texts.hlo(step), "options": told}

    def _hlo(self) -> str | None:
        """The module of the step, as XLA optimised it; None before it has been compiled."""
        # XLA has the executable made last first; what was jitted beside a step has another name.
        alive = (module for one in self.client.live_executables() for module in one.hlo_modules())
        step = next((module for module in alive if module.name in STEPS), None)
        return None if step is None else step.to_string()

    def iteration(self, fit: Any) -> Iteration:
        from bench.anatomy import hlo_reading, llvm_reading

        found = hlo_reading.read(self.generated()["hlo"], fit.problem.points)
        widths = llvm_reading.summary(self._llvm(fit)) if fit.device == "cpu" else []
        return replace(found, notes=[*found.notes, *widths])

    def graph(self, fit: Any) -> list[Graph]:
        from bench.anatomy import jax_graph

        fit.advance(1)
        return jax_graph.graphs(self.function.__wrapped__, fit, self.extra_arguments, self._hlo())

    def _llvm(self, fit: Any) -> dict[str, str]:
        """What LLVM made of each kernel of the step: compiled once more, for XLA to write it down."""
        with tempfile.TemporaryDirectory() as folder:
            dump = {"xla_dump_to": folder, "xla_dump_hlo_as_text": True}
            lowered = self.function.lower(fit.state, fit.inputs, fit.target, *self.extra_arguments)
            lowered.compile(compiler_options={**self.told, **dump})
            files = sorted(Path(folder).glob("*.ir-with-opt.ll"))
            names = [file.name.split(".", 2)[2].removesuffix(".ir-with-opt.ll") for file in files]
            found = [file.read_text() for file in files]
            return {name.removesuffix("_kernel_module"): text for name, text in zip(names, found, strict=True)}

    def cache_hits(self) -> int | None:
        return self.hits


def _dtype(leaf: Any) -> str | None:
    import jax

    if isinstance(leaf, jax.Array):
        return leaf.dtype.name if jax.numpy.issubdtype(leaf.dtype, jax.numpy.inexact) else None
    return dtype_of(leaf)


BACKEND = JaxBackend()
