"""Estimates against closed forms, and against simulations of which the truth is known."""

import itertools
import math

import numpy as np
import pytest
from bench.statistics.estimate import break_even, kept, median_interval, process_medians, ratio_interval, unstable
from scipy import signal, stats

from bench.records.record import ROUND, Record
from bench.statistics import estimate


def flat(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Processes x rounds as columns `seconds` and `process`."""
    return values.ravel(), np.repeat(np.arange(len(values)), values.shape[1])


def machine_noise(random: np.random.Generator, count: int, spacing: float) -> np.ndarray:
    """log noise of 20 % with a correlation time of 50 ms, at rounds that are `spacing` seconds apart."""
    keep = math.exp(-spacing / 0.05)
    white = random.normal(0, 0.2 * math.sqrt(1 - keep**2), count)
    return signal.lfilter([1], [1, -keep], white, zi=[keep * random.normal(0, 0.2)])[0]


def covered(hits: int, total: int, least: float) -> bool:
    """Whether so many hits are compatible with a coverage of at least so much."""
    return stats.binomtest(hits, total, least, alternative="less").pvalue > 0.001


def test_kept_rounds_are_those_after_the_warm_up():
    rounds = {name: [1, 2, 3] for name in ROUND}
    rounds |= {"warm_up": [True, False, False], "seconds": [9.0, 1.0, 2.0], "yardstick_seconds": [None, None, 0.5]}
    record = Record("manual", "numpy", "cpu", "float32", 2000, "measured", None, 0, 2000, rounds=rounds)
    columns = kept(record)
    assert columns["seconds"].tolist() == [1.0, 2.0]
    assert columns["process"].tolist() == [2, 3]
    assert np.isnan(columns["yardstick_seconds"][0]) and columns["yardstick_seconds"][1] == 0.5


def test_the_value_is_the_median_of_the_processes_medians():
    seconds, process = np.array([1.0, 2.0, 9.0, 5.0, 4.0, 6.0, 7.0]), np.array([0, 0, 0, 3, 3, 3, 8])
    assert process_medians(seconds, process).tolist() == [2.0, 5.0, 7.0]
    assert median_interval(seconds, process).value == 5.0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_bootstrap_medians_have_the_distribution_of_all_samples_enumerated(count):
    values = np.arange(count) ** 2.0
    exact = [np.median(sample) for sample in itertools.product(values, repeat=count)]
    levels, ways = np.unique(exact, return_counts=True)
    drawn = estimate._medians(values, 20000, np.random.default_rng(1))
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


def noisy_case(random: np.random.Generator, levels, spacing: float = 0.03):
    """seconds, process and time of 60 rounds a process, one process after the other, on a noisy machine."""
    seconds = np.array([level * np.exp(machine_noise(random, 60, spacing)) for level in levels])
    time = np.arange(seconds.size) * spacing
    return *flat(seconds), time


def test_two_modes_are_told_with_their_figures():
    random = np.random.default_rng(7)
    levels = np.array([15.0e-6, 12.0e-6, 15.0e-6, 12.0e-6, 15.0e-6])
    quiet = levels[:, None] * (1 + 0.001 * random.permuted(np.tile(np.arange(-30, 31), (5, 1)), axis=1))
    found = unstable(*flat(quiet), np.arange(quiet.size) * 0.03)
    assert found is not None and found.kind == "modes"
    assert found.text == "2 of 5 processes at 12.0 µs, 3 at 15.0 µs: 25 % apart"
    assert found.modes == pytest.approx((12e-6, 15e-6))


def test_a_drift_is_told_with_its_size_and_evidence():
    quiet = np.array([10.0, 10.2, 10.4, 10.6, 10.8])[:, None] * (1 + 0.001 * np.linspace(-1, 1, 61)) * 1e-6
    found = unstable(*flat(quiet), np.arange(quiet.size) * 0.03)
    assert found is not None and found.kind == "drift"
    # Five in order: tau is 1, in 2 of 120 orders, up or down.
    assert found.text == "drifts by +8.0 % from the first process to the last (Kendall's tau 1, p 0.017)"
    backwards = unstable(*flat(quiet[::-1]), np.arange(quiet.size) * 0.03)
    assert backwards is not None and backwards.text.startswith("drifts by -7.4 %")


def test_processes_that_differ_by_less_than_matters_are_stable():
    quiet = np.array([10.0, 10.4, 10.0])[:, None] * (1 + 0.001 * np.linspace(-1, 1, 61)) * 1e-6
    assert unstable(*flat(quiet), np.arange(quiet.size) * 0.03) is None


def test_one_process_cannot_disagree():
    assert unstable(*flat(np.ones((1, 5))), np.arange(5.0)) is None


def alarms(cases: int) -> int:
    """How many of so many cases of identical processes, with rounds 6 ms apart, are called unstable."""
    random = np.random.default_rng(8)
    return sum(unstable(*noisy_case(random, [1e-5] * 5, spacing=0.006)) is not None for _ in range(cases))


def test_noise_that_rounds_share_is_not_taken_for_a_disagreement(monkeypatch):
    assert alarms(200) <= stats.binom.ppf(0.999, 200, estimate.SIGNIFICANT)
    # The check can fail: rounds taken for independent cry wolf.
    monkeypatch.setattr(estimate, "BLOCK_SECONDS", 1e-9)
    assert alarms(40) > 12


def test_modes_are_found_in_the_machines_noise():
    random = np.random.default_rng(9)
    found = [unstable(*noisy_case(random, [1e-5, 1.4e-5, 1e-5], spacing=0.1)) for _ in range(50)]
    assert sum(one is not None and one.text.startswith("2 of 3 processes") for one in found) >= 45


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
    interval = break_even(*map(np.array, (cold_a, seconds_a, cold_b, seconds_b)))
    assert [interval.value, interval.low, interval.high] == pytest.approx([iterations] * 3)


def test_break_even_has_no_interval_of_one_process():
    interval = break_even(np.array([10.0]), np.array([1e-3, 1e-3]), np.array([2.0, 2.0]), np.array([3e-3, 3e-3]))
    assert interval.value == pytest.approx(4000)
    assert math.isnan(interval.low) and math.isnan(interval.high)


def test_break_even_may_lie_between_some_iterations_and_never():
    interval = break_even(*map(np.array, ([10.0] * 4, [2e-3, 2e-3, 2e-3, 9e-3], [2.0] * 4, [4e-3] * 4)))
    assert interval.value == pytest.approx(4000) and interval.low == pytest.approx(4000)
    assert interval.high == math.inf


def test_the_interval_of_break_even_holds_the_true_one():
    random, hits = np.random.default_rng(10), 0
    for _ in range(300):
        sides = (true * np.exp(random.normal(0, 0.1, 6)) for true in (10.0, 1e-3, 2.0, 3e-3))
        interval = break_even(*sides, resamples=500)
        hits += interval.low <= 4000 <= interval.high
    assert covered(hits, 300, 0.95)
