"""Seconds net of the machine's state, turn by turn."""

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from bench.records.controls import CORE, YARDSTICK
from bench.records.rounds import Columns

Array = npt.NDArray[np.float64]


def core_state(columns: Columns) -> Array:
    """Of each round, the log of how long the controls of the core took in its turn, up to a constant; NaN of none."""
    return _state(columns, (*CORE, YARDSTICK))


def _state(columns: Columns, names: Iterable[str]) -> Array:
    """The mean of their logs, of those that are there: each about its own median, so that a missing one shifts
    nothing.
    """
    logs = [np.log(columns[name]) for name in names if name in columns and np.isfinite(columns[name]).any()]
    if not logs:
        return np.full(len(columns["seconds"]), math.nan)
    there = np.array(logs)
    return np.asarray(np.nanmean(there - np.nanmedian(there, axis=1, keepdims=True), axis=0))


def own_half_width(kept: Columns) -> float:
    """Half of the 95 % interval of one process's own figure, relative to it: the median of its rounds, net of the
    core's state where that is known. It says nothing of other processes.

    The standard error is that of a median of normal values whose spread is told by the median of absolute deviations.
    """
    state = core_state(kept)
    logs = np.log(kept["seconds"]) - (state if np.isfinite(state).all() else 0.0)
    spread = 1.4826 * float(np.median(np.abs(logs - np.median(logs))))
    return 1.96 * math.sqrt(math.pi / 2 / len(logs)) * spread
