"""The bound: its derivatives, its horizon, and that it follows what rounding does, neither missing it nor loose."""

import mpmath
import numpy as np
import pytest

import impls
from bench.truth.bound import GROWTH, MARGIN, Bound
from bench.truth.oracle import oracle_of
from bench.truth.problem import Problem

VARIANTS = impls.variants()


def bound(variant: str, dtype: str = "float64", points: int = 2000, steps: int = 2000) -> Bound:
    return oracle_of(Problem(VARIANTS[variant], dtype, points, 0, steps)).bound


@pytest.mark.parametrize("variant", VARIANTS)
def test_jacobian_is_the_difference_quotient_of_the_exact_step(variant):
    exact = bound(variant, steps=400)
    state = exact.trajectory.states[300]
    (jacobian,), _ = exact.jacobians(exact.trajectory.floats[300][None])
    for j in range(len(state)):
        h = mpmath.mpf("1e-18") * max(1, abs(state[j]))
        moved = [[v + s * h * (i == j) for i, v in enumerate(state)] for s in (1, -1)]
        there, back = (exact.trajectory.step(values) for values in moved)
        quotient = np.array([float((p - q) / (2 * h)) for p, q in zip(there, back, strict=True)])
        assert jacobian[:, j] == pytest.approx(quotient, rel=1e-9, abs=1e-9 * np.abs(quotient).max())


@pytest.mark.parametrize("variant", ["manual", "custom_function", "nn"])
def test_gradient_descent_has_no_horizon(variant):
    assert bound(variant).horizon == 2000


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rmsprops_horizon_is_where_exact_runs_part(dtype):
    """A second exact run, begun a hair apart, is still a hair apart at the horizon and far away beyond it."""
    exact = bound("optim", dtype)
    assert 1000 < exact.horizon <= 1700
    hair = mpmath.mpf("1e-30")
    first, *states = exact.trajectory.states[: exact.horizon + 301]
    other, apart = (first[0] + hair, *first[1:]), []
    for state in states:
        other = exact.trajectory.step(other)
        apart.append(float(max(abs(p - q) for p, q in zip(state[:4], other[:4], strict=True)) / hair))
    assert max(apart[: exact.horizon]) < GROWTH
    assert max(apart[exact.horizon :]) > 1e6


def test_while_no_fit_stalls_the_bound_is_the_same_number_of_eps_in_both_dtypes():
    single, double = (bound("manual", dtype).state(300) / np.finfo(dtype).eps for dtype in ("float32", "float64"))
    assert single == pytest.approx(double, rel=0.5)


def test_rounding_simulated_step_by_step_stays_within_the_bound_and_near_what_is_expected():
    """The exact step, with each parameter rounded to float32 after it: what rounding alone does."""
    exact = bound("manual", "float32")
    state, worst = exact.trajectory.states[0], 0.0
    for t in range(1, 2001):
        state = tuple(mpmath.mpf(float(np.float32(float(value)))) for value in exact.trajectory.step(state))
        if t % 100 == 0:
            off = [float(abs(p - q)) for p, q in zip(state, exact.trajectory.states[t], strict=True)]
            worst = max(worst, *(off / exact.state(t)))
    assert 0.2 / MARGIN < worst < 3 / MARGIN
