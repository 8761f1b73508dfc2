"""Operations that frameworks tell of a step: against counts made by hand, of a step whose every operation is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.anatomy.iteration import Tally, shares
from bench.anatomy.numpy_operations import operations
from bench.anatomy.python_profile import profile
from bench.backends import backends

N = 50
# Per step: a x reads x and makes an array; - y reads two and makes one; r r reads one and makes one; r x two and one;
# each of the two sums reads one. Four products and differences of arrays are allocated.
EXPECTED = {"reads": 1 + 2 + 1 + 2 + 1 + 1, "writes": 4, "allocated": 4}


def step(state, inputs, target, rate):
    residual = state * inputs - target
    loss = (residual * residual).sum()
    return state - rate * (residual * inputs).sum(), loss


def wasteful(state, inputs, target, rate):
    return step(state, inputs * 1, target, rate)


def driver(step):
    def of(inputs, target):
        def run(state, steps):
            loss = None
            for _ in range(steps):
                state, loss = step(state, inputs, target, 1e-3)
            return state, loss

        return run

    return of


def numpy_fit():
    data = [np.linspace(-1, 1, N, dtype=np.float32) for _ in range(2)]
    return SimpleNamespace(inputs=data[0], target=data[1], state=np.float32(0.5), problem=SimpleNamespace(points=N))


def moved(iteration):
    return {
        "reads": sum(part.reads for part in iteration.parts),
        "writes": sum(part.writes for part in iteration.parts),
        "allocated": iteration.allocated,
    }


def test_numpy_tells_each_operation_on_arrays():
    found = operations(driver(step), numpy_fit())
    assert moved(found) == EXPECTED
    counts = {part.name: part.count for part in found.parts}
    assert counts == {"multiply": 3, "subtract": 1, "add.reduce": 2}  # those of numbers alone tell nothing


def test_a_needless_operation_shows():
    found = moved(operations(driver(wasteful), numpy_fit()))
    assert found == {name: value + 1 for name, value in EXPECTED.items()}


def test_a_view_moves_nothing_and_what_is_written_into_is_not_allocated():
    def into(state, inputs, target, rate):
        np.multiply(inputs.reshape(-1), state, out=target)
        np.dot(inputs, target)
        return state, target.sum()

    found = operations(driver(into), numpy_fit())
    assert moved(found) == {"reads": 1 + 2 + 1, "writes": 1, "allocated": 0}


def test_hips_autograd_computes_on_arrays_that_tell():
    autograd = pytest.importorskip("autograd")

    def loss(a, x, y):
        residual = a * x - y
        return (residual * residual).sum()

    gradient = autograd.grad(loss)
    found = operations(driver(lambda a, x, y, rate: (a - rate * gradient(a, x, y), loss(a, x, y))), numpy_fit())
    assert found.arrays > sum(EXPECTED[name] for name in ("reads", "writes"))


def test_torch_tells_the_same_of_the_same_step():
    torch = pytest.importorskip("torch")
    from bench.anatomy import torch_operations

    x, y = (torch.linspace(-1, 1, N) for _ in range(2))
    run, start = driver(step)(x, y), torch.tensor(0.5)
    found = torch_operations.operations(lambda steps: run(start, steps), N)
    assert moved(found) == EXPECTED
    assert {part.name: part.count for part in found.parts} == {
        "aten.mul": 4,
        "aten.sub": 2,
        "aten.sum": 2,
    }  # of numbers, too


def test_counts_are_of_one_step():
    tally = Tally()
    for _ in range(6):
        tally.add("multiply", 2, 1, 1)
    found = tally.iteration("", 3)
    assert [(part.count, part.reads, part.writes) for part in found.parts] == [(2, 4, 2)]
    assert (found.allocated, found.arrays, found.whole) == (2, 6, True)


def test_a_profile_names_who_takes_the_time():
    data = list(range(100_000))
    found = profile(lambda steps: [sorted(data, key=str) for _ in range(steps)], 1)
    assert next(iter(found)) == "built in: builtins.sorted" and sum(found.values()) == pytest.approx(1)


def test_shares_are_fractions():
    assert shares({"a": 1.0, "b": 3.0}) == {"b": 0.75, "a": 0.25}


def test_a_backend_without_an_account_of_its_iteration_says_so():
    base = next(iter(backends().values())).__class__.__mro__[-3]
    assert base.__name__ == "Backend"
    assert base.iteration(None, None).parts == []
