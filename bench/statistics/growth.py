"""How the time of an iteration grows with the points: a fixed overhead, and a time per point in each level of cache.

    t(N) = overhead + sum over levels of (time per point there) * (points of N that lie there)

A straight line in N within a level, continuous from one to the next, nothing of it negative. A level ends where the
working set no longer fits: at its bytes over (arrays * itemsize), where `arrays`, how many arrays of N numbers a case
goes through again and again, is 2 (x and y) at least, and what the figures at the measured sizes say. They may not say
it clearly: the intervals hold what the other numbers of arrays would give, by how likely they are.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy
from scipy import special

from bench.cases.case import AXES, Case
from bench.statistics.intervals import Interval
from bench.statistics.model import CONFIDENCE
from bench.statistics.piecewise import Array, Line, fit
from bench.support.errors import InputError

FEWEST = 3  # sizes
ARRAYS = (2, 4, 8, 16, 32)  # of N numbers in a working set
MEMORY = "memory"  # the level beyond all caches
BEYOND = 2.0  # how many times what was measured may be predicted
LACK = 0.05  # standard deviation of the log of what such a line leaves out: caches do not end sharply
STRAYING = 0.25  # the same of extrapolation, for each e-fold beyond what was measured
QUANTILE = (1 + CONFIDENCE) / 2


@dataclass(frozen=True)
class Level:
    """What a point takes in seconds between two sizes. names: of the caches whose sizes were measured and that have one
    slope, of which the last may be MEMORY; start: 0 in the first; end: infinite in the last.
    """

    names: tuple[str, ...]
    start: float
    end: float
    per_point: Interval

    @property
    def name(self) -> str:
        """ "L1d", or "L1d to L3"."""
        return " to ".join(dict.fromkeys((self.names[0], self.names[-1])))


@dataclass(frozen=True, eq=False)
class Growth:
    """How the seconds per iteration of a case grow with its size.

    case: that of the smallest size; sizes, figures: what was measured, smallest first; arrays: of N numbers in its
    working set, as far as the figures tell; overhead: seconds per iteration that do not depend on the points; levels:
    from small to large. Intervals are at 95 %. lines: by their probability, that of the overhead and the levels first.
    """

    case: Case
    sizes: Array
    figures: tuple[Interval, ...]
    arrays: int
    overhead: Interval
    levels: tuple[Level, ...]
    lines: tuple[tuple[float, Line], ...]

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
        return np.where(inside, np.exp(self._curve(sizes)[0]), math.nan)

    def log_error(self, points: npt.ArrayLike) -> Array:
        """The standard deviation of the log of what is predicted there; it grows beyond what was measured."""
        sizes = np.asarray(points, dtype=float)
        outside = np.log(np.maximum(np.maximum(self.sizes[0] / sizes, sizes / self.sizes[-1]), 1.0))
        return np.asarray(np.sqrt(self._curve(sizes)[1] + LACK**2 + (STRAYING * outside) ** 2))

    def _curve(self, sizes: Array) -> tuple[Array, Array]:
        """The log of what is predicted, and its variance but for what no line holds.

        Where a level ends between two sizes is not known, and it does not end sharply: halfway between the lines, by
        their probability, and the smooth curve through what they say of the sizes that were measured.
        """
        inside = np.log(np.clip(sizes, self.sizes[0], self.sizes[-1]))
        smooth = scipy.interpolate.PchipInterpolator(np.log(self.sizes), self._mean(self.sizes))(inside)
        half = (smooth - self._mean(np.exp(inside))) / 2
        middle = self._mean(sizes)
        known = sum(
            weight * (line.log_variance(sizes) + (np.log(line.values(sizes)) - middle) ** 2)
            for weight, line in self.lines
        )
        return middle + half, np.asarray(known + half**2)

    def _mean(self, sizes: Array) -> Array:
        """Of the logs of the lines."""
        return np.asarray(sum(weight * np.log(line.values(sizes)) for weight, line in self.lines))

    @property
    def reach(self) -> float:
        """How many standard deviations a 95 % interval reaches to either side."""
        return float(special.stdtrit(self.lines[0][1].df, QUANTILE))

    def predict(self, points: int) -> Interval:
        """Seconds per iteration at so many points, with the 95 % interval. Raises InputError for points that are beyond
        twice what was measured.
        """
        if not self.lowest <= points <= self.highest:
            measured = f"{self.case.backend} was measured at {self.sizes[0]:.0f} to {self.sizes[-1]:.0f}"
            allowed = f"{math.ceil(self.lowest)} to {self.highest:.0f}"
            raise InputError(f"{points} points: beyond what can be told, as {measured}; allowed: {allowed}")
        value, factor = float(self.seconds(points)), math.exp(self.reach * float(self.log_error(points)))
        return Interval(value, value / factor, value * factor)


def named_without(case: Case, *axes: str) -> tuple[Any, ...]:
    """What names a case on all axes but these."""
    return tuple(getattr(case, each.name) for each in AXES if each.name not in axes)


def growths(figures: Mapping[Case, Interval], caches: Mapping[str, int]) -> list[Growth]:
    """Of every case that has a figure at three sizes or more, in the order of the figures.

    caches: bytes by name of the cache of one core, as a record's Machine has them; a level that is not known has no
    slope of its own, and nor has one of a device that is not the cpu.
    """
    groups: dict[tuple[Any, ...], list[Case]] = {}
    for case in sorted(figures, key=lambda case: case.points):
        groups.setdefault(named_without(case, "points"), []).append(case)
    ordered = dict.fromkeys(named_without(case, "points") for case in figures)
    return [
        growth(each, [figures[case] for case in each], caches if each[0].device == "cpu" else {})
        for name in ordered
        if len(each := groups[name]) >= FEWEST
    ]


def growth(cases: Sequence[Case], figures: Sequence[Interval], caches: Mapping[str, int]) -> Growth:
    """Of one case, at its sizes from small to large, by its figures there. Raises ValueError for less than 3 sizes."""
    if len(cases) < FEWEST:
        raise ValueError(f"{len(cases)} sizes; expected {FEWEST} or more")
    sizes = np.array([case.points for case in cases], dtype=float)
    names = sorted(caches, key=lambda name: caches[name])
    fits = {}
    for arrays in ARRAYS if names else ARRAYS[:1]:
        held = arrays * np.dtype(cases[0].dtype).itemsize  # bytes a point
        fits[arrays] = fit(sizes, *_logs(figures), [caches[name] / held for name in names])
    likely = _probabilities(fits)
    best = max(likely, key=lambda arrays: likely[arrays])  # of equal ones the least
    lines = tuple((likely[arrays], fits[arrays]) for arrays in sorted(fits, key=lambda arrays: arrays != best))
    levels = _levels(lines, [*names, MEMORY])
    return Growth(cases[0], sizes, tuple(figures), best, _parameter(lines, 0), levels, lines)


def _logs(figures: Sequence[Interval]) -> tuple[Array, Array]:
    """Of figures, with the standard deviations of what lies between them and the line."""
    own = np.array([math.log(one.high / one.low) / (2 * special.ndtri(QUANTILE)) for one in figures])
    return np.log([one.value for one in figures]), np.hypot(np.nan_to_num(own, nan=LACK), LACK)


def _probabilities(fits: Mapping[int, Line]) -> dict[int, float]:
    """Of each number of arrays: by Schwarz's criterion of its line, and beforehand the less, the more they are."""
    least = min(line.criterion for line in fits.values())
    likely = {arrays: math.exp((least - line.criterion) / 2) / arrays for arrays, line in fits.items()}
    return {arrays: each / sum(likely.values()) for arrays, each in likely.items()}


def _parameter(lines: Sequence[tuple[float, Line]], place: int) -> Interval:
    """One of the first line, with an interval that holds those of all lines that have it."""
    best = lines[0][1]
    value = float(best.parameters[place])
    found = [(weight, line, i) for weight, line in lines if (i := _counterpart(best, line, place)) is not None]
    variance = sum(weight * (line.covariance[i, i] + (line.parameters[i] - value) ** 2) for weight, line, i in found)
    far = float(special.stdtrit(best.df, QUANTILE)) * math.sqrt(variance / sum(weight for weight, _, _ in found))
    return Interval(value, max(value - far, 0.0), value + far)


def _counterpart(one: Line, other: Line, place: int) -> int | None:
    """Which parameter of the other means the same: the overhead, or the slope of the same levels; None of none."""
    if place == 0:
        return 0
    held = one.held[place - 1]
    return other.held.index(held) + 1 if held in other.held else None


def _levels(lines: Sequence[tuple[float, Line]], names: Sequence[str]) -> tuple[Level, ...]:
    best = lines[0][1]
    ends = itertools.pairwise([0.0, *best.knots, math.inf])
    return tuple(
        Level(tuple(names[one] for one in held), *between, _parameter(lines, place))
        for place, (held, between) in enumerate(zip(best.held, ends, strict=True), 1)
    )


@dataclass(frozen=True)
class Crossing:
    """From how many points on another backend is faster. below, above: the faster one up to there, and from there on;
    points: with the 95 % interval, at both ends of which the two were told apart.
    """

    below: Case
    above: Case
    points: Interval


def crossings(lines: Sequence[Growth]) -> list[Crossing]:
    """Of every two backends of a variant, device and dtype: each size at which the faster one changes, within what was
    measured of both, where on either side of it the two are told apart.
    """
    groups: dict[tuple[Any, ...], list[Growth]] = {}
    for one in lines:
        groups.setdefault(named_without(one.case, "points", "backend"), []).append(one)
    pairs = itertools.chain.from_iterable(itertools.combinations(group, 2) for group in groups.values())
    return [found for one, other in pairs for found in _crossings(one, other)]


STEPS = 400  # of the sizes that are looked at


def _crossings(one: Growth, other: Growth) -> list[Crossing]:
    low, high = max(one.sizes[0], other.sizes[0]), min(one.sizes[-1], other.sizes[-1])
    if not low < high:
        return []
    sizes = np.geomspace(low, high, STEPS)
    apart = np.log(one.seconds(sizes) / other.seconds(sizes))
    error = np.hypot(one.log_error(sizes), other.log_error(sizes))
    told = np.flatnonzero(np.abs(apart) > max(one.reach, other.reach) * error)
    return [
        Crossing(
            *((one.case, other.case) if apart[a] < 0 else (other.case, one.case)),
            Interval(_root(sizes[a : b + 1], apart[a : b + 1]), float(sizes[a]), float(sizes[b])),
        )
        for a, b in itertools.pairwise(told.tolist())
        if apart[a] * apart[b] < 0
    ]


def _root(sizes: Array, values: Array) -> float:
    """Where values that end with another sign than they begin with have changed it first."""
    rising = np.maximum.accumulate(values * np.sign(values[-1]))
    return math.exp(float(np.interp(0.0, rising, np.log(sizes))))
