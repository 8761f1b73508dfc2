"""The yardstick, and the least that a step can take: to read x and y once, as fast as the yardstick reads them."""

import numpy as np

from bench.cases.case import Case
from bench.records.rounds import READ_SECONDS, Columns
from bench.statistics.intervals import median

# The backend that is written for nothing but speed, and the variant that it is written for: its steps stand for what
# the machine can do, whatever way of writing they are compared with.
YARDSTICK, YARDSTICK_VARIANT = "native", "tuned"
ARRAYS = 2  # of N numbers that any step must read: x and y


def least_bytes(case: Case) -> int:
    """That any step of a size and dtype must move."""
    return ARRAYS * case.points * np.dtype(case.dtype).itemsize


def roofline(seconds: float, rounds: Columns) -> float:
    """Seconds in which the data of a fit are read once, by the rounds of the yardstick that read them, at the state of
    the machine that its figure, `seconds` per iteration, is of; NaN where it read nothing.

    The median over processes of the medians of read over step: each read is a pair with the round right before it.
    """
    read = rounds.get(READ_SECONDS)
    if read is None or not (there := read > 0).any():
        return float("nan")
    return seconds * median((read / rounds["seconds"])[there], rounds["process"][there])
