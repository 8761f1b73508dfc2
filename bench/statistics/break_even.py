"""After how many iterations what it cost more to start is paid back."""

import math

import numpy as np

from bench.statistics.intervals import Array, Interval, interval, resampled_medians


def break_even(
    cold_a: Array,
    seconds_a: Array,
    cold_b: Array,
    seconds_b: Array,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The iterations after which a, dearer to start and faster to go on, has cost as little as b.

    cold_*: by process, the seconds before the second iteration; seconds_*: by process, the median of seconds per
    iteration. (cold_a - cold_b) / (seconds_b - seconds_a), of medians. 0 where a is not dearer to start; infinite where
    it is, and not faster either. The ends of the interval are NaN with fewer than two processes on any side.
    """
    sides = [np.asarray(side, dtype=float) for side in (cold_a, seconds_a, cold_b, seconds_b)]
    value = float(_crossing(*(np.array([np.median(side)]) for side in sides))[0])
    if (count := min(map(len, sides))) < 2:
        return Interval(value, math.nan, math.nan)
    random = np.random.default_rng(seed)
    return interval(
        value, _crossing(*(resampled_medians(side, resamples, random) for side in sides)), count, confidence
    )


def _crossing(cold_a: Array, seconds_a: Array, cold_b: Array, seconds_b: Array) -> Array:
    dearer, faster = cold_a - cold_b, seconds_b - seconds_a
    crossing = np.divide(dearer, faster, out=np.full(dearer.shape, math.inf), where=faster > 0)
    return np.where(dearer > 0, crossing, 0.0)
