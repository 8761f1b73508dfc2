"""The cases of a group two by two: how much faster one is, and when what it costs to start is paid back."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.records.record import MEASURED
from bench.reporting.columns import Columns, with_ends
from bench.reporting.frames import GROUP
from bench.reporting.ratios import ratio
from bench.statistics import cold_start
from bench.statistics.break_even import Side, side
from bench.statistics.break_even import break_even as crossing
from bench.statistics.intervals import Interval

AFTER, BEFORE, UNKNOWN = "after", "before", "unknown"
RESAMPLES = 2000
RATIOS: Columns = {
    "other": "the other backend",
    **with_ends(("ratio", "low", "high"), "its seconds over those of the case"),
    "processes": "that they share",
}
BREAK_EVEN: Columns = {
    "other": "the other backend",
    "state": "`empty` or `warm`: of the caches of compiled code; a backend without one is the same in both",
    "cheaper": "`after` so many iterations the case has cost less in all than the other, or `before` them",
    **with_ends(("iterations", "low", "high"), "so many; 0 is at once, and infinite never"),
    "pays_back": "whether the case has anything to pay back",
}


@dataclass(frozen=True)
class BreakEven:
    """When one case has cost less in all than another: AFTER so many iterations, or BEFORE them and never again.

    AFTER 0 is from the first on, and AFTER infinitely many never. The ends of the interval are NaN where nothing is
    known of them: with fewer than two processes on any side.
    """

    cheaper: str
    iterations: Interval


def break_even(a: Side, b: Side) -> BreakEven:
    """When one case has cost less than another, in fresh processes whose caches are in one state."""
    forth = crossing(a, b)
    if forth.value > 0:
        return BreakEven(AFTER, forth)
    back = crossing(b, a)
    return BreakEven(BEFORE, back) if 0 < back.value < math.inf else BreakEven(AFTER, forth)


def _sides(frame: pd.DataFrame, resamples: int) -> dict[tuple[int, str], Side]:
    """By case and state of the caches, of those of which a process began so."""
    found = {}
    for row in frame[frame["outcome"] == MEASURED].itertuples():
        for state in cold_start.CACHED:
            costs = cold_start.costs(row.record, state)
            if len(costs) and math.isfinite(costs.sum()):
                found[row.Index, state] = side(costs, row.paces, resamples, seed=row.Index)
    return found


def break_evens(frame: pd.DataFrame, resamples: int = RESAMPLES) -> pd.DataFrame:
    """A row for every two cases of a group, in either order, and each state of the caches.

    pays_back: whether the case has anything to pay back, here or against any other of its group: it keeps compiled
    code on disk, or is dearer to start than some other and faster to go on.
    """
    sides = _sides(frame, resamples)
    rows = [
        {**{name: getattr(a, name) for name in GROUP}, "backend": a.backend, "other": b.backend, "state": state}
        | {"cheaper": found.cheaper, "iterations": found.iterations.value}
        | {"low": found.iterations.low, "high": found.iterations.high}
        | {"pays_back": cold_start.compiles(a.record) or _finite(found)}
        for a, b in _pairs(frame)
        for state in cold_start.CACHED
        if (a.Index, state) in sides and (b.Index, state) in sides
        for found in [break_even(sides[a.Index, state], sides[b.Index, state])]
    ]
    numbers = {"iterations": float, "low": float, "high": float, "pays_back": bool}
    found = pd.DataFrame(rows, columns=[*GROUP, "backend", *BREAK_EVEN]).astype(numbers)
    found["pays_back"] = found.groupby([*GROUP, "backend"], sort=False)["pays_back"].transform("any")
    return found


def _finite(found: BreakEven) -> bool:
    return found.cheaper == AFTER and 0 < found.iterations.value < math.inf


def ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for every two cases of a group: the seconds of the other over those of the case, which is the ratio of the
    two figures, with the ends of its 95 % interval, and how many processes they share.
    """
    rows = []
    for a, b in _pairs(frame):
        found, shared = ratio(a._asdict(), b._asdict())
        ends = {"ratio": found.value, "low": found.low, "high": found.high, "processes": shared}
        rows.append({**{name: getattr(a, name) for name in GROUP}, "backend": a.backend, "other": b.backend, **ends})
    return pd.DataFrame(rows, columns=[*GROUP, "backend", *RATIOS])


def _pairs(frame: pd.DataFrame) -> Iterator[tuple[Any, Any]]:
    for _, group in frame[frame["outcome"] == MEASURED].groupby(GROUP, sort=False, observed=True):
        yield from itertools.permutations(group.itertuples(), 2)
