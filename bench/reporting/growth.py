"""How the time of the cases grows with their size: as data, and as tables."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench.reporting import growth_plots, tables, units
from bench.reporting.columns import Columns, with_ends
from bench.reporting.frames import FIGURE, KEYS, TABLE
from bench.reporting.section import Picture, Section, nothing_timed
from bench.statistics.growth import FEWEST, MEMORY, Growth, Level, crossings
from bench.statistics.intervals import Interval

SIZELESS = [name for name in KEYS if name != "points"]
LEVEL: Columns = {
    "level": "the cache, or `memory`; several that have one slope as `L1d to L2`",
    "level_start": "points from which on a point is in it",
    "level_end": "points up to which it is; the last is infinite",
    **with_ends(("point_seconds", "point_low", "point_high"), "what a point in it adds to an iteration"),
}
GROWTH: Columns = {
    "sizes": "how many were measured",
    "least_points": "the smallest",
    "most_points": "the largest",
    "arrays": "of N numbers in its working set, as far as the figures tell: a level ends where they no longer fit",
    **with_ends(("overhead_seconds", "overhead_low", "overhead_high"), "per iteration, whatever the points"),
    **LEVEL,
}
CROSSOVER: Columns = {
    "other": "the backend that is faster from there on; `backend` is faster up to there",
    **with_ends(("crossover_points", "crossover_low", "crossover_high"), "the points"),
}


def grown(frame: pd.DataFrame) -> pd.DataFrame:
    """A row a case and level of cache, of the cases that were timed at several sizes, which are one there."""
    rows = [
        {**{name: getattr(row, name) for name in SIZELESS}, **_about(row.growth), **_told(level)}
        for row in _lines(frame)["row"]
        for level in row.growth.levels
    ]
    return pd.DataFrame(rows, columns=[*SIZELESS, *GROWTH])


def _lines(frame: pd.DataFrame) -> pd.DataFrame:
    """Of every case that has a growth its first row."""
    return frame[frame["growth"].notna()].drop_duplicates(SIZELESS)


def _about(growth: Growth) -> dict[str, Any]:
    about = [len(growth.sizes), int(growth.sizes[0]), int(growth.sizes[-1]), growth.arrays]
    return dict(zip(GROWTH, [*about, *_ends(growth.overhead)], strict=False))


def _told(level: Level) -> dict[str, Any]:
    told = [level.name, level.start, level.end, *_ends(level.per_point)]
    return dict(zip(LEVEL, told, strict=True))


def _ends(found: Interval) -> tuple[float, float, float]:
    return found.value, found.low, found.high


def crossovers(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for every size from which on another backend is faster."""
    rows = []
    for _, group in _lines(frame).groupby(SIZELESS[:-1], sort=False, observed=True):
        cases = {row.growth.case: row for row in group["row"]}
        found = crossings([row.growth for row in cases.values()])
        for each in sorted(found, key=lambda one: one.points.value):
            case = {name: getattr(cases[each.below], name) for name in SIZELESS}
            rows.append({**case, **dict(zip(CROSSOVER, [each.above.backend, *_ends(each.points)], strict=True))})
    return pd.DataFrame(rows, columns=[*SIZELESS, *CROSSOVER])


def text(group: pd.DataFrame) -> str:
    """Two Markdown tables of cases of one dtype: what a case takes whatever its size and for each point, a row a case;
    and the sizes at which the fastest of two changes.
    """
    caches = group["caches"].iloc[0] if group["device"].iloc[0] == "cpu" else {}
    names = [*sorted(caches, key=lambda name: caches[name]), MEMORY]
    rows = [
        {"variant": row.variant, "backend": row.backend, "fixed overhead": _spread(row.growth.overhead)}
        | _by_level(row.growth.levels, names)
        | {"arrays": row.growth.arrays if caches else None}
        for row in _lines(group)["row"]
    ]
    titles = ["variant", "backend", "fixed overhead", *(f"a point in {name}" for name in names), "arrays"]
    known = pd.DataFrame(rows, columns=titles).dropna(axis="columns", how="all")
    return tables.markdown(known) + "\n" + _crossovers(group)


def _by_level(levels: Sequence[Level], names: Sequence[str]) -> dict[str, str]:
    """What a point takes, under the first of the levels that share it; under the others a reference to that."""
    cells = {}
    for level in levels:
        first, *others = [f"a point in {name}" for name in level.names]
        cells[first] = _spread(level.per_point)
        cells |= dict.fromkeys(others, f"as in {level.names[0]}")
    return cells


def _spread(found: Interval) -> str:
    return units.spread(*_ends(found))


def _crossovers(group: pd.DataFrame) -> str:
    found = crossovers(group)
    if not len(found):
        return "No two backends cross at these sizes as far as can be told.\n"
    rows = [
        {
            "variant": row.variant,
            "points": units.counts(row.crossover_points, row.crossover_low, row.crossover_high),
            "faster up to there": row.backend,
            "faster from there on": row.other,
        }
        for row in found.itertuples()
    ]
    return tables.markdown(pd.DataFrame(rows))


def several_sizes(frame: pd.DataFrame) -> bool:
    """Whether any case was timed at more than one size."""
    return bool((frame[frame["seconds"].notna()].groupby(SIZELESS, observed=True)["points"].nunique() > 1).any())


def too_few_sizes(group: pd.DataFrame) -> str | None:
    """Why no case of a group has a growth; None where one has."""
    if group["growth"].notna().any():
        return None
    return nothing_timed(group) or f"no case was timed at {FEWEST} sizes or more: --points takes several."


FIGURE_SIZELESS = tuple(name for name in FIGURE if name != "points")
TABLE_SIZELESS = tuple(name for name in TABLE if name != "points")
SECTION = Section(
    "How cost grows",
    f"""
Seconds per iteration over the points N: a fixed overhead, and a time per point, which is another one in each level of
cache; a straight line in N within each, continuous, fitted in logs to the figures above. A level ends where the working
set no longer fits: *arrays* of N numbers, 2 (x and y) at least, or more where the figures say so. In brackets, the 95 %
intervals, which hold what not knowing the arrays may do; a level in which no size was measured has no time of its own,
and `{tables.NONE}`. Below, the sizes at which one backend becomes faster than another, where on either side the two are
told apart. In the picture the curves are what is predicted of other sizes, between these lines and a smooth one; the
dashed line, where the yardstick was run, is the roofline, the time in which the data of the fit are read once; the
dotted ones are where the least data, x and y, outgrow a cache.""",
    (Picture("growth", growth_plots.growth, [*FIGURE_SIZELESS], usual=True),),
    text,
    ("growth", "crossovers"),
    too_few_sizes,
    by=FIGURE_SIZELESS,
    tables=TABLE_SIZELESS,
    wanted=several_sizes,
)
