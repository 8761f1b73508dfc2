"""The roofline: what a step must move at least, as fast as the yardstick read it."""

import math

import numpy as np
import pytest
from builders import case

from bench.statistics.roofline import least_bytes, roofline


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("float64", 8)])
def test_a_step_reads_x_and_y(dtype, size):
    assert least_bytes(case(dtype=dtype, points=1000)) == 2 * 1000 * size


def test_most_reads_may_be_disturbed():
    """Of 5 us in one process and 7 us in the other, where nothing is in their way; one failed."""
    reads = np.array([9e-6, 5e-6, 2e-5, math.nan, 5e-6, 3e-5, 7e-6, 7e-6, 9e-6, 2e-5, 1e-4])
    process = np.array([0] * 6 + [1] * 5)
    assert roofline({"read_seconds": reads, "process": process}) == pytest.approx(6e-6, rel=1e-12)


def test_without_a_read_there_is_none():
    rounds = {"seconds": np.ones(2), "process": np.zeros(2, dtype=int)}
    assert math.isnan(roofline(rounds))
    assert math.isnan(roofline({**rounds, "read_seconds": np.full(2, math.nan)}))
