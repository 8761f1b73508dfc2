"""Whether processes agree: what is found in rounds of which it is known, and how seldom noise is taken for it."""

import math

import numpy as np
import pytest
from builders import flat
from scipy import signal, stats

from bench.statistics import stability
from bench.statistics.stability import DRIFT, MODES, unstable


def machine_noise(random: np.random.Generator, count: int, spacing: float) -> np.ndarray:
    """log noise of 20 % with a correlation time of 50 ms, at rounds that are `spacing` seconds apart."""
    keep = math.exp(-spacing / 0.05)
    white = random.normal(0, 0.2 * math.sqrt(1 - keep**2), count)
    return signal.lfilter([1], [1, -keep], white, zi=[keep * random.normal(0, 0.2)])[0]


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
    assert found is not None and found.kind == MODES
    assert found.modes == pytest.approx((12e-6, 15e-6))
    assert found.counts == (2, 3)


def test_a_drift_is_told_with_its_size_and_evidence():
    quiet = np.array([10.0, 10.2, 10.4, 10.6, 10.8])[:, None] * (1 + 0.001 * np.linspace(-1, 1, 61)) * 1e-6
    found = unstable(*flat(quiet), np.arange(quiet.size) * 0.03)
    assert found is not None and found.kind == DRIFT
    assert found.modes == pytest.approx((10e-6, 10.8e-6))
    # Five in order: tau is 1, in 2 of 120 orders, up or down.
    assert (found.tau, found.p) == pytest.approx((1, 2 / 120))
    backwards = unstable(*flat(quiet[::-1]), np.arange(quiet.size) * 0.03)
    assert backwards is not None and backwards.kind == DRIFT
    assert backwards.modes == pytest.approx((10.8e-6, 10e-6)) and backwards.tau == pytest.approx(-1)


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
    assert alarms(200) <= stats.binom.ppf(0.999, 200, stability.SIGNIFICANT)
    # The check can fail: rounds taken for independent cry wolf.
    monkeypatch.setattr(stability, "BLOCK_SECONDS", 1e-9)
    assert alarms(40) > 12


def test_modes_are_found_in_the_machines_noise():
    random = np.random.default_rng(9)
    found = [unstable(*noisy_case(random, [1e-5, 1.4e-5, 1e-5], spacing=0.1)) for _ in range(50)]
    assert sum(one is not None and (one.kind, one.counts) == (MODES, (2, 1)) for one in found) >= 45
