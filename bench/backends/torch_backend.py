"""Eager PyTorch: one Python iteration a step."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bench.anatomy.graph import Graph
from bench.anatomy.iteration import Iteration
from bench.backends.base import Backend, dtype_of, leaves


class TorchBackend(Backend):
    name = "torch"
    rung = 2
    packages = ("torch",)
    extra = "torch"
    fit = "torch_fit"

    def unfit(self, device: str, dtype: str) -> str | None:
        return "MPS has no float64" if device.startswith("mps") and dtype == "float64" else None

    def variables(
        self, device: str, dtype: str, threads: int, cache: str, given: Mapping[str, str]
    ) -> Mapping[str, str]:
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}

    def start(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(threads)
        torch.set_float32_matmul_precision("highest")

    def devices(self) -> dict[str, str]:
        import torch

        seen = {"cpu": "cpu"}
        for index in range(torch.cuda.device_count()):
            seen["cuda" if index == 0 else f"cuda:{index}"] = torch.cuda.get_device_name(index)
        if torch.backends.mps.is_available():
            seen["mps"] = "Apple GPU"
        return seen

    def facts(self) -> dict[str, Any]:
        import torch

        return {"threads": torch.get_num_threads(), "matmul_precision": torch.get_float32_matmul_precision()}

    def warm_up(self, device: str) -> None:
        import torch

        torch.ones(1, device=device).sum().item()

    def place(self, array: np.ndarray | np.generic, device: str) -> Any:
        import torch

        return torch.as_tensor(np.asarray(array)).to(device)

    def synchronise(self, device: str, values: Any) -> None:
        import torch

        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        elif device.startswith("mps"):
            torch.mps.synchronize()

    def iteration(self, fit: Any) -> Iteration:
        from bench.anatomy import torch_operations

        return torch_operations.operations(fit.advance, fit.problem.points)

    def graph(self, fit: Any) -> list[Graph]:
        from bench.anatomy import torch_graph

        fit.advance(1)  # an optimiser has nothing to tell before
        return [torch_graph.graph(fit)]

    def profile(self, fit: Any, steps: int) -> dict[str, float]:
        from bench.anatomy import torch_operations

        return torch_operations.profile(fit.advance, steps)

    def floats(self, scalars: Any) -> list[float]:
        return [value.item() for value in scalars]

    def dtypes(self, value: Any) -> set[str]:
        import torch

        found = set[str | None]()
        for leaf in leaves(value, _parts):
            if not isinstance(leaf, torch.Tensor):
                found.add(dtype_of(leaf))
            elif leaf.is_floating_point() or leaf.is_complex():
                gradients = [leaf.grad] if leaf.is_leaf and leaf.grad is not None else []
                found |= {str(each.dtype).removeprefix("torch.") for each in (leaf, *gradients)}
        return {dtype for dtype in found if dtype}


def _parts(value: Any) -> Iterable[Any] | None:
    """What is computed with in a module or an optimiser. Its count of steps is none of that, nor its settings."""
    import torch

    if isinstance(value, torch.nn.Module):
        return [*value.parameters(), *value.buffers()]
    if isinstance(value, torch.optim.Optimizer):
        return [each for state in value.state.values() for name, each in state.items() if name != "step"]
    return None


BACKEND = TorchBackend()
