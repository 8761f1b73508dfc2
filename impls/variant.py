"""What a variant is, as data: its model in exact terms, its start and its optimiser. No framework is imported here."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

Numbers = Sequence[Any]  # four numbers of one kind: float, mpmath.mpf, or arrays that broadcast


@dataclass(frozen=True)
class Polynomial:
    """A model that is a polynomial in x, given by functions that work in any arithmetic.

    polynomial: (a, b, c, d) -> the coefficients of 1, x, x^2, x^3.
    jacobian: (a, b, c, d) -> rows k of columns j, the derivative of polynomial coefficient k by parameter j.
    equation: (a, b, c, d) -> the model as a reader would write it.
    oracle: the name of the class that supplies the truth of its fits; see bench.truth.oracle.Oracle.
    """

    polynomial: Callable[[Numbers], Numbers]
    jacobian: Callable[[Numbers], Sequence[Numbers]]
    equation: Callable[[Sequence[float]], str]
    oracle: ClassVar[str] = "bench.truth.polynomial:PolynomialOracle"


@dataclass(frozen=True)
class GradientDescent:
    """theta <- theta - rate * gradient. The rate is for 2000 points and scales as 2000 / points."""

    rate: float

    def rate_at(self, points: int) -> float:
        return self.rate * 2000 / points


@dataclass(frozen=True)
class RMSprop:
    """v <- smoothing v + (1 - smoothing) g^2; theta <- theta - rate g / (sqrt(v) + eps); v starts at 0."""

    rate: float
    smoothing: float
    eps: float

    def rate_at(self, points: int) -> float:
        return self.rate


@dataclass(frozen=True)
class Variant:
    """One way to write the fit.

    rung orders the variants from the plainest to the most assisted; shows says in one line what the variant is about;
    start maps a seed to the starting (a, b, c, d) in float64; matrix_product tells whether the sums over the points are
    matrix products, which add in another order than reductions do.
    """

    rung: int
    shows: str
    model: Polynomial
    start: Callable[[int], np.ndarray]
    optimiser: GradientDescent | RMSprop
    matrix_product: bool = False


def cubic_equation(parameters: Sequence[float]) -> str:
    a, b, c, d = (f"{value:.9g}" for value in parameters)
    return f"y = {a} + {b} x + {c} x^2 + {d} x^3".replace("+ -", "- ")


CUBIC = Polynomial(
    polynomial=lambda parameters: parameters,
    jacobian=lambda parameters: ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
    equation=cubic_equation,
)


def standard_normals(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(4)


def linear_layer(seed: int) -> np.ndarray:
    """Weight and bias of a layer with three inputs, uniform within 1/sqrt(3), as torch.nn.Linear draws them."""
    return np.random.default_rng(seed).uniform(-1 / math.sqrt(3), 1 / math.sqrt(3), 4)
