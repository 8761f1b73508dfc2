"""How the time of an iteration grows with the points: a fixed overhead, and a time per point in each level of cache.

    t(N) = overhead + sum over levels of (time per point there) * (points of N that lie there)

A straight line in N within a level, continuous from one to the next, nothing of it negative. A level ends where the
working set no longer fits: at its bytes over (arrays * itemsize), where `arrays`, how many arrays of N numbers a case
goes through again and again, is 2 (x and y) at least, and what the figures at the measured sizes say. Fitted in logs to
the figures of the run's model, robustly (soft L1 of scipy), weighted by the figures' own intervals.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from bench.cases.case import AXES, Case
from bench.statistics.intervals import Interval
from bench.statistics.model import CONFIDENCE, Model
from bench.support.errors import InputError

Array = npt.NDArray[np.float64]

FEWEST = 3  # sizes
ARRAYS = (2, 4, 8, 16, 32)  # of N numbers in a working set: x and y are the least
MEMORY = "memory"  # the level beyond all caches
BEYOND = 2.0  # how many times what was measured may be predicted
LACK = 0.05  # standard deviation of the log of what is true about such a line: caches do not end sharply
STRAYING = 0.25  # the same by which extrapolation strays, for each e-fold beyond what was measured
TUNING = 2.0  # standard deviations from which a figure counts less
TRUST = 10.0  # df that the figures' own intervals are trusted with, beside how the figures lie about the line
Z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))


@dataclass(frozen=True)
class Level:
    """What a point takes in seconds between two sizes. name: of the cache whose sizes were measured, "L1d", or of
    several that have one slope, "L1d to L2"; the last one may be MEMORY. start: 0 in the first; end: infinite in the
    last.
    """

    name: str
    start: float
    end: float
    per_point: Interval


@dataclass(frozen=True, eq=False)
class Growth:
    """How the seconds per iteration of a case grow with its size.

    case: that of the smallest size; sizes, figures: what was measured, smallest first; arrays: of N numbers in its
    working set, as far as the figures tell; overhead: seconds per iteration that do not depend on the points; levels:
    from small to large. Intervals are at 95 %.
    """

    case: Case
    sizes: Array
    figures: tuple[Interval, ...]
    arrays: int
    overhead: Interval
    levels: tuple[Level, ...]
    _parameters: Array
    _covariance: Array
    _t: float

    @property
    def lowest(self) -> float:
        """The least points that are predicted."""
        return float(self.sizes[0]) / BEYOND

    @property
    def highest(self) -> float:
        """The most points that are predicted."""
        return float(self.sizes[-1]) * BEYOND

    def seconds(self, points: npt.ArrayLike) -> Array:
        """Per iteration, at so many points; NaN where nothing is predicted."""
        sizes = np.asarray(points, dtype=float)
        inside = (sizes >= self.lowest) & (sizes <= self.highest)
        return np.where(inside, self._design(sizes) @ self._parameters, math.nan)

    def log_error(self, points: npt.ArrayLike) -> Array:
        """The standard deviation of the log of what is predicted there; it grows beyond what was measured."""
        sizes = np.asarray(points, dtype=float)
        design = self._design(sizes)
        gradient = design / (design @ self._parameters)[..., None]
        known = np.einsum("...i,ij,...j->...", gradient, self._covariance, gradient)
        outside = np.log(np.maximum(np.maximum(self.sizes[0] / sizes, sizes / self.sizes[-1]), 1.0))
        return np.asarray(np.sqrt(known + LACK**2 + (STRAYING * outside) ** 2))

    def predict(self, points: int) -> Interval:
        """Seconds per iteration at so many points, with the 95 % interval. Raises InputError for points that are beyond
        twice what was measured.
        """
        if not self.lowest <= points <= self.highest:
            measured = f"measured were {self.sizes[0]:.0f} to {self.sizes[-1]:.0f} points of {self.case.backend}"
            raise InputError(
                f"{points} points: beyond what can be told; {measured}, "
                f"allowed: {math.ceil(self.lowest)} to {self.highest:.0f}"
            )
        value = float(self.seconds(points))
        reach = math.exp(self._t * float(self.log_error(points)))
        return Interval(value, value / reach, value * reach)

    def _design(self, sizes: Array) -> Array:
        return _design(sizes, [level.end for level in self.levels[:-1]])


@dataclass(frozen=True)
class Crossing:
    """From how many points on another backend is faster. below, above: the faster one up to there, and from there on;
    points: with the 95 % interval, both sides of which were measured, and are told apart.
    """

    below: Case
    above: Case
    points: Interval


def growths(model: Model[Case], caches: Mapping[str, int]) -> list[Growth]:
    """Of every case that a run timed at three sizes or more, in the order of the run.

    caches: bytes by name of the cache of one core, as a record's Machine has them; a level that is not known, or a
    device that is not the cpu, has no slope of its own.
    """
    groups: dict[tuple[Any, ...], dict[int, Case]] = {}
    for case in model.figures:
        groups.setdefault(_sizeless(case), {})[case.points] = case
    return [
        growth(
            [each[size] for size in sorted(each)],
            [model.figures[each[size]].net for size in sorted(each)],
            caches if next(iter(each.values())).device == "cpu" else {},
        )
        for each in groups.values()
        if len(each) >= FEWEST
    ]


def growth(cases: Sequence[Case], figures: Sequence[Interval], caches: Mapping[str, int]) -> Growth:
    """Of one case, at its sizes from small to large, by its figures there. Raises ValueError for less than 3 sizes."""
    if len(cases) < FEWEST:
        raise ValueError(f"{len(cases)} sizes; expected {FEWEST} or more")
    sizes = np.array([case.points for case in cases], dtype=float)
    itemsize = np.dtype(cases[0].dtype).itemsize
    ordered = sorted(caches, key=lambda name: caches[name])
    names = [*ordered, MEMORY]
    tried = {
        arrays: _cut(sizes, [caches[name] / (arrays * itemsize) for name in ordered])
        for arrays in (ARRAYS if ordered else ARRAYS[:1])
    }
    logs, error = _logs(figures)
    fits = {arrays: _fit(_design(sizes, knots), logs, error) for arrays, (knots, _) in tried.items()}
    arrays = min(fits, key=lambda one: fits[one].criterion)  # of equal ones the least
    (knots, held), best = tried[arrays], fits[arrays]
    each = [
        Interval(value, max(value - best.t * sd, 0.0), value + best.t * sd)
        for value, sd in zip(best.parameters.tolist(), np.sqrt(np.diag(best.covariance)).tolist(), strict=True)
    ]
    ends = [0.0, *knots, math.inf]
    levels = [
        Level(_named(names, each), *between, per_point)
        for each, between, per_point in zip(held, itertools.pairwise(ends), each[1:], strict=True)
    ]
    return Growth(
        cases[0], sizes, tuple(figures), arrays, each[0], tuple(levels), best.parameters, best.covariance, best.t
    )


def crossings(lines: Sequence[Growth]) -> list[Crossing]:
    """Of every two backends of a variant, device and dtype: each size at which the faster one changes, within what was
    measured of both, where on either side of it the two are told apart.
    """
    return [
        found
        for i, one in enumerate(lines)
        for other in lines[i + 1 :]
        if _sizeless(one.case, "backend") == _sizeless(other.case, "backend")
        for found in _crossings(one, other)
    ]


STEPS = 400  # of the sizes that are looked at


def _crossings(one: Growth, other: Growth) -> list[Crossing]:
    low, high = max(one.sizes[0], other.sizes[0]), min(one.sizes[-1], other.sizes[-1])
    if not low < high:
        return []
    sizes = np.geomspace(low, high, STEPS)
    apart = np.log(one.seconds(sizes) / other.seconds(sizes))
    told = np.flatnonzero(
        np.abs(apart) > max(one._t, other._t) * np.hypot(one.log_error(sizes), other.log_error(sizes))
    )
    found = []
    for a, b in zip(told[:-1].tolist(), told[1:].tolist(), strict=True):
        if apart[a] * apart[b] < 0:
            log = float(np.interp(0.0, *_rising(apart[a : b + 1], np.log(sizes[a : b + 1]))))
            below, above = (one, other) if apart[a] < 0 else (other, one)
            found.append(Crossing(below.case, above.case, Interval(math.exp(log), float(sizes[a]), float(sizes[b]))))
    return found


def _rising(values: Array, places: Array) -> tuple[Array, Array]:
    """Values that change their sign once in the end, made to rise; of what goes up and down, the outermost."""
    upward = values if values[-1] > 0 else -values
    return np.maximum.accumulate(upward), places


def _sizeless(case: Case, *without: str) -> tuple[Any, ...]:
    """What names a case, but its size."""
    return tuple(getattr(case, each.name) for each in AXES if each.name not in ("points", *without))


def _logs(figures: Sequence[Interval]) -> tuple[Array, Array]:
    """Of figures, with the standard deviations of what lies between them and the line."""
    logs = np.log([one.value for one in figures])
    own = np.array([math.log(one.high / one.low) / (2 * Z) for one in figures])
    return logs, np.hypot(np.nan_to_num(own, nan=LACK), LACK)


def _cut(sizes: Array, knots: Sequence[float]) -> tuple[list[float], list[list[int]]]:
    """The knots between levels that were measured, and of each stretch between them the places of its levels.

    A level without a size takes the slope of the next; the first one needs two sizes, for there is the overhead too.
    """
    places = np.searchsorted(knots, sizes).tolist()
    levels = [[place] for place in dict.fromkeys(places)]
    if places.count(places[0]) < 2 and len(levels) > 1:
        levels[:2] = [[*levels[0], *levels[1]]]
    return [knots[each[-1]] for each in levels[:-1]], levels


def _named(names: Sequence[str], held: Sequence[int]) -> str:
    return names[held[0]] if len(held) == 1 else f"{names[held[0]]} to {names[held[-1]]}"


def _design(sizes: Array, knots: Sequence[float]) -> Array:
    """Sizes x (one, and the points of each that lie in each stretch between the knots)."""
    starts, ends = np.array([0.0, *knots]), np.array([*knots, math.inf])
    inside = np.clip(sizes[..., None] - starts, 0.0, ends - starts)
    return np.concatenate([np.ones((*sizes.shape, 1)), inside], axis=-1)


@dataclass(frozen=True)
class _Fit:
    """criterion: Schwarz's, of which less is better; t: the reach of a 95 % interval, in standard deviations."""

    parameters: Array
    covariance: Array
    criterion: float
    t: float


def _fit(design: Array, logs: Array, error: Array) -> _Fit:
    """Not negative parameters of the logs, with the covariance of an M-estimator (Huber 1981, section 7.6), whose scale
    is drawn to what the errors say it is.
    """
    scale = (design / np.exp(logs)[:, None]).max(axis=0)  # so that each parameter is a share of the time
    scaled = design / scale
    weights = 1 / (error * np.exp(logs))
    start, _ = optimize.nnls(scaled * weights[:, None], np.exp(logs) * weights)
    solved = optimize.least_squares(
        lambda each: (np.log(scaled @ each) - logs) / error,
        np.maximum(start, 1e-9),
        lambda each: scaled / (scaled @ each)[:, None] / error[:, None],
        bounds=(0.0, math.inf),
        loss="soft_l1",
        f_scale=TUNING,
    )
    share = 1 + (solved.fun / TUNING) ** 2
    squares, slope = float((solved.fun**2 / share).sum()), float((share**-1.5).mean())
    spare = len(logs) - design.shape[1]
    variance = (TRUST + squares / slope**2) / (TRUST + spare)
    jacobian = scaled / (scaled @ solved.x)[:, None] / error[:, None]
    covariance = variance * np.linalg.pinv(jacobian.T @ jacobian)
    return _Fit(
        solved.x / scale,
        covariance / np.outer(scale, scale),
        2 * float(solved.cost) + design.shape[1] * math.log(len(logs)),
        float(stats.t.ppf((1 + CONFIDENCE) / 2, TRUST + spare)),
    )
