"""What a variant is, as data: its model in exact terms, its target, its start, its optimiser. Imports no framework."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol, get_args

import numpy as np

Numbers = Sequence[Any]  # numbers of one kind, one a parameter: float, mpmath.mpf, or arrays that broadcast

NAMES = "abcdefghijklmnop"  # of the parameters, in order: a model has at most so many, and so many coefficients


class Model(Protocol):
    """What any model tells.

    oracle: the name of the class that supplies the truth of its fits; see bench.truth.oracle.Oracle.
    parameters: how many there are; fewest_points: how many points determine them.
    """

    oracle: ClassVar[str]

    @property
    def parameters(self) -> int: ...

    @property
    def fewest_points(self) -> int: ...

    @property
    def equation(self) -> Callable[[Sequence[float]], str]:
        """The model as a reader would write it, from its parameters."""


@dataclass(frozen=True)
class Polynomial:
    """A model that is a polynomial in x, given by functions of its parameters that work in any arithmetic.

    polynomial: the coefficients of 1, x, x^2, and so on.
    jacobian: rows k of columns j, the derivative of polynomial coefficient k by parameter j.
    equation, parameters, oracle: as of any Model.
    """

    polynomial: Callable[[Numbers], Numbers]
    jacobian: Callable[[Numbers], Sequence[Numbers]]
    equation: Callable[[Sequence[float]], str]
    parameters: int = 4
    oracle: ClassVar[str] = "bench.truth.polynomial:PolynomialOracle"

    @cached_property
    def fewest_points(self) -> int:
        """As many as it has coefficients."""
        return len(self.polynomial((1,) * self.parameters))


@dataclass(frozen=True)
class GradientDescent:
    """theta <- theta - rate * gradient. The rate is for 2000 points and scales as 2000 / points."""

    rate: float
    keeps: ClassVar[str | None] = None

    def rate_at(self, points: int) -> float:
        return self.rate * 2000 / points


@dataclass(frozen=True)
class Momentum:
    """v <- momentum v + g; theta <- theta - rate v; v starts at 0 (B. T. Polyak, 1964).

    Neither dampened nor Nesterov's. The rate scales as that of gradient descent.
    """

    rate: float
    momentum: float
    keeps: ClassVar[str | None] = "velocities"

    def rate_at(self, points: int) -> float:
        return self.rate * 2000 / points


@dataclass(frozen=True)
class RMSprop:
    """v <- smoothing v + (1 - smoothing) g^2; theta <- theta - rate g / (sqrt(v) + eps); v starts at 0."""

    rate: float
    smoothing: float
    eps: float
    keeps: ClassVar[str | None] = "second_moments"

    def rate_at(self, points: int) -> float:
        return self.rate


# keeps: the function of a fit file that tells what the optimiser keeps, a number a parameter; None if it keeps nothing.
Optimiser = GradientDescent | Momentum | RMSprop


@dataclass(frozen=True)
class Variant:
    """One way to write the fit. Raises ValueError for what no fit can be made of, in one line.

    rung orders the variants from the plainest to the most assisted; shows says in one line what the variant is about;
    start maps a seed to the starting parameters in float64, shape (parameters,); target maps x of shape (N,) to y, both
    in float64; lanes tells which sums over the points the libraries add in order, and in how many accumulators at the
    least, by the parameter of whose gradient they are (a matrix product has one), or as "loss"; all others are added
    pairwise or in short blocks, as plain reductions are.
    """

    rung: int
    shows: str
    model: Model
    start: Callable[[int], np.ndarray]
    optimiser: Optimiser
    lanes: Mapping[str, int] = field(default_factory=dict, hash=False)
    target: Callable[[np.ndarray], np.ndarray] = np.sin

    def __post_init__(self) -> None:
        if type(self.rung) is not int or not isinstance(self.shows, str):
            raise ValueError(f"rung {self.rung!r}, shows {self.shows!r}: expected a whole number and a text")
        _check_optimiser(self.optimiser)
        _check_lanes(self.lanes, (*NAMES[: self.model.parameters], "loss"))
        if isinstance(self.model, Polynomial):
            _check_polynomial(self.model)
        _check_numbers("start(0)", self.start(0), self.model.parameters)
        _check_numbers("target of 7 points", self.target(np.linspace(-math.pi, math.pi, 7)), 7)


def _check_optimiser(optimiser: Any) -> None:
    known = get_args(Optimiser)
    if not isinstance(optimiser, known):
        allowed = ", ".join(kind.__name__ for kind in known)
        raise ValueError(f"optimiser {type(optimiser).__name__}: unknown to the oracle; allowed: {allowed}")
    for name, value in vars(optimiser).items():
        below = math.inf if name == "rate" else 1
        if not 0 <= value < below or (name == "rate" and value == 0):
            raise ValueError(f"optimiser {type(optimiser).__name__}: {name} {value!r} is out of range")


def _check_lanes(lanes: Mapping[str, int], sums: Sequence[str]) -> None:
    for name, count in lanes.items():
        if name not in sums or type(count) is not int or count < 1:
            raise ValueError(f"lanes: {count!r} of {name!r}; allowed: whole numbers from 1, of {', '.join(sums)}")


def _check_polynomial(model: Polynomial) -> None:
    """The counts, and the derivatives at a point without symmetry, by complex steps."""
    if not 1 <= model.parameters <= len(NAMES):
        raise ValueError(f"model: {model.parameters} parameters; allowed: 1 to {len(NAMES)}")
    here, hair = np.random.default_rng(0).uniform(0.2, 0.9, model.parameters).tolist(), 1e-30
    rows, size = model.jacobian(here), model.fewest_points
    if not 1 <= size <= len(NAMES):
        raise ValueError(f"model: {size} coefficients of powers of x; allowed: 1 to {len(NAMES)}")
    if len(rows) != size or any(len(row) != model.parameters for row in rows):
        raise ValueError(f"model: `jacobian` is not of {size} rows, a coefficient each, and {model.parameters} columns")
    for j, name in enumerate(NAMES[: model.parameters]):
        moved = model.polynomial([value + 1j * hair * (i == j) for i, value in enumerate(here)])
        for k, value in enumerate(moved):
            if not math.isclose(complex(value).imag / hair, rows[k][j], rel_tol=1e-9, abs_tol=1e-12):
                raise ValueError(f"model: `jacobian` is not the derivative of the coefficient of x^{k} by {name}")


def _check_numbers(what: str, values: Any, count: int) -> None:
    numbers = np.asarray(values)
    if numbers.shape != (count,) or numbers.dtype != np.float64 or not np.isfinite(numbers).all():
        found = f"{numbers.dtype} of shape {numbers.shape}"
        raise ValueError(f"{what}: {found}; expected {count} finite numbers in float64")


def monomials(degree: int) -> Polynomial:
    """a + b x + c x^2 + ... up to a degree: the parameters are the coefficients."""
    identity = tuple(tuple(int(j == k) for j in range(degree + 1)) for k in range(degree + 1))
    return Polynomial(lambda parameters: parameters, lambda parameters: identity, _in_powers_of_x, degree + 1)


def _in_powers_of_x(parameters: Sequence[float]) -> str:
    powers = ["", " x", *(f" x^{k}" for k in range(2, len(parameters)))]
    terms = [f"{value:.9g}{power}" for value, power in zip(parameters, powers, strict=False)]
    return f"y = {' + '.join(terms)}".replace("+ -", "- ")


CUBIC = monomials(3)


def standard_normals(seed: int, count: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(count)


def linear_layer(seed: int, inputs: int = 3) -> np.ndarray:
    """Bias and weight of a layer, uniform within 1/sqrt(inputs), as torch.nn.Linear draws them."""
    return np.random.default_rng(seed).uniform(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs), inputs + 1)
