"""When what it cost more to start is paid back: closed forms, and simulations of which the truth is known."""

import math

import numpy as np
import pytest
from scipy import stats

from bench.statistics.break_even import Side, break_even, side


def sides(cold_a, seconds_a, cold_b, seconds_b, **how) -> tuple[Side, Side]:
    pairs = ((cold_a, seconds_a), (cold_b, seconds_b))
    return tuple(side(*map(np.array, each), seed=seed, **how) for seed, each in enumerate(pairs))


@pytest.mark.parametrize(
    ("cold_a", "seconds_a", "cold_b", "seconds_b", "iterations"),
    [
        ([10.0] * 3, [1e-3] * 3, [2.0] * 3, [3e-3] * 3, 4000.0),  # 8 s at 2 ms an iteration
        ([10.0] * 3, [3e-3] * 3, [2.0] * 3, [3e-3] * 3, math.inf),
        ([10.0] * 3, [4e-3] * 3, [2.0] * 3, [3e-3] * 3, math.inf),
        ([1.0] * 3, [1e-3] * 3, [2.0] * 3, [3e-3] * 3, 0.0),
    ],
)
def test_break_even_in_closed_form(cold_a, seconds_a, cold_b, seconds_b, iterations):
    interval = break_even(*sides(cold_a, seconds_a, cold_b, seconds_b))
    assert [interval.value, interval.low, interval.high] == pytest.approx([iterations] * 3)


def test_break_even_has_no_interval_of_one_process():
    interval = break_even(*sides([10.0], [1e-3, 1e-3], [2.0, 2.0], [3e-3, 3e-3]))
    assert interval.value == pytest.approx(4000)
    assert math.isnan(interval.low) and math.isnan(interval.high)


def test_break_even_may_lie_between_some_iterations_and_never():
    interval = break_even(*sides([10.0] * 4, [2e-3, 2e-3, 2e-3, 9e-3], [2.0] * 4, [4e-3] * 4))
    assert interval.value == pytest.approx(4000) and interval.low == pytest.approx(4000)
    assert interval.high == math.inf


def test_the_interval_of_break_even_holds_the_true_one():
    random, hits = np.random.default_rng(10), 0
    for _ in range(300):
        drawn = (true * np.exp(random.normal(0, 0.1, 6)) for true in (10.0, 1e-3, 2.0, 3e-3))
        interval = break_even(*sides(*drawn, resamples=500))
        hits += interval.low <= 4000 <= interval.high
    # At least 95 %, as far as 300 can tell.
    assert stats.binomtest(hits, 300, 0.95, alternative="less").pvalue > 0.001
