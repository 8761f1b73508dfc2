"""The exact trajectory of a polynomial model: what every backend is held to, so that no backend is the reference.

Such a loss and its gradient need the data only through the sums of `bench.truth.sums`, and
one exact step costs the same for any number of points. The functions here work in any arithmetic: mpmath numbers
make the oracle, complex NumPy arrays give its derivatives.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import mpmath
import numpy as np

from bench.truth.oracle import State
from bench.truth.problem import Problem, Target, data
from bench.truth.sums import Sums
from impls.variant import GradientDescent, Momentum, Numbers, Optimiser, Polynomial, RMSprop


def dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    """The sum of products, leaving out the factors that are zero or one by construction."""
    total: Any = 0
    for p, q in zip(a, b, strict=True):
        if isinstance(p, int):
            if p == 0:
                continue
            total = total + (q if p == 1 else p * q)
        else:
            total = total + p * q
    return total


def loss(model: Polynomial, sums: Sums, parameters: Numbers) -> Any:
    """The sum of squared residuals: p'Xp - 2 p'(xy) + yy, for the polynomial's coefficients p."""
    p = model.polynomial(parameters)
    return dot(p, [dot(p, sums.x[k : k + len(p)]) - 2 * sums.xy[k] for k in range(len(p))]) + sums.yy


def gradient(model: Polynomial, sums: Sums, parameters: Numbers) -> list[Any]:
    """The derivative of the loss by each parameter: the chain rule through the polynomial's coefficients."""
    p = model.polynomial(parameters)
    slopes = [2 * (dot(p, sums.x[k : k + len(p)]) - sums.xy[k]) for k in range(len(p))]
    return [dot(column, slopes) for column in zip(*model.jacobian(parameters), strict=True)]


def update(problem: Problem, state: State, g: Sequence[Any], sqrt: Callable[[Any], Any], rate: Any) -> State:
    """The state after the optimiser has used the gradient g."""
    parameters, kept = state[: len(g)], state[len(g) :]
    optimiser: Optimiser = problem.variant.optimiser
    match optimiser:
        case GradientDescent():
            return _moved(parameters, rate, g)
        case Momentum():
            kept = tuple(problem.rounded(optimiser.momentum) * v + q for v, q in zip(kept, g, strict=True))
            return (*_moved(parameters, rate, kept), *kept)
        case RMSprop():
            # 1 - smoothing is taken in float64, as the libraries take it.
            keep, take = optimiser.smoothing, 1 - optimiser.smoothing
            kept = tuple(keep * v + take * (q * q) for v, q in zip(kept, g, strict=True))
            scaled = (rate * q / (sqrt(v) + optimiser.eps) for q, v in zip(g, kept, strict=True))
            return (*_moved(parameters, 1, scaled), *kept)


def _moved(parameters: Sequence[Any], rate: Any, by: Iterable[Any]) -> State:
    return tuple(p - rate * q for p, q in zip(parameters, by, strict=True))


def polynomial_of(problem: Problem) -> Polynomial:
    """Its model, which is a polynomial: this oracle knows no other."""
    assert isinstance(problem.variant.model, Polynomial)
    return problem.variant.model


def step(problem: Problem, sums: Sums, state: State) -> State:
    """One exact step from a state of mpmath numbers."""
    model = polynomial_of(problem)
    g = gradient(model, sums, state[: model.parameters])
    return update(problem, state, g, mpmath.sqrt, mpmath.mpf(problem.rate))


@cache  # most variants have the same data, of which many points take seconds
def _sums(target: Target, dtype: str, points: int, degree: int) -> Sums:
    return Sums.of(*data(target, dtype, points), degree=degree)


@dataclass(frozen=True)
class Trajectory:
    """The exact fit: states[t] after t steps and losses[t] in that state, for t from 0 to problem.steps."""

    problem: Problem
    sums: Sums
    states: list[State]
    losses: list[mpmath.mpf]

    @classmethod
    def of(cls, problem: Problem) -> "Trajectory":
        """The trajectory of the problem, all in mpmath at 40 digits."""
        model = polynomial_of(problem)
        sums = _sums(problem.variant.target, problem.dtype, problem.points, model.fewest_points - 1)
        state: State = tuple(mpmath.mpf(float(value)) for value in problem.start())
        if problem.variant.optimiser.keeps is not None:
            state += (mpmath.mpf(0),) * model.parameters
        states = [state]
        for _ in range(problem.steps):
            states.append(step(problem, sums, states[-1]))
        return cls(problem, sums, states, [loss(model, sums, state[: model.parameters]) for state in states])

    def loss(self, parameters: Sequence[float]) -> mpmath.mpf:
        """The exact loss of parameters that a backend found."""
        return loss(polynomial_of(self.problem), self.sums, [mpmath.mpf(value) for value in parameters])

    def step(self, state: Sequence[float]) -> State:
        """The exact step from a state that a backend was in: parameters, then what the optimiser keeps."""
        return step(self.problem, self.sums, tuple(mpmath.mpf(value) for value in state))

    @cached_property
    def optimum(self) -> tuple[list[mpmath.mpf], mpmath.mpf]:
        """The least-squares polynomial's coefficients and its loss: the best that any parameters can reach."""
        size = len(self.sums.xy)
        normal = mpmath.matrix([[self.sums.x[j + k] for j in range(size)] for k in range(size)])
        best = mpmath.lu_solve(normal, mpmath.matrix(self.sums.xy))
        return list(best), self.sums.yy - mpmath.fdot(best, self.sums.xy)

    @cached_property
    def floats(self) -> np.ndarray:
        """The states rounded to float64, shape (steps + 1, len(state))."""
        return np.array([[float(value) for value in state] for state in self.states])
