"""The user supplies the backward rule of one operation, P3; the framework differentiates the rest."""

from collections.abc import Sequence

import numpy as np

from impls.variant import GradientDescent, Numbers, Polynomial, Variant


def polynomial(parameters: Numbers) -> Numbers:
    """a + b P3(c + d x), P3(z) = (5 z^3 - 3 z) / 2, multiplied out in powers of x."""
    a, b, c, d = parameters
    return (
        a + b * (5 * c * c * c - 3 * c) / 2,
        b * d * (15 * c * c - 3) / 2,
        15 * b * c * d * d / 2,
        5 * b * d * d * d / 2,
    )


def jacobian(parameters: Numbers) -> Sequence[Numbers]:
    _, b, c, d = parameters
    return (
        (1, (5 * c * c * c - 3 * c) / 2, b * (15 * c * c - 3) / 2, 0),
        (0, d * (15 * c * c - 3) / 2, 15 * b * c * d, b * (15 * c * c - 3) / 2),
        (0, 15 * c * d * d / 2, 15 * b * d * d / 2, 15 * b * c * d),
        (0, 5 * d * d * d / 2, 0, 15 * b * d * d / 2),
    )


def equation(parameters: Sequence[float]) -> str:
    a, b, c, d = (f"{value:.9g}" for value in parameters)
    return f"y = {a} + {b} * P3({c} + {d} x)".replace("+ -", "- ")


VARIANT = Variant(
    rung=3,
    shows="the user supplies one backward rule",
    model=Polynomial(polynomial, jacobian, equation),
    start=lambda seed: np.array([0.0, -1.0, 0.0, 0.3]),
    optimiser=GradientDescent(rate=5e-6),
)
