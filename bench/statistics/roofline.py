"""The yardstick, and the least that a step can take: to read x and y once, as fast as the yardstick reads them."""

import math
import statistics

import numpy as np

from bench.cases.case import Case
from bench.records.rounds import READ_SECONDS, Columns
from bench.statistics.states import QUIET

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

    The mean over the processes of what the share QUIET of each one's reads undercuts: as the figures of cases are means
    over processes, at a state that this share of the turns undercuts. What disturbs a read makes it slower and none
    faster.
    """
    if READ_SECONDS not in rounds:
        return math.nan
    read, process = rounds[READ_SECONDS], rounds["process"]
    good = read > 0  # NaN where it failed
    quiet = [float(np.quantile(read[good & (process == one)], QUIET)) for one in np.unique(process[good])]
    return statistics.fmean(quiet) if quiet else math.nan
