"""Decisions from numbers: faster, slower or the same beyond a threshold, or undecided, at stated error rates.

A process is one observation of a case. The two sides of an A/B run are paired by process and turn; of other runs
`sessions` makes estimates. With few processes a variance may be tiny by luck, so variances are moderated across the
cases (Smyth 2004, "Linear models and empirical Bayes methods", sections 3 and 6.2). On which side of the threshold a
case lies is said by one-sided tests of that case, which is where its own 90 % interval lies (of the same: Schuirmann
1987). Slower and faster ask more: that there is a change at all, by intervals that hold for all cases together
(Bonferroni).
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy
from scipy import special

from bench.statistics.intervals import Interval

Array = npt.NDArray[np.float64]
Ends = tuple[float, float]  # of an interval

FASTER, SLOWER, SAME, UNDECIDED = "faster", "slower", "same", "undecided"

CONFIDENCE = 0.95  # that no case of the table that did not change is called slower or faster
ERROR = 0.05  # of a one-sided test: the most of the cases at the threshold that are called the same, or else beyond it
POWER = 0.8
CHANCE = "beyond the threshold by itself, but among so many cases it may be chance"
FEWEST = 3  # cases whose variances say anything of each other
RESOLUTION = 1e-9  # relative; no standard deviation of timings is smaller
ALIKE = 1e-6  # a variance of log variances beyond chance: a prior of two million df, which is one variance for all


@dataclass(frozen=True)
class Decision:
    """What the data say of one case. ratio: new / old, with its interval for the whole table. smallest: the smallest
    slowdown, as a fraction of 1, that they would have shown with probability POWER; infinite where they would show
    none, for the `reason`. own: the ends of the interval of this case alone, at an error of ERROR each. processes: how
    many it was judged by, of the side that has fewer. more: about how many more would decide, where it is undecided and
    nothing but chance lies between; infinite if it lies at the threshold itself.
    """

    verdict: str
    ratio: Interval
    smallest: float
    reason: str | None = None
    own: Ends = (math.nan, math.nan)
    processes: int = 0
    more: float | None = None

    @property
    def decided(self) -> bool:
        return self.verdict != UNDECIDED


@dataclass(frozen=True)
class Estimates:
    """Of every case: the mean log(new / old), its standard error with the df of that, and the processes that it is of,
    on the side that has fewer. One process decides nothing: then the df are NaN. share: of the square of the error,
    what falls with the number of processes.
    """

    mean: Array
    error: Array
    df: Array
    processes: npt.NDArray[np.int_]
    share: Array


def paired(logs: Array, threshold: float) -> list[Decision]:
    """Decisions of log(new / old), cases x processes; NaN where a process lacks a case."""
    return decisions(_of_pairs(logs), threshold)


def moderated(variance: Array, df: Array) -> tuple[Array, Array]:
    """Variances with their df, each drawn to what all of them are like: Smyth (2004).

    His scaled F is fitted by the moments of log s^2: (d0 s0^2 + df s^2) / (d0 + df) has d0 + df, but no more than all
    the df there are. With fewer than FEWEST cases they are returned as they are.
    """
    known = df > 0
    if known.sum() < FEWEST:
        return variance, df
    d, e = df[known], _log_variances(variance[known], df[known])
    excess = float(np.var(e, ddof=1) - np.mean(special.polygamma(1, d / 2)))
    pooled = float(d.sum())
    if excess <= ALIKE:
        return np.full_like(variance, math.exp(float(e.mean()))), np.full_like(df, pooled)
    d0 = 2 * _inverse_trigamma(excess)
    s0 = math.exp(float(e.mean()) + float(special.digamma(d0 / 2)) - math.log(d0 / 2))
    return (d0 * s0 + df * variance) / (d0 + df), np.minimum(d0 + df, pooled)


def _log_variances(variance: Array, df: Array) -> Array:
    """Unbiased logs of what variances of so many df estimate; each has a variance of trigamma(df / 2)."""
    floor = max(1e-5 * float(np.median(variance)), RESOLUTION**2)  # no log of 0; the floor is limma's
    return np.asarray(np.log(np.maximum(variance, floor)) - special.digamma(df / 2) + np.log(df / 2))


def moderated_by_kind(variance: Array, df: Array, kinds: Sequence[Hashable]) -> tuple[Array, Array]:
    """The same where variances are of kinds that may differ as a whole: each is drawn to what its kind is like, and the
    kinds to what all are like, by the moments of the kinds' mean log variances.
    """
    scale = np.ones(len(variance))
    known = np.flatnonzero(df > 0)
    those = [kinds[i] for i in known.tolist()]
    names = {kind: i for i, kind in enumerate(dict.fromkeys(those))}
    places = np.array([names[kind] for kind in those], dtype=np.int64)
    if len(names) < FEWEST:
        return moderated(variance, df)
    e, counts = _log_variances(variance[known], df[known]), np.bincount(places)
    means = np.bincount(places, e) / counts
    within = float(np.sum((e - means[places]) ** 2) / max(len(e) - len(names), 1))
    noise = max(within, float(np.mean(special.polygamma(1, df[known] / 2)))) / counts
    between = max(0.0, float(np.var(means, ddof=1) - noise.mean()))
    scale[known] = np.exp((between / (between + noise) * (means - means.mean()))[places])
    found, more = moderated(variance / scale, df)
    return found * scale, more


def _inverse_trigamma(value: float) -> float:
    """x with trigamma(x) = value, which is positive; trigamma lies between 1/x and 1/x + 1/x^2."""
    low, high = 1 / value, (1 + math.sqrt(1 + 4 * value)) / (2 * value)
    return float(scipy.optimize.brentq(lambda x: float(special.polygamma(1, x)) - value, low, high))


def _mean(values: Array) -> tuple[Array, Array, Array]:
    """Of every row, without its NaN: the mean (NaN of nothing), the sum of squares about it, and the count."""
    there = np.isfinite(values)
    count = there.sum(axis=1).astype(float)
    total = np.where(there, values, 0).sum(axis=1)
    mean = np.divide(total, count, out=np.full(len(count), math.nan), where=count > 0)
    return mean, np.where(there, (values - mean[:, None]) ** 2, 0).sum(axis=1), count


def _of_pairs(logs: Array) -> Estimates:
    mean, squares, count = _mean(logs)
    df = np.maximum(count - 1, 0)
    variance, df = moderated(squares / np.maximum(df, 1), df)
    error = np.sqrt(variance / np.maximum(count, 1))
    return Estimates(mean, error, np.where(count > 1, df, math.nan), count.astype(int), np.ones_like(mean))


def decisions(found: Estimates, threshold: float) -> list[Decision]:
    """A change at one confidence for all cases together, how large it is by each case's own interval."""
    cases = max(int(np.isfinite(found.mean).sum()), 1)
    return _decided(found, threshold, (1 - CONFIDENCE) / 2 / cases, ERROR)


def judged(logs: Array, threshold: float, table: Array, own: Array, those: Sequence[int]) -> list[Decision]:
    """Decisions of log(new / old), cases x processes, about those rows, by what all of them vary by.

    At one-sided errors that are given for each case: `table` for a change at all, `own` for how large it is. Where they
    are NaN nothing is decided.
    """
    return _decided(_of_pairs(logs), threshold, table, own, those)


def _decided(
    found: Estimates,
    threshold: float,
    table: Array | float,
    own: Array | float,
    those: Sequence[int] | None = None,
) -> list[Decision]:
    wide, narrow = (-special.stdtrit(found.df, level) * found.error for level in (table, own))
    log_threshold = math.log1p(threshold)
    reach = np.maximum(wide, log_threshold + narrow) + special.stdtrit(found.df, POWER) * found.error
    return [
        _decision(
            found.mean[i],
            (found.mean[i] - wide[i], found.mean[i] + wide[i]),
            (found.mean[i] - narrow[i], found.mean[i] + narrow[i]),
            reach[i],
            int(found.processes[i]),
            float(found.share[i]),
            log_threshold,
        )
        for i in (range(len(found.mean)) if those is None else those)
    ]


def _decision(
    mean: float, wide: Ends, own: Ends, reach: float, processes: int, share: float, log_threshold: float
) -> Decision:
    """wide, own: the ends of the intervals for the whole table and for this case; reach: the smallest mean that would
    have been called slower with probability POWER; all in logs.
    """
    ratio = Interval(*map(_exp, (mean, *wide)))
    if math.isnan(wide[0]):
        few = "one process" if processes == 1 else f"{processes} processes, too few for a first look"
        unknown = "no turn is in both" if math.isnan(mean) else few
        return Decision(UNDECIDED, ratio, math.inf, unknown, processes=processes)
    verdict = _verdict(wide, own, log_threshold)
    more = _more(mean, wide, own, processes, share, log_threshold) if verdict == UNDECIDED else None
    beyond = own[0] > log_threshold or own[1] < -log_threshold
    reason = CHANCE if verdict == UNDECIDED and beyond else None
    return Decision(verdict, ratio, _exp(reach) - 1, reason, (_exp(own[0]), _exp(own[1])), processes, more)


def _more(mean: float, wide: Ends, own: Ends, processes: int, share: float, log_threshold: float) -> float:
    """About how many more processes would decide: that share of the square of an interval's width falls as their number
    grows, and may not be all that has to.

    Its own interval has to end before the threshold; where the mean lies beyond that, the wide one before no change.
    """
    beyond = abs(mean) - log_threshold
    left = (beyond / (own[1] - mean)) ** 2 if beyond else 0.0
    if beyond > 0:
        left = min(left, (mean / (wide[1] - mean)) ** 2)
    left -= 1 - share
    return max(1.0, math.ceil(processes * (share / left - 1))) if left > 0 else math.inf


def _exp(value: float) -> float:
    """Infinite where it is too large: with one df, t has no end."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _verdict(wide: Ends, own: Ends, log_threshold: float) -> str:
    if wide[0] > 0 and own[0] > log_threshold:
        return SLOWER
    if wide[1] < 0 and own[1] < -log_threshold:
        return FASTER
    return SAME if -log_threshold < own[0] and own[1] < log_threshold else UNDECIDED


def geometric_mean(logs: Array) -> Interval:
    """Of new / old over the cases, from log(new / old), cases x processes; its interval is of the processes that have
    all of them.
    """
    by_case, _, _ = _mean(logs)
    mean = float(_mean(by_case[None])[0][0])
    whole = _of_pairs(logs[:, np.isfinite(logs).all(axis=0)].mean(axis=0, keepdims=True))
    reach = float(-special.stdtrit(whole.df[0], (1 - CONFIDENCE) / 2) * whole.error[0])
    return Interval(*map(_exp, (mean, mean - reach, mean + reach)))
