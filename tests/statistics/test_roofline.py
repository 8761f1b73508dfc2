"""The roofline: what a step must move at least, as fast as the yardstick read it."""

import math

import numpy as np
import pytest
from builders import case

from bench.statistics.roofline import least_bytes, roofline


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("float64", 8)])
def test_a_step_reads_x_and_y(dtype, size):
    assert least_bytes(case(dtype=dtype, points=1000)) == 2 * 1000 * size


def test_reads_are_pairs_with_their_rounds():
    """Rounds of 10 us, or of 20 on a busy machine, which read in half of that; one read failed."""
    seconds = np.array([1e-5, 2e-5, 2e-5, 1e-5, 2e-5, 2e-5])
    rounds = {"seconds": seconds, "process": np.array([0, 0, 0, 1, 1, 1]), "read_seconds": seconds / 2}
    rounds["read_seconds"][1] = math.nan
    assert roofline(1e-5, rounds) == pytest.approx(5e-6)


def test_without_a_read_there_is_none():
    rounds = {"seconds": np.ones(2), "process": np.zeros(2, dtype=int)}
    assert math.isnan(roofline(1.0, rounds))
    assert math.isnan(roofline(1.0, {**rounds, "read_seconds": np.full(2, math.nan)}))
