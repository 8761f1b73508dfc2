"""A line over sizes that bends at knots, in logs: an overhead, and a slope in each stretch, nothing of it negative.

Fitted robustly (soft L1 of scipy): a figure that lies far off counts less. The covariance is that of an M-estimator
(Huber 1981, "Robust Statistics", section 7.6), its scale drawn to what the figures' own errors say it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

Array = npt.NDArray[np.float64]

TUNING = 2.0  # standard deviations from which a figure counts less
NOTHING = 1e-6  # of a value: the solver comes no nearer to a bound
TRUST = 10.0  # df that the errors are trusted with, beside how the figures lie about the line


@dataclass(frozen=True, eq=False)
class Line:
    """knots: where it bends; held: of each stretch, the places of the levels whose sizes are in it; parameters: the
    overhead, and the slope of each stretch, with their covariance; criterion: Schwarz's, of which less is better; df:
    of the covariance.
    """

    knots: Sequence[float]
    held: Sequence[Sequence[int]]
    parameters: Array
    covariance: Array
    criterion: float
    df: float

    def values(self, sizes: Array) -> Array:
        return np.asarray(_design(sizes, self.knots) @ self.parameters)

    def log_variance(self, sizes: Array) -> Array:
        """Of the log of its values, from not knowing the parameters."""
        design = _design(sizes, self.knots)
        gradient = design / (design @ self.parameters)[..., None]
        return np.asarray(np.einsum("...i,ij,...j->...", gradient, self.covariance, gradient))


def fit(sizes: Array, logs: Array, error: Array, ends: Sequence[float]) -> Line:
    """Through logs at sizes from small to large, with their standard deviations; ends: of the levels, but the last."""
    knots, held = _cut(sizes, ends)
    design = _design(sizes, knots)
    scale = (design / np.exp(logs)[:, None]).max(axis=0)  # so that each parameter is a share of the value
    scaled = design / scale
    weights = np.exp(-logs) / error
    start, _ = scipy.optimize.nnls(scaled * weights[:, None], 1 / error)

    def gradient(each: Array) -> Array:
        return np.asarray(scaled / (scaled @ each * error)[:, None])

    solved = scipy.optimize.least_squares(
        lambda each: (np.log(scaled @ each) - logs) / error,
        np.maximum(start, 1e-9),
        gradient,
        bounds=(0.0, math.inf),
        loss="soft_l1",
        f_scale=TUNING,
    )
    jacobian, spare = gradient(solved.x), len(logs) - len(scale)
    covariance = _scale(solved.fun, spare) * np.linalg.pinv(jacobian.T @ jacobian) / np.outer(scale, scale)
    criterion = 2 * float(solved.cost) + len(scale) * math.log(len(logs))
    parameters = np.where(solved.x > NOTHING, solved.x, 0.0) / scale
    return Line(knots, held, parameters, covariance, criterion, TRUST + spare)


def _scale(residuals: Array, spare: int) -> float:
    """The variance of residuals that would be 1 if the errors were as said, without what lies far off."""
    share = 1 + (residuals / TUNING) ** 2
    squares, slope = float((residuals**2 / share).sum()), float((share**-1.5).mean())
    return (TRUST + squares / slope**2) / (TRUST + spare)


def _cut(sizes: Array, ends: Sequence[float]) -> tuple[list[float], list[list[int]]]:
    """The knots between levels that have sizes, and of each stretch between them the places of its levels.

    A level without a size takes the slope of the next; the first one needs two sizes, for there is the overhead too.
    """
    places = np.searchsorted(ends, sizes).tolist()
    levels = [[place] for place in dict.fromkeys(places)]
    if places.count(places[0]) < 2 and len(levels) > 1:
        levels[:2] = [[*levels[0], *levels[1]]]
    return [ends[each[-1]] for each in levels[:-1]], levels


def _design(sizes: Array, knots: Sequence[float]) -> Array:
    """Sizes x (one, and how much of each lies in each stretch between the knots)."""
    starts, ends = np.array([0.0, *knots]), np.array([*knots, math.inf])
    inside = np.clip(sizes[..., None] - starts, 0.0, ends - starts)
    return np.concatenate([np.ones((*sizes.shape, 1)), inside], axis=-1)
