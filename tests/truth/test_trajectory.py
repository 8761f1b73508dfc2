"""The exact fit against answers that it did not compute: the notebook, closed forms, differences, sums over points."""

import mpmath
import numpy as np
import pytest

import impls
from bench.truth.problem import Problem
from bench.truth.trajectory import Trajectory, gradient, loss
from impls.variant import RMSprop

# The notebook that the suite grew out of: float64, `manual`, 2000 points; its last coefficients and its last loss.
NOTEBOOK_END = (0.006795945642563865, 0.8363390183640453, -0.0011724137083658841, -0.0904284071362911)
NOTEBOOK_LOSS = 9.298869683460017

VARIANTS = impls.variants()


def problem(variant: str, dtype: str = "float64", points: int = 2000, steps: int = 30) -> Problem:
    return Problem(VARIANTS[variant], dtype, points, 0, steps)


def normal_matrix(trajectory: Trajectory) -> mpmath.matrix:
    return mpmath.matrix([[trajectory.sums.x[j + k] for j in range(4)] for k in range(4)])


def undo(trajectory: Trajectory, end: tuple[float, ...]) -> list[mpmath.mpf]:
    """The coefficients one step of gradient descent earlier: solve (I - 2 rate X) before = after - 2 rate xy."""
    twice = 2 * mpmath.mpf(trajectory.problem.rate)
    right = [mpmath.mpf(value) - twice * xy for value, xy in zip(end, trajectory.sums.xy, strict=True)]
    return list(mpmath.lu_solve(mpmath.eye(4) - twice * normal_matrix(trajectory), mpmath.matrix(right)))


def test_one_exact_step_back_from_the_notebooks_end_gives_its_last_loss():
    trajectory = Trajectory.of(problem("manual", steps=1))
    before = [float(value) for value in undo(trajectory, NOTEBOOK_END)]  # in float64, as the notebook held them
    assert float(trajectory.loss(before)) == NOTEBOOK_LOSS


def test_the_step_forward_leads_to_the_notebooks_end_again():
    trajectory = Trajectory.of(problem("manual", steps=1))
    after = trajectory.step([float(value) for value in undo(trajectory, NOTEBOOK_END)])
    assert max(abs(p - q) for p, q in zip(after, NOTEBOOK_END, strict=True)) < 2 * np.finfo(float).eps


def test_the_optimum_is_the_least_squares_cubic():
    best, least = Trajectory.of(problem("manual", steps=1)).optimum
    assert [float(value) for value in best] == pytest.approx([0, 0.856740843, 0, -0.093330389], abs=1e-9)
    assert float(least) == pytest.approx(8.81716541, abs=1e-8)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_loss_is_the_sum_over_the_points(variant, dtype):
    trajectory = Trajectory.of(problem(variant, dtype, points=50, steps=3))
    x, y = (column.astype(float) for column in trajectory.problem.data())
    a, b, c, d = (float(value) for value in trajectory.states[2][:4])
    if variant == "custom_function":
        predicted = a + b * np.polynomial.legendre.Legendre([0, 0, 0, 1])(c + d * x)
    else:
        predicted = a + b * x + c * x**2 + d * x**3
    assert float(trajectory.losses[2]) == pytest.approx(np.sum((predicted - y) ** 2), rel=1e-13)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_is_the_difference_quotient_of_the_loss(variant):
    trajectory = Trajectory.of(problem(variant, points=50, steps=3))
    model, here, h = trajectory.problem.variant.model, trajectory.states[2][:4], mpmath.mpf("1e-15")
    for j, slope in enumerate(gradient(model, trajectory.sums, here)):
        there, back = ([v + s * h * (i == j) for i, v in enumerate(here)] for s in (1, -1))
        quotient = (loss(model, trajectory.sums, there) - loss(model, trajectory.sums, back)) / (2 * h)
        assert float(abs(quotient - slope)) < 1e-20 * (1 + float(abs(slope)))


@pytest.mark.parametrize("variant", ["manual", "autograd", "nn"])
def test_gradient_descent_follows_its_closed_form(variant):
    """The distance to the optimum after t steps is (I - 2 rate X)^t times that at the start."""
    trajectory = Trajectory.of(problem(variant, steps=1000))
    best, _ = trajectory.optimum
    contraction = mpmath.eye(4) - 2 * mpmath.mpf(trajectory.problem.rate) * normal_matrix(trajectory)
    start = mpmath.matrix([p - q for p, q in zip(trajectory.states[0], best, strict=True)])
    expected = contraction**1000 * start
    for k in range(4):
        assert abs(trajectory.states[1000][k] - best[k] - expected[k]) < mpmath.mpf("1e-30")


def test_rmsprop_follows_its_definition_point_by_point():
    trajectory = Trajectory.of(problem("optim", points=5, steps=40))
    x, y = ([mpmath.mpf(float(value)) for value in column] for column in trajectory.problem.data())
    theta = [mpmath.mpf(float(value)) for value in trajectory.problem.start()]
    v = [mpmath.mpf(0)] * 4
    optimiser = trajectory.problem.variant.optimiser
    assert optimiser == RMSprop(rate=1e-3, smoothing=0.99, eps=1e-8)
    for _ in range(40):
        residuals = [sum(t * p**k for k, t in enumerate(theta)) - q for p, q in zip(x, y, strict=True)]
        g = [sum(2 * r * p**k for r, p in zip(residuals, x, strict=True)) for k in range(4)]
        v = [mpmath.mpf(0.99) * s + (1 - mpmath.mpf(0.99)) * q**2 for s, q in zip(v, g, strict=True)]
        theta = [
            t - mpmath.mpf(0.001) * q / (mpmath.sqrt(s) + mpmath.mpf(1e-8)) for t, q, s in zip(theta, g, v, strict=True)
        ]
    assert max(abs(p - q) for p, q in zip(trajectory.states[40], theta + v, strict=True)) < mpmath.mpf("1e-34")


def test_every_backend_gets_the_same_bits_of_data_start_and_rate():
    single = problem("manual", "float32", points=100)
    x, y = single.data()
    assert x.dtype == y.dtype == single.start().dtype == np.float32
    assert np.array_equal(x, np.linspace(-np.pi, np.pi, 100).astype(np.float32))
    assert np.array_equal(y, np.sin(np.linspace(-np.pi, np.pi, 100)).astype(np.float32))
    assert single.rate == float(np.float32(1e-6 * 20))


def test_rates_scale_with_the_points_for_gradient_descent_only():
    assert problem("manual", points=500).rate == 4e-6
    assert problem("optim", points=500).rate == 1e-3
