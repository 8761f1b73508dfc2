"""The counters that say a step is one graph, compiled once: that they count when it is not."""

import jax
import pytest
import torch

from bench.backends.jax_backend import JaxBackend
from bench.backends.torch_compile_backend import TorchCompileBackend


def test_a_torch_step_that_specialises_anew_is_counted():
    backend = TorchCompileBackend()
    double = torch.compile(lambda x, n: x * n, backend="eager", dynamic=False)
    double(torch.ones(3), 2)
    first = backend.compilations()
    double(torch.ones(3), 2)
    assert backend.compilations() == first
    double(torch.ones(4), 3)
    assert backend.compilations() == first + 1


def test_a_broken_torch_graph_is_counted_and_is_an_error_under_fullgraph():
    backend = TorchCompileBackend()

    def broken(x):
        x = x + 1
        torch._dynamo.graph_break()
        return x * 2

    before = backend.graph_breaks()
    torch.compile(broken, backend="eager")(torch.ones(3))
    assert backend.graph_breaks() == before + 1
    with pytest.raises(torch._dynamo.exc.Unsupported):
        torch.compile(broken, backend="eager", fullgraph=True)(torch.ones(5))


def test_a_jax_step_that_is_traced_anew_is_counted():
    backend = JaxBackend()
    backend.start(1)
    double = jax.jit(lambda x: x * 2)
    threes, fours = jax.numpy.ones(3), jax.numpy.ones(4)
    double(threes)
    first = backend.compilations()
    double(threes)
    assert backend.compilations() == first
    double(fours)
    assert backend.compilations() == first + 1
