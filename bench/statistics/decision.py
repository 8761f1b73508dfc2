"""Decisions from numbers: faster, slower or the same beyond a threshold, or undecided, all at one confidence.

A process is one observation of a case. The two sides of an A/B run are paired by process and turn; other runs are two
samples. With few processes a variance may be tiny by luck, so variances are moderated across the cases (Smyth 2004,
"Linear models and empirical Bayes methods", sections 3 and 6.2). Intervals hold for all cases together (Bonferroni).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from bench.statistics.intervals import Interval

Array = npt.NDArray[np.float64]
# Cases x processes, NaN where a process lacks a case: log(new / old), or log seconds of old and of new.
Reading = tuple[Array] | tuple[Array, Array]

FASTER, SLOWER, SAME, UNDECIDED = "faster", "slower", "same", "undecided"

CONFIDENCE = 0.95
POWER = 0.8
FEWEST = 3  # cases whose variances say anything of each other
RESOLUTION = 1e-9  # relative; no standard deviation of timings is smaller
ALIKE = 1e-6  # a variance of log variances beyond chance: a prior of two million df, which is one variance for all


@dataclass(frozen=True)
class Decision:
    """What the data say of one case. ratio: new / old. smallest: the smallest slowdown, as a fraction of 1, that they
    would have shown with probability POWER; infinite where they would show none, for the `reason`.
    """

    verdict: str
    ratio: Interval
    smallest: float
    reason: str | None = None


@dataclass(frozen=True)
class _Sample:
    """Of every case: the mean log ratio, one observation's variance with its df, and the mean's variance over that.

    several: whether it is of two processes or more, of either side. One decides nothing, whatever df other cases lend.
    """

    mean: Array
    variance: Array
    df: Array
    scale: Array
    several: npt.NDArray[np.bool_]


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
    return _Sample(mean, squares / np.maximum(df, 1), df, 1 / np.maximum(count, 1), count > 1)


def two_samples(old: Array, new: Array) -> _Sample:
    """Of log seconds, cases x processes, of either run: the log ratio and its variance, pooled."""
    (first, squares, n), (second, others, m) = _mean(old), _mean(new)
    df = np.maximum(n + m - 2, 0)
    variance = (squares + others) / np.maximum(df, 1)
    return _Sample(second - first, variance, df, 1 / np.maximum(n, 1) + 1 / np.maximum(m, 1), (n > 1) & (m > 1))


def _sample(reading: Reading) -> _Sample:
    return _one(*reading) if len(reading) == 1 else two_samples(*reading)


def decisions(readings: Sequence[Reading], threshold: float) -> list[Decision]:
    """Decisions of intervals that cover those of all readings; the ratio is that of the first.

    Several readings of the same cases are as the clock has it, relative to a yardstick, and so on: a machine may change
    its speed between two runs, and none of them tells how much that is for each case. A case of which a
    reading has no two processes of either side is judged without it.
    """
    samples = [_sample(reading) for reading in readings]
    mean, log_threshold = samples[0].mean, math.log1p(threshold)
    low, high, reach = _bounds(samples, max(int(np.isfinite(mean).sum()), 1))
    return [_decision(*row, log_threshold) for row in zip(mean, low, high, reach, strict=True)]


def _bounds(samples: Sequence[_Sample], cases: int) -> tuple[Array, Array, Array]:
    """The ends of intervals that cover every sample's, and how far beyond a threshold the log ratio must be to show."""
    each = [_reach(sample, cases) for sample in samples]
    low = np.fmin.reduce([sample.mean - t * error for sample, (t, _, error) in zip(samples, each, strict=True)])
    high = np.fmax.reduce([sample.mean + t * error for sample, (t, _, error) in zip(samples, each, strict=True)])
    # Whichever sample is right, a change must show in the one that reads the least of it.
    apart = np.fmax.reduce([np.abs(sample.mean - samples[0].mean) for sample in samples])
    return low, high, apart + np.fmax.reduce([(t + power) * error for t, power, error in each])


def _reach(sample: _Sample, cases: int) -> tuple[Array, Array, Array]:
    """t of the confidence and of the power, and the standard error of the mean; t is NaN where none is known."""
    variance, df = moderated(sample.variance, sample.df)
    df = np.where(sample.several, df, math.nan)
    t = stats.t.ppf(1 - (1 - CONFIDENCE) / 2 / cases, df)
    return t, stats.t.ppf(POWER, df), np.sqrt(variance * sample.scale)


def _decision(mean: float, low: float, high: float, reach: float, log_threshold: float) -> Decision:
    ratio = Interval(*map(_exp, (mean, low, high)))
    if math.isnan(low):
        reason = "no turn is in both" if math.isnan(mean) else "one process"
        return Decision(UNDECIDED, ratio, math.inf, reason)
    return Decision(_verdict(low, high, log_threshold), ratio, _exp(log_threshold + reach) - 1)


def _exp(value: float) -> float:
    """Infinite where it is too large: with one df, t has no end."""
    with np.errstate(over="ignore"):
        return float(np.exp(value))


def _verdict(low: float, high: float, log_threshold: float) -> str:
    if low > log_threshold:
        return SLOWER
    if high < -log_threshold:
        return FASTER
    return SAME if -log_threshold < low and high < log_threshold else UNDECIDED


def geometric_mean(readings: Sequence[Reading]) -> Interval:
    """Of new / old over the cases; its interval is of the processes that have all of them."""
    samples = []
    for reading in readings:
        mean = _sample(reading).mean
        whole: Any = tuple(_whole(values) for values in reading)
        samples.append(replace(_sample(whole), mean=np.array([mean.mean()])))
    low, high, _ = _bounds(samples, 1)
    return Interval(*(_exp(values[0]) for values in (samples[0].mean, low, high)))


def _whole(values: Array) -> Array:
    """The means over the cases, as one row, of the processes that have every case."""
    return np.asarray(values[:, np.isfinite(values).all(axis=0)].mean(axis=0, keepdims=True))
