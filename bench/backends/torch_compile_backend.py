"""torch.compile: the whole step, forward, backward and update, in one graph, called once a step from Python."""

import shutil
import sys
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.anatomy import texts
from bench.anatomy.graph import Graph
from bench.anatomy.iteration import Iteration
from bench.backends.base import PLAIN, Backend, Loop, Step, Tuning
from bench.backends.torch_backend import TorchBackend

INDUCTOR = "inductor"  # begins the names of the texts that it wrote


class TorchCompileBackend(TorchBackend):
    name = "torch-compile"
    rung = 3
    fit = "torch_compile_fit"
    switches = ("TORCHDYNAMO_DISABLE", "TORCH_COMPILE_DISABLE")

    def missing(
        self, device: str, absent_here: Container[str], given: Mapping[str, str], needs: Iterable[str] = ()
    ) -> str | None:
        compiler = given.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
        if device == "cpu" and shutil.which(compiler) is None:
            install = "xcode-select --install" if sys.platform == "darwin" else "apt-get install g++"
            return (
                super().missing(device, absent_here, given, needs)
                or f"no C++ compiler ({compiler}), which torch.compile needs; {install}"
            )
        return super().missing(device, absent_here, given, needs)

    def variables(
        self, device: str, dtype: str, threads: int, cache: str, given: Mapping[str, str]
    ) -> Mapping[str, str]:
        return {
            **super().variables(device, dtype, threads, cache, given),
            "TORCHINDUCTOR_CACHE_DIR": cache,
            "TRITON_CACHE_DIR": str(Path(cache, "triton")),
            "TORCHINDUCTOR_COMPILE_THREADS": "1",  # no pool of compiler processes that would share our cores
        }

    def warm_up(self, device: str) -> None:
        import torch

        def warm(x):
            return (x * x).sum()

        torch.compile(warm, fullgraph=True, options=self.compiler_options(device))(torch.ones(64, device=device)).item()

    def driver(self, step: Step, inputs: Any, target: Any, rate: float, tuning: Tuning = PLAIN) -> Loop:
        import torch

        compiled = torch.compile(step, fullgraph=True, options=self.anew(target.device.type, tuning))
        return super().driver(compiled, inputs, target, rate)

    def anew(self, device: str, tuning: Tuning) -> dict[str, Any]:
        """Forget what was compiled for earlier fits. Returns the compiler's options for the next."""
        import torch

        torch.compiler.reset()
        self.device, self.told, self.earlier = device, self.compiler_options(device, tuning), len(_modules())
        return self.told

    def generated(self) -> dict[str, str]:
        found = [Path(module.__file__).read_text() for module in _modules()[self.earlier :]]
        if not found:
            return {}
        code = {f"{INDUCTOR}-{number}": texts.inductor(text) for number, text in enumerate(found, 1)}
        return {**code, "options": texts.settings({**_flags(self.device, self.told), **self.told})}

    def steps_written(self, tuning: Tuning) -> int:
        """How many times a step stands in the generated code."""
        return 1

    def iteration(self, fit: Any) -> Iteration:
        from bench.anatomy import inductor_reading, torch_operations

        code = "".join(text for name, text in self.generated().items() if name.startswith(INDUCTOR))
        steps = self.steps_written(Tuning.of(fit.code, fit.problem.points))
        found = inductor_reading.read(code, fit.problem.points, steps)
        nodes = torch_operations.graph_nodes(fit.code.step, fit.state, fit.inputs, fit.target, fit.problem.rate)
        return replace(found, notes=[f"made of {nodes} operators in the graph of a step", *found.notes])

    def graph(self, fit: Any) -> list[Graph]:
        from bench.anatomy import fx_graph

        tuning = Tuning.of(fit.code, fit.problem.points)

        def driver() -> Loop:
            return self.driver(fit.code.step, fit.inputs, fit.target, fit.problem.rate, tuning)

        return [fx_graph.graph(fit, driver)]

    profile = Backend.profile  # PyTorch's profiler sees no operators in it

    def compilations(self) -> int | None:
        return _counters()["stats"]["unique_graphs"]

    def graph_breaks(self) -> int | None:
        return sum(_counters()["graph_break"].values())

    def cache_hits(self) -> int | None:
        found = _counters()
        # The last is of code that is kept with its guards, for which Dynamo has nothing to compile.
        return (
            found["inductor"]["fxgraph_cache_hit"]
            + found["aot_autograd"]["autograd_cache_hit"]
            + found["dynamo_cache"]["dynamo_cache_hit"]
        )


def _counters() -> Any:
    from torch._dynamo.utils import counters

    return counters


def _modules() -> list[Any]:
    """What Inductor has loaded in this process, cold or from its cache: in the order in which it was."""
    codecache = sys.modules.get("torch._inductor.codecache")
    return [] if codecache is None else codecache.PyCodeCache.modules


def _flags(device: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the C++ compiler is told of the code that Inductor writes."""
    from torch._inductor import config
    from torch._inductor.cpp_builder import CppTorchDeviceOptions
    from torch._inductor.cpu_vec_isa import pick_vec_isa

    with config.patch(dict(told)):
        vectors = pick_vec_isa()
        built = CppTorchDeviceOptions(vec_isa=vectors, device_type=device)
    return {"C++ flags": " ".join(built.get_cflags()), "vectors": vectors}


BACKEND = TorchCompileBackend()
