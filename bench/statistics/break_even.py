"""After how many iterations what it cost more to start is paid back."""

import math
from dataclasses import dataclass

import numpy as np

from bench.statistics.intervals import Array, Interval, interval, resampled_medians


@dataclass(frozen=True, eq=False)
class Side:
    """What a case costs, in medians over its processes: before the second iteration and per iteration, in seconds; of
    each the median first, and then those of bootstrap samples. processes: the fewer of those by which they are known.
    """

    cold: Array
    pace: Array
    processes: int


def side(cold: Array, seconds: Array, resamples: int = 2000, seed: int = 0) -> Side:
    """Of a case, by process: its seconds before the second iteration, and the median of its seconds per iteration. Two
    that are to be compared have seeds of their own.
    """
    random = np.random.default_rng(seed)

    def medians(values: Array) -> Array:
        drawn = resampled_medians(values, resamples, random) if len(values) > 1 else np.full(resamples, math.nan)
        return np.concatenate([[np.median(values)], drawn])

    return Side(medians(cold), medians(seconds), min(len(cold), len(seconds)))


def break_even(a: Side, b: Side, confidence: float = 0.95) -> Interval:
    """The iterations after which a, dearer to start and faster to go on, has cost as little as b.

    (cold a - cold b) / (pace b - pace a). 0 where a is not dearer to start; infinite where it is, and not faster. The
    ends of the interval are NaN with fewer than two processes on any side.
    """
    dearer, faster = a.cold - b.cold, b.pace - a.pace
    crossing = np.divide(dearer, faster, out=np.full(dearer.shape, math.inf), where=faster > 0)
    found = np.where(dearer > 0, crossing, 0.0)
    return interval(float(found[0]), found[1:], min(a.processes, b.processes), confidence)
