"""torch.compile: the whole step, forward, backward and update, in one graph, called once a step from Python."""

import shutil
import sys
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.backends.base import PLAIN, Loop, Step, Tuning
from bench.backends.torch_backend import TorchBackend


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

    def compiler_options(self, device: str, tuning: Tuning = PLAIN) -> dict[str, Any]:
        return dict(tuning.compiler_options)

    def warm_up(self, device: str) -> None:
        import torch

        def warm(x):
            return (x * x).sum()

        torch.compile(warm, fullgraph=True, options=self.compiler_options(device))(torch.ones(64, device=device)).item()

    def driver(self, step: Step, inputs: Any, target: Any, rate: float, tuning: Tuning = PLAIN) -> Loop:
        import torch

        torch.compiler.reset()
        options = self.compiler_options(target.device.type, tuning)
        compiled = torch.compile(step, fullgraph=True, options=options)
        return super().driver(compiled, inputs, target, rate)

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


BACKEND = TorchCompileBackend()
