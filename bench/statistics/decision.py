"""Decisions from numbers: faster, slower or the same beyond a threshold, or undecided, at stated error rates.

A process is one observation of a case. The two sides of an A/B run are paired by process and turn; other runs are two
samples. With few processes a variance may be tiny by luck, so variances are moderated across the cases (Smyth 2004,
"Linear models and empirical Bayes methods", sections 3 and 6.2). Slower and faster are said by intervals that hold for
all cases together (Bonferroni), the same by two one-sided tests of each case (Schuirmann 1987): it lies where the
case's own 90 % interval does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from bench.statistics.intervals import Interval

Array = npt.NDArray[np.float64]
# Cases x processes, NaN where a process lacks a case: log(new / old), or log seconds of old and of new.
Reading = tuple[Array] | tuple[Array, Array]
Ends = tuple[float, float]  # of an interval

FASTER, SLOWER, SAME, UNDECIDED = "faster", "slower", "same", "undecided"

CONFIDENCE = 0.95  # that no case of the table is called slower or faster than it is
SAME_ERROR = 0.05  # of either one-sided test: the most of the cases at the threshold that are called the same
POWER = 0.8
FEWEST = 3  # cases whose variances say anything of each other
RESOLUTION = 1e-9  # relative; no standard deviation of timings is smaller
ALIKE = 1e-6  # a variance of log variances beyond chance: a prior of two million df, which is one variance for all


@dataclass(frozen=True)
class Decision:
    """What the data say of one case. ratio: new / old, with its interval for the whole table. smallest: the smallest
    slowdown, as a fraction of 1, that they would have shown with probability POWER; infinite where they would show
    none, for the `reason`. own: the ends of the interval of this case alone, by which it is the same. processes: how
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
class _Sample:
    """Of every case: the mean log ratio, one observation's variance with its df, and the mean's variance over that.

    count: of the processes, of the side that has fewer. One decides nothing, whatever df other cases lend.
    """

    mean: Array
    variance: Array
    df: Array
    scale: Array
    count: npt.NDArray[np.int_]


def paired(logs: Array, threshold: float) -> list[Decision]:
    """Decisions of log(new / old), cases x processes; NaN where a process lacks a case."""
    return decisions([(logs,)], threshold)


def moderated(variance: Array, df: Array) -> tuple[Array, Array]:
    """Variances with their df, each drawn to what all of them are like: Smyth (2004).

    His scaled F is fitted by the moments of log s^2: (d0 s0^2 + df s^2) / (d0 + df) has d0 + df, but no more than all
    the df there are. With fewer than FEWEST cases they are returned as they are.
    """
    known = df > 0
    if known.sum() < FEWEST:
        return variance, df
    s2, d = variance[known], df[known]
    s2 = np.maximum(s2, max(1e-5 * float(np.median(s2)), RESOLUTION**2))  # no log of 0; the floor is limma's
    e = np.log(s2) - special.digamma(d / 2) + np.log(d / 2)
    excess = float(np.var(e, ddof=1) - np.mean(special.polygamma(1, d / 2)))
    pooled = float(d.sum())
    if excess <= ALIKE:
        return np.full_like(variance, math.exp(float(e.mean()))), np.full_like(df, pooled)
    d0 = 2 * _inverse_trigamma(excess)
    s0 = math.exp(float(e.mean()) + float(special.digamma(d0 / 2)) - math.log(d0 / 2))
    return (d0 * s0 + df * variance) / (d0 + df), np.minimum(d0 + df, pooled)


def _inverse_trigamma(value: float) -> float:
    """x with trigamma(x) = value, which is positive; trigamma lies between 1/x and 1/x + 1/x^2."""
    low, high = 1 / value, (1 + math.sqrt(1 + 4 * value)) / (2 * value)
    return float(optimize.brentq(lambda x: float(special.polygamma(1, x)) - value, low, high))


def _mean(values: Array) -> tuple[Array, Array, Array]:
    """Of every row, without its NaN: the mean (NaN of nothing), the sum of squares about it, and the count."""
    there = np.isfinite(values)
    count = there.sum(axis=1).astype(float)
    total = np.where(there, values, 0).sum(axis=1)
    mean = np.divide(total, count, out=np.full(len(count), math.nan), where=count > 0)
    return mean, np.where(there, (values - mean[:, None]) ** 2, 0).sum(axis=1), count


def _one(values: Array) -> _Sample:
    mean, squares, count = _mean(values)
    df = np.maximum(count - 1, 0)
    return _Sample(mean, squares / np.maximum(df, 1), df, 1 / np.maximum(count, 1), count.astype(int))


def two_samples(old: Array, new: Array) -> _Sample:
    """Of log seconds, cases x processes, of either run: the log ratio and its variance, pooled."""
    (first, squares, n), (second, others, m) = _mean(old), _mean(new)
    df = np.maximum(n + m - 2, 0)
    variance = (squares + others) / np.maximum(df, 1)
    scale = 1 / np.maximum(n, 1) + 1 / np.maximum(m, 1)
    return _Sample(second - first, variance, df, scale, np.minimum(n, m).astype(int))


def _sample(reading: Reading) -> _Sample:
    return _one(*reading) if len(reading) == 1 else two_samples(*reading)


def decisions(readings: Sequence[Reading], threshold: float) -> list[Decision]:
    """Decisions of intervals that cover those of all readings; the ratio is that of the first.

    Several readings of the same cases are as the clock has it, relative to a yardstick, and so on: a machine may change
    its speed between two runs, and none of them tells how much that is for each case. A case of which a
    reading has no two processes of either side is judged without it.
    """
    samples = [_sample(reading) for reading in readings]
    cases = max(int(np.isfinite(samples[0].mean).sum()), 1)
    return _decided(samples, threshold, (1 - CONFIDENCE) / 2 / cases, SAME_ERROR)


def judged(logs: Array, threshold: float, table: Array, own: Array, those: Sequence[int]) -> list[Decision]:
    """Decisions of log(new / old), cases x processes, about those rows, by what all of them vary by.

    At one-sided errors that are given for each case: `table` for slower and faster, `own` for the same. Where they are
    NaN nothing is decided.
    """
    return _decided([_one(logs)], threshold, table, own, those)


def _decided(
    samples: Sequence[_Sample],
    threshold: float,
    table: Array | float,
    own: Array | float,
    those: Sequence[int] | None = None,
) -> list[Decision]:
    errors = [_standard_error(sample) for sample in samples]
    low, high, reach = _bounds(samples, errors, table)
    own_low, own_high, _ = _bounds(samples, errors, own)
    mean, count, log_threshold = samples[0].mean, samples[0].count, math.log1p(threshold)
    decided = [
        _decision(mean[i], (low[i], high[i]), (own_low[i], own_high[i]), reach[i], int(count[i]), log_threshold)
        for i in (range(len(mean)) if those is None else those)
    ]
    return decided if len(samples) == 1 else [replace(one, more=None) for one in decided]


def _bounds(
    samples: Sequence[_Sample], errors: Sequence[tuple[Array, Array]], level: Array | float
) -> tuple[Array, Array, Array]:
    """The ends of intervals that cover every sample's, and how far beyond a threshold the log ratio must be to show.

    level: the probability of missing the truth at either end.
    """
    each = [(-special.stdtrit(df, level), special.stdtrit(df, POWER), error) for error, df in errors]
    low = np.fmin.reduce([sample.mean - t * error for sample, (t, _, error) in zip(samples, each, strict=True)])
    high = np.fmax.reduce([sample.mean + t * error for sample, (t, _, error) in zip(samples, each, strict=True)])
    # Whichever sample is right, a change must show in the one that reads the least of it.
    apart = np.fmax.reduce([np.abs(sample.mean - samples[0].mean) for sample in samples])
    return low, high, apart + np.fmax.reduce([(t + power) * error for t, power, error in each])


def _standard_error(sample: _Sample) -> tuple[Array, Array]:
    """Of the mean, with its df; NaN of one process."""
    variance, df = moderated(sample.variance, sample.df)
    return np.sqrt(variance * sample.scale), np.where(sample.count > 1, df, math.nan)


def _decision(mean: float, wide: Ends, own: Ends, reach: float, processes: int, log_threshold: float) -> Decision:
    """wide, own: the ends of the intervals for the whole table and for this case, all in logs."""
    ratio = Interval(*map(_exp, (mean, *wide)))
    if math.isnan(wide[0]):
        few = "one process" if processes == 1 else f"{processes} processes, too few for a first look"
        reason = "no turn is in both" if math.isnan(mean) else few
        return Decision(UNDECIDED, ratio, math.inf, reason, processes=processes)
    verdict = _verdict(wide, own, log_threshold)
    more = _more(mean, wide, own, processes, log_threshold) if verdict == UNDECIDED else None
    smallest = _exp(log_threshold + reach) - 1
    return Decision(verdict, ratio, smallest, None, (_exp(own[0]), _exp(own[1])), processes, more)


def _more(mean: float, wide: Ends, own: Ends, processes: int, log_threshold: float) -> float:
    """About how many more processes would decide: the width of an interval falls as the root of their number.

    The interval that has to become so narrow is the wide one where the mean lies beyond the threshold, else its own.
    """
    beyond = abs(mean) - log_threshold
    half = (wide if beyond > 0 else own)[1] - mean
    return math.inf if beyond == 0 else max(1.0, _ceil(processes * ((half / beyond) ** 2 - 1)))


def _ceil(value: float) -> float:
    """Infinite where it is."""
    return math.ceil(value) if math.isfinite(value) else value


def _exp(value: float) -> float:
    """Infinite where it is too large: with one df, t has no end."""
    with np.errstate(over="ignore"):
        return float(np.exp(value))


def _verdict(wide: Ends, own: Ends, log_threshold: float) -> str:
    if wide[0] > log_threshold:
        return SLOWER
    if wide[1] < -log_threshold:
        return FASTER
    return SAME if -log_threshold < own[0] and own[1] < log_threshold else UNDECIDED


def geometric_mean(readings: Sequence[Reading]) -> Interval:
    """Of new / old over the cases; its interval is of the processes that have all of them."""
    samples = []
    for reading in readings:
        mean = _sample(reading).mean
        whole: Any = tuple(_whole(values) for values in reading)
        samples.append(replace(_sample(whole), mean=np.array([mean.mean()])))
    low, high, _ = _bounds(samples, list(map(_standard_error, samples)), (1 - CONFIDENCE) / 2)
    return Interval(*(_exp(values[0]) for values in (samples[0].mean, low, high)))


def _whole(values: Array) -> Array:
    """The means over the cases, as one row, of the processes that have every case."""
    return np.asarray(values[:, np.isfinite(values).all(axis=0)].mean(axis=0, keepdims=True))
