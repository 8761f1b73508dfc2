"""The sums over the data on which every loss and gradient of a polynomial model depends, to 30 digits or more."""

from dataclasses import dataclass

import mpmath
import numpy as np

DIGITS = 40
DIRECT = 20_000  # points up to which the sums are taken in mpmath, one point after another
BLOCK = 1 << 16

mpmath.mp.dps = DIGITS


@dataclass(frozen=True)
class Sums:
    """x[k] = sum of x_i^k, xy[k] = sum of x_i^k y_i, yy = sum of y_i^2, as mpmath numbers; points is their count."""

    points: int
    x: list[mpmath.mpf]
    xy: list[mpmath.mpf]
    yy: mpmath.mpf

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, degree: int) -> "Sums":
        """The sums for models of the degree, from x and y of shape (points,); their values are taken as exact."""
        pair = (x.astype(np.float64), y.astype(np.float64))
        parts = [_direct(*pair, degree)] if len(x) <= DIRECT else _blocks(*pair, degree)
        total = [mpmath.fsum(column) for column in zip(*parts, strict=True)]
        return cls(len(x), total[: 2 * degree + 1], total[2 * degree + 1 : -1], total[-1])


def _direct(x: np.ndarray, y: np.ndarray, degree: int) -> list[mpmath.mpf]:
    xs, ys = ([mpmath.mpf(value) for value in column.tolist()] for column in (x, y))
    powers = [[mpmath.mpf(1)] * len(xs)]
    for _ in range(2 * degree):
        powers.append([power * value for power, value in zip(powers[-1], xs, strict=True)])
    return [*map(mpmath.fsum, powers), *(mpmath.fdot(powers[k], ys) for k in range(degree + 1)), mpmath.fdot(ys, ys)]


def _blocks(x: np.ndarray, y: np.ndarray, degree: int):
    """The same sums block by block in double-double arithmetic, about 31 digits of the sum of absolute values.

    Error-free transformations: T. J. Dekker, Numer. Math. 18 (1971); D. E. Knuth, TAOCP 2, 4.2.2.
    """
    for start in range(0, len(x), BLOCK):
        xs, ys = x[start : start + BLOCK], y[start : start + BLOCK]
        zeros = np.zeros_like(xs)
        powers = [(np.ones_like(xs), zeros)]
        for _ in range(2 * degree):
            powers.append(_times(powers[-1], xs))
        columns = [*powers, *(_times(powers[k], ys) for k in range(degree + 1)), _times((ys, zeros), ys)]
        yield [_total(*column) for column in columns]


def _two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a + b as the rounded sum and its error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _split(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a as two numbers of 26 bits each."""
    scaled = 134217729.0 * a  # 2^27 + 1
    high = scaled - (scaled - a)
    return high, a - high


def _times(pair: tuple[np.ndarray, np.ndarray], factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A double-double times a double."""
    high, low = pair
    product = high * factor
    (a, b), (c, d) = _split(high), _split(factor)
    error = ((a * c - product) + a * d + b * c) + b * d
    return _two_sum(product, error + low * factor)


def _total(high: np.ndarray, low: np.ndarray) -> mpmath.mpf:
    """The sum of double-doubles: halves are added pairwise, so that few roundings touch any number."""
    while len(high) > 1:
        odd = len(high) % 2
        half = len(high) // 2
        total, error = _two_sum(high[:half], high[half : 2 * half])
        error = error + (low[:half] + low[half : 2 * half])
        total, error = _two_sum(total, error)
        high = np.concatenate((total, high[2 * half :])) if odd else total
        low = np.concatenate((error, low[2 * half :])) if odd else error
    return mpmath.mpf(float(high[0])) + mpmath.mpf(float(low[0]))
