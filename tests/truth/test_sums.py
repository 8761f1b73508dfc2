"""The sums, against rational arithmetic; and the two ways of taking them against each other."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from bench.truth import sums
from bench.truth.sums import Sums


def exact(x: np.ndarray, y: np.ndarray) -> list[Fraction]:
    """x^0 .. x^6, x^0 y .. x^3 y, y^2, without any rounding."""
    xs, ys = ([Fraction(float(value)) for value in column] for column in (x, y))
    powers = [[value**k for value in xs] for k in range(7)]
    mixed = [sum(p * q for p, q in zip(powers[k], ys, strict=True)) for k in range(4)]
    return [*map(sum, powers), *mixed, sum(value * value for value in ys)]


def data(points: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(-np.pi, np.pi, points)
    return x, np.sin(x)


def digits(found: list[mpmath.mpf], expected: list[Fraction], sizes: list[float]) -> float:
    """Of the worst sum, relative to the sum of absolute values."""
    worst = max(
        abs(value - mpmath.mpf(truth.numerator) / truth.denominator) / size
        for value, truth, size in zip(found, expected, sizes, strict=True)
    )
    return float(-mpmath.log10(worst)) if worst else 40.0


def flat(found: Sums) -> list[mpmath.mpf]:
    return [*found.x, *found.xy, found.yy]


@pytest.mark.parametrize("points", [4, 333])
def test_direct_sums_are_exact_to_39_digits(points):
    x, y = data(points)
    sizes = [float(value) for value in exact(abs(x), abs(y))]
    assert digits(flat(Sums.of(x, y, 3)), exact(x, y), sizes) > 38.9


@pytest.mark.parametrize("points", [333, 1 << 10, 2049])
def test_blockwise_sums_hold_30_digits(monkeypatch, points):
    monkeypatch.setattr(sums, "DIRECT", 0)
    monkeypatch.setattr(sums, "BLOCK", 512)
    x, y = data(points)
    sizes = [float(value) for value in exact(abs(x), abs(y))]
    assert digits(flat(Sums.of(x, y, 3)), exact(x, y), sizes) > 30


def test_blockwise_sums_without_the_error_terms_do_not(monkeypatch):
    monkeypatch.setattr(sums, "DIRECT", 0)
    monkeypatch.setattr(sums, "_two_sum", lambda a, b: (a + b, 0 * a))
    x, y = data(333)
    sizes = [float(value) for value in exact(abs(x), abs(y))]
    assert digits(flat(Sums.of(x, y, 3)), exact(x, y), sizes) < 18


def test_both_ways_agree_where_one_takes_over_from_the_other(monkeypatch):
    x, y = data(sums.DIRECT)
    direct = flat(Sums.of(x, y, 3))
    monkeypatch.setattr(sums, "DIRECT", 0)
    for p, q, size in zip(direct, flat(Sums.of(x, y, 3)), flat(Sums.of(abs(x), abs(y), 3)), strict=True):
        assert abs(p - q) < 1e-30 * size
