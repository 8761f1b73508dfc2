"""Variants beyond our own: other numbers of parameters, another target, momentum; and what is refused, in one line."""

import re
import sys
import types
from dataclasses import dataclass, replace

import numpy as np
import pytest

import impls
from bench.backends.numpy_backend import NumpyBackend
from bench.cases import variants as cases
from bench.support.errors import InputError
from bench.truth.agreement import Agreement
from bench.truth.check import DisagreementError, check
from bench.truth.oracle import oracle_of
from bench.truth.problem import Problem
from bench.workers.fit import Fit
from impls.variant import CUBIC, NAMES, GradientDescent, Momentum, Polynomial, Variant, monomials, standard_normals

MOMENTUM = Variant(9, "momentum", CUBIC, standard_normals, Momentum(1e-7, 0.9))
BOTH = ("float32", "float64")


def powers(size: int) -> types.SimpleNamespace:
    """A fit of so many monomials, one vector of parameters."""

    def features(x):
        columns = [np.ones_like(x)]
        for _ in range(size - 1):
            columns.append(columns[-1] * x)
        return np.stack(columns, axis=1)

    def step(parameters, inputs, target, rate):
        residual = inputs @ parameters - target
        return parameters - rate * (2 * residual @ inputs), (residual * residual).sum()

    return types.SimpleNamespace(
        features=features, init=lambda start, _: np.array(start), step=step, coefficients=tuple
    )


def with_momentum(
    momentum: float = 0.9, take: float = 1.0, nesterov: bool = False, stale: bool = False
) -> types.SimpleNamespace:
    """The cubic of `powers` with momentum, right or with one thing made wrong."""
    fit = powers(4)

    def step(state, inputs, target, rate):
        parameters, velocity = state
        residual = inputs @ parameters - target
        gradient = 2 * residual @ inputs
        following = momentum * velocity + take * gradient
        used = velocity if stale else momentum * following + gradient if nesterov else following
        return (parameters - rate * used, following), (residual * residual).sum()

    return types.SimpleNamespace(
        features=fit.features,
        init=lambda start, _: (np.array(start), np.zeros_like(np.array(start))),
        step=step,
        coefficients=lambda state: tuple(state[0]),
        velocities=lambda state: tuple(state[1]),
    )


def held(variant: Variant, code: types.SimpleNamespace, dtype: str, steps: int = 500) -> Agreement:
    problem = Problem(variant, dtype, 2000, 0, steps)
    return check(
        oracle_of(problem), list(Fit(NumpyBackend(), code, "cpu", problem, list(problem.data())).checkpoints())
    )


def in_powers_of_x(size: int, rate: float, target=np.sin) -> Variant:
    start = lambda seed: standard_normals(seed, size)  # noqa: E731
    return Variant(9, "powers of x", monomials(size - 1), start, GradientDescent(rate), True, target)


def steepest(size: int) -> float:
    """A stable rate: the reciprocal of the largest eigenvalue of the Hessian at 2000 points."""
    features = powers(size).features(np.linspace(-np.pi, np.pi, 2000))
    return 1 / (2 * np.linalg.norm(features, 2) ** 2)


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("size", [1, 3, 8, len(NAMES)])
def test_any_number_of_parameters_is_held_to_the_oracle(size, dtype):
    assert held(in_powers_of_x(size, steepest(size), np.cos), powers(size), dtype).bound_fraction < 0.5


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("size", [3, 8, len(NAMES)])
def test_a_rate_off_by_one_per_cent_is_caught_whatever_their_number(size, dtype):
    variant = in_powers_of_x(size, steepest(size), np.cos)
    code = powers(size)
    right = code.step
    code.step = lambda parameters, inputs, target, rate: right(parameters, inputs, target, 1.01 * rate)
    with pytest.raises(DisagreementError, match=r"at step 1: .* expected .* got .* eps where"):
        held(variant, code, dtype)


def test_the_optimum_of_another_target_is_that_of_least_squares():
    variant = in_powers_of_x(3, steepest(3), np.cos)
    oracle = oracle_of(Problem(variant, "float64", 2000, 0, 10))
    x = np.linspace(-np.pi, np.pi, 2000)
    best, (least,), *_ = np.linalg.lstsq(powers(3).features(x), np.cos(x), rcond=None)
    assert float(oracle.least) == pytest.approx(least, rel=1e-12)
    assert [float(off) for off in oracle.off_optimum(best).values()] == pytest.approx([0, 0, 0], abs=1e-12)


def test_momentum_is_followed_in_closed_form():
    """For a quadratic loss (p - p*, v) moves by one matrix: (p, v) -> (p - rate (m v + H p), m v + H p)."""
    problem = Problem(MOMENTUM, "float64", 2000, 0, 300)
    features = powers(4).features(problem.data()[0])
    hessian, one, momentum = 2 * features.T @ features, np.eye(4), 0.9
    matrix = np.block([[one - problem.rate * hessian, -problem.rate * momentum * one], [hessian, momentum * one]])
    best = np.linalg.lstsq(features, problem.data()[1], rcond=None)[0]
    there = np.linalg.matrix_power(matrix, 300) @ np.concatenate([problem.start() - best, np.zeros(4)])
    exact = np.array([float(value) for value in oracle_of(problem).state(300)])
    assert exact[:4] == pytest.approx(there[:4] + best, rel=1e-9)
    assert exact[4:] == pytest.approx(there[4:], rel=1e-6)


@pytest.mark.parametrize("dtype", BOTH)
def test_a_fit_with_momentum_agrees(dtype):
    assert held(MOMENTUM, with_momentum(), dtype, 2000).bound_fraction < 0.5


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize(
    "wrong",
    [
        with_momentum(momentum=0.899),
        with_momentum(momentum=0.0),
        with_momentum(take=0.1),
        with_momentum(nesterov=True),
        with_momentum(stale=True),
    ],
    ids=["momentum off by 0.1 %", "none", "dampened", "Nesterov's", "stale"],
)
def test_a_wrong_momentum_is_caught(wrong, dtype):
    with pytest.raises(DisagreementError, match=r"at step [125]: .* expected .* got .* eps where"):
        held(MOMENTUM, wrong, dtype)


@dataclass(frozen=True)
class Adam:
    rate: float


WRONG = {
    "rung 'x', shows 'momentum': expected a whole number and a text": {"rung": "x"},
    "optimiser Adam: unknown to the oracle; allowed: GradientDescent, Momentum, RMSprop": {"optimiser": Adam(1e-3)},
    "optimiser Momentum: momentum 1.0 is out of range": {"optimiser": Momentum(1e-7, 1.0)},
    "optimiser GradientDescent: rate 0 is out of range": {"optimiser": GradientDescent(0)},
    "start(0): float64 of shape (3,); expected 4 finite numbers in float64": {
        "start": lambda seed: standard_normals(seed, 3)
    },
    "target of 7 points: float64 of shape (7,); expected 7 finite numbers in float64": {
        "target": lambda x: np.full_like(x, np.inf)
    },
    "target of 7 points: float32 of shape (7,); expected 7 finite numbers in float64": {
        "target": lambda x: x.astype("float32")
    },
    "model: 17 parameters; allowed: 1 to 16": {"model": monomials(16)},
    "model: 17 coefficients of powers of x; allowed: 1 to 16": {
        "model": Polynomial(lambda p: [p[0]] * 17, lambda p: [[1]] * 17, str, 1)
    },
    "model: `jacobian` is not the derivative of the coefficient of x^1 by a": {
        "model": Polynomial(lambda p: (p[0], p[0] * p[0]), lambda p: ((1,), (1,)), str, 1)
    },
    "model: `jacobian` is not of 4 rows, a coefficient each, and 4 columns": {
        "model": Polynomial(lambda p: p, lambda p: monomials(2).jacobian(p), str)
    },
}


@pytest.mark.parametrize(("message", "field"), WRONG.items(), ids=WRONG)
def test_what_no_fit_can_be_made_of_is_refused_by_name(message, field):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(MOMENTUM, **field)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its VARIANT is None; expected a Variant"),
        ("VARIANT = 3", "its VARIANT is 3; expected a Variant"),
        ("VARIANT = (", "SyntaxError: '(' was never closed (__init__.py, line 1)"),
        ("raise RuntimeError('one\\ntwo')", "RuntimeError: one"),
    ],
)
def test_a_folder_that_states_no_variant_is_named_in_one_line(tmp_path, monkeypatch, text, message):
    folder = tmp_path / "planted"
    folder.mkdir()
    (folder / "__init__.py").write_text(text)
    monkeypatch.setattr(impls, "__path__", [*impls.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "impls.planted", raising=False)
    with pytest.raises(InputError) as caught:
        cases.variants()
    assert str(caught.value) == f"impls/planted/__init__.py: {message}"
