"""The figure of a case, as reports show it and records keep it: a median, its interval, and whether processes agree."""

import math
from dataclasses import dataclass

from bench.records.record import Estimate
from bench.records.rounds import Columns
from bench.statistics.intervals import Interval, median_interval, process_medians
from bench.statistics.stability import Unstable, unstable

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Figure:
    """Seconds per iteration with their interval, and the evidence that there is no one figure, or None."""

    interval: Interval
    unstable: Unstable | None


def figure(kept: Columns) -> Figure:
    """The figure of a case whose rounds after the warm-up these are, one or more."""
    seconds, process = kept["seconds"], kept["process"]
    return Figure(median_interval(seconds, process, CONFIDENCE), unstable(seconds, process, kept["time"]))


def estimate(kept: Columns) -> Estimate:
    """The same as a record keeps it."""
    found = figure(kept)
    low, high = (None if math.isnan(end) else end for end in (found.interval.low, found.interval.high))
    doubt = found.unstable
    return Estimate(
        seconds=found.interval.value,
        low=low,
        high=high,
        confidence=CONFIDENCE,
        process_seconds=process_medians(kept["seconds"], kept["process"]).tolist(),
        unstable=doubt is not None,
        unstable_kind=None if doubt is None else doubt.kind,
        modes=None if doubt is None else doubt.modes,
    )
