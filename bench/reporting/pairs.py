"""The cases of a group two by two: how much faster one is, and when what it costs to start is paid back."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

import pandas as pd

from bench.records.record import MEASURED
from bench.reporting.columns import Columns, with_ends
from bench.reporting.frames import GROUP, KEYS
from bench.reporting.ratios import ratio
from bench.statistics import cold_start
from bench.statistics.break_even import Side, side
from bench.statistics.break_even import break_even as crossing
from bench.statistics.intervals import Interval
from bench.support.side_by_side import do_all

AFTER, BEFORE = "after", "before"
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


def break_even(forth: Interval, back: Interval) -> BreakEven:
    """By the crossings of one case with another, and of that with the one."""
    return BreakEven(BEFORE, back) if not forth.value > 0 and 0 < back.value < math.inf else BreakEven(AFTER, forth)


def _sides(cases: Iterable[Any]) -> dict[tuple[int, str], Side]:
    """By case and state of the caches, of those of which a process began so."""
    found = {}
    for row in cases:
        for state in cold_start.CACHED:
            costs = cold_start.costs(row.record, state)
            if len(costs) and math.isfinite(costs.sum()):
                found[row.Index, state] = side(costs, row.paces, seed=row.Index)
    return found


def with_break_evens(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with a column `break_evens`, of lists of the rows of each case, for `break_evens` to read: they take
    long, and several parts of a report are made of them. Copies of this process may help.
    """
    found: list[list[dict[str, Any]]] = [[] for _ in frame.index]
    for group in do_all([partial(_of_group, group) for group in _groups(frame)]):
        for place, rows in group.items():
            found[place] = rows
    return frame.assign(break_evens=found)


def _of_group(cases: Sequence[Any]) -> dict[int, list[dict[str, Any]]]:
    """The break-evens of each, by its place in the frame."""
    sides = _sides(cases)
    found: dict[int, list[dict[str, Any]]] = {row.Index: [] for row in cases}
    for a, b in itertools.combinations(cases, 2):
        for state in cold_start.CACHED:
            if (a.Index, state) in sides and (b.Index, state) in sides:
                one, other = sides[a.Index, state], sides[b.Index, state]
                forth, back = crossing(one, other), crossing(other, one)
                found[a.Index].append(_row(a, b, state, break_even(forth, back)))
                found[b.Index].append(_row(b, a, state, break_even(back, forth)))
    for rows in found.values():
        pays_back = any(row["pays_back"] for row in rows)
        for row in rows:
            row["pays_back"] = pays_back
    return found


def _row(a: Any, b: Any, state: str, found: BreakEven) -> dict[str, Any]:
    values = (
        b.backend,
        state,
        found.cheaper,
        *astuple(found.iterations),
        cold_start.compiles(a.record) or _finite(found),
    )
    return {**{name: getattr(a, name) for name in KEYS}, **dict(zip(BREAK_EVEN, values, strict=True))}


def break_evens(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for every two cases of a group, in either order, and each state of the caches; frame: `with_break_evens`.

    pays_back: whether the case has anything to pay back, here or against any other of its group: it keeps compiled
    code on disk, or is dearer to start than some other and faster to go on.
    """
    rows = itertools.chain.from_iterable(frame["break_evens"])
    numbers = {"iterations": float, "low": float, "high": float, "pays_back": bool}
    return pd.DataFrame(list(rows), columns=[*KEYS, *BREAK_EVEN]).astype(numbers)


def _finite(found: BreakEven) -> bool:
    return found.cheaper == AFTER and 0 < found.iterations.value < math.inf


def ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for every two cases of a group: the seconds of the other over those of the case, which is the ratio of the
    two figures, with the ends of its 95 % interval, and how many processes they share.
    """
    rows = []
    for a, b in itertools.chain.from_iterable(itertools.permutations(group, 2) for group in _groups(frame)):
        found, shared = ratio(a._asdict(), b._asdict())
        ends = {"ratio": found.value, "low": found.low, "high": found.high, "processes": shared}
        rows.append({**{name: getattr(a, name) for name in KEYS}, "other": b.backend, **ends})
    return pd.DataFrame(rows, columns=[*KEYS, *RATIOS])


def _groups(frame: pd.DataFrame) -> Iterator[list[Any]]:
    """The measured cases of each group."""
    for _, group in frame[frame["outcome"] == MEASURED].groupby(GROUP, sort=False, observed=True):
        yield [*group["row"]]
