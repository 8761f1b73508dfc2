"""What a case pays before its second iteration, build and first call, at sizes between those that were measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import scipy

Array = npt.NDArray[np.float64]
Curve = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Before:
    """curve: seconds over points; off: the standard deviation of the log of a whole start, by the sizes left out."""

    curve: Curve
    off: float

    def seconds(self, points: npt.ArrayLike) -> Array:
        return self.curve(np.asarray(points, dtype=float))

    def error(self, start: float, points: npt.ArrayLike) -> Array:
        """The standard deviation of these seconds at sizes, beside a start of so many."""
        return self.off * (start + self.seconds(points))


def before(sizes: Array, seconds: Array, start: float) -> Before:
    """Through the seconds at rising sizes, paid on top of a start of so many.

    A line in the points, or from size to size, a power of them: the one that tells better what a start costs at each
    size when that is left out. Data are moved and features made in time that grows with the points; a compiler that
    makes code for a size may take longer for a small one than for a large one.
    """
    off = {kind: _left_out(kind, sizes, seconds, start) for kind in (_line, _between)}
    best = min(off, key=lambda kind: off[kind])
    return Before(best(sizes, seconds, start), off[best])


def _left_out(kind: Callable[[Array, Array, float], Curve], sizes: Array, seconds: Array, start: float) -> float:
    """The root of the mean square of the errors of the log of a whole start."""
    others = [np.arange(len(sizes)) != i for i in range(len(sizes))]
    told = [float(kind(sizes[rest], seconds[rest], start)(sizes[i : i + 1])[0]) for i, rest in enumerate(others)]
    errors = np.log((start + np.array(told)) / (start + seconds))
    return math.sqrt(float((errors**2).mean()))


def _line(sizes: Array, seconds: Array, start: float) -> Curve:
    """By least squares of the share of a whole start, neither part negative."""
    weights = 1 / (start + seconds)
    design = np.stack([np.ones_like(sizes), sizes / sizes[-1]], axis=1)
    (level, slope), _ = scipy.optimize.nnls(design * weights[:, None], seconds * weights)
    return partial(_on_line, float(level), float(slope / sizes[-1]))


def _on_line(level: float, slope: float, points: Array) -> Array:
    return level + slope * points


def _between(sizes: Array, seconds: Array, start: float) -> Curve:
    return partial(_interpolated, np.log(sizes), np.log(np.maximum(seconds, 1e-9)))


def _interpolated(sizes: Array, seconds: Array, points: Array) -> Array:
    """Both by their logs, but the points."""
    return np.asarray(np.exp(np.interp(np.log(points), sizes, seconds)))
