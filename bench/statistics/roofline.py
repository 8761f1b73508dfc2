"""The yardstick, and the least that a step can take: to read x and y once, as fast as the yardstick reads them."""

import math

import numpy as np

from bench.cases.case import Case
from bench.records.rounds import READ_SECONDS, Columns

# The backend that is written for nothing but speed, and the variant that it is written for: its steps stand for what
# the machine can do, whatever way of writing they are compared with.
YARDSTICK, YARDSTICK_VARIANT = "native", "tuned"
ARRAYS = 2  # of N numbers that any step must read: x and y


def least_bytes(case: Case) -> int:
    """That any step of a size and dtype must move."""
    return ARRAYS * case.points * np.dtype(case.dtype).itemsize


def roofline(rounds: Columns) -> float:
    """Seconds in which the data of a fit are read once, by the rounds of the yardstick that read them; NaN where it
    read nothing.

    The least of them, as STREAM has it (McCalpin 1995), for what disturbs a read makes it slower and none faster.
    """
    read = rounds.get(READ_SECONDS, np.empty(0))
    return float(read[read > 0].min()) if (read > 0).any() else math.nan  # NaN where it failed
