"""Medians and ratios with their intervals, against closed forms, and simulations of which the truth is known."""

import itertools
import math

import numpy as np
import pytest
from builders import flat
from scipy import stats

from bench.statistics.intervals import median_interval, process_medians, ratio_interval, resampled_medians


def covered(hits: int, total: int, least: float) -> bool:
    """Whether so many hits are compatible with a coverage of at least so much."""
    return stats.binomtest(hits, total, least, alternative="less").pvalue > 0.001


def test_the_value_is_the_median_of_the_processes_medians():
    seconds, process = np.array([1.0, 2.0, 9.0, 5.0, 4.0, 6.0, 7.0]), np.array([0, 0, 0, 3, 3, 3, 8])
    assert process_medians(seconds, process).tolist() == [2.0, 5.0, 7.0]
    assert median_interval(seconds, process).value == 5.0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_bootstrap_medians_have_the_distribution_of_all_samples_enumerated(count):
    values = np.arange(count) ** 2.0
    exact = [np.median(sample) for sample in itertools.product(values, repeat=count)]
    levels, ways = np.unique(exact, return_counts=True)
    drawn = resampled_medians(values, 20000, np.random.default_rng(1))
    seen = [(drawn == level).sum() for level in levels]
    assert sum(seen) == 20000
    assert count == 1 or stats.chisquare(seen, 20000 * ways / ways.sum()).pvalue > 0.001


def order_statistic(count: int, tail: float) -> int:
    """Which of so many processes, each of one figure, is the bootstrap median's quantile `tail`; counted from 0."""
    below = [stats.binom.sf(count // 2, count, k / count) for k in range(1, count + 1)]  # that it is the k-th or less
    return next(k for k, share in enumerate(below) if share > tail)


def test_the_percentiles_are_corrected_for_few_processes():
    count, values = 7, np.repeat(np.arange(10.0, 17.0)[:, None], 3, axis=1)
    tail = stats.norm.cdf(math.sqrt(count / (count - 1)) * stats.t.ppf(0.025, count - 1))
    assert order_statistic(count, tail) == 0 and order_statistic(count, 0.025) == 1  # the two can be told apart
    interval = median_interval(*flat(values))
    assert (interval.low, interval.value, interval.high) == (10.0, 13.0, 16.0)
    assert interval.half_width == 3 / 13


def process_effects(random: np.random.Generator, processes: int) -> np.ndarray:
    """Seconds of 40 rounds a process, whose true median is 1: processes differ by 3 %, rounds by 10 %."""
    return np.exp(random.normal(0, 0.03, (processes, 1)) + random.normal(0, 0.1, (processes, 40)))


@pytest.mark.parametrize("processes", [3, 5, 10])
def test_the_interval_holds_the_true_median(processes):
    random, hits = np.random.default_rng(3), 0
    for _ in range(300):
        interval = median_interval(*flat(process_effects(random, processes)), resamples=500)
        hits += interval.low <= 1 <= interval.high
    assert covered(hits, 300, 0.95)


def test_the_coverage_check_fails_if_processes_are_taken_for_one():
    random, hits = np.random.default_rng(3), 0
    for _ in range(300):
        seconds, process = flat(process_effects(random, 5))
        interval = median_interval(seconds, 0 * process, resamples=500)
        hits += interval.low <= 1 <= interval.high
    assert not covered(hits, 300, 0.95)


def test_one_process_tells_of_its_rounds_and_one_round_of_nothing():
    random, hits = np.random.default_rng(4), 0
    for _ in range(300):
        interval = median_interval(np.exp(random.normal(0, 0.1, 40)), np.zeros(40), resamples=500)
        hits += interval.low <= 1 <= interval.high
    assert covered(hits, 300, 0.94)
    alone = median_interval(np.array([2.0]), np.array([0]))
    assert alone.value == 2.0 and math.isnan(alone.low) and math.isnan(alone.half_width)


def columns(seconds: np.ndarray, turns: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Processes x turns of seconds as columns."""
    values, process = flat(seconds)
    turn = np.tile(np.arange(seconds.shape[1]), len(seconds)) if turns is None else turns
    return {"seconds": values, "process": process, "turn": turn}


def test_a_ratio_is_of_rounds_of_the_same_turn():
    random = np.random.default_rng(5)
    machine = np.exp(random.normal(0, 0.2, (3, 30)))  # a turn's rounds share it
    exact = ratio_interval(columns(machine), columns(1.25 * machine))
    assert [exact.value, exact.low, exact.high] == pytest.approx([1.25] * 3, rel=1e-12)
    # The check can fail: against the turns of another order, the machine's noise is all there.
    others = np.tile(random.permutation(30), 3)
    assert ratio_interval(columns(machine), columns(1.25 * machine, others)).half_width > 0.02


def test_a_ratio_takes_only_turns_that_both_have():
    a = {"seconds": np.array([1.0, 1.0, 50.0]), "process": np.array([0, 0, 1]), "turn": np.array([0, 1, 0])}
    b = {"seconds": np.array([70.0, 2.0, 8.0]), "process": np.array([2, 0, 0]), "turn": np.array([0, 1, 0])}
    assert ratio_interval(a, b).value == pytest.approx(4.0)  # the median of log 2 and log 8
    with pytest.raises(ValueError, match="share no turn"):
        ratio_interval(a, {**b, "turn": b["turn"] + 100})


def test_the_interval_of_a_ratio_holds_the_true_one():
    random, hits = np.random.default_rng(6), 0
    for _ in range(300):
        machine = random.normal(0, 0.2, (6, 30))
        a, b = (
            np.exp(machine + random.normal(0, 0.02, (6, 1)) + random.normal(0, 0.05, (6, 30)) + math.log(true))
            for true in (1.0, 0.8)
        )
        interval = ratio_interval(columns(a), columns(b), resamples=500)
        hits += interval.low <= 0.8 <= interval.high
    assert covered(hits, 300, 0.95)
