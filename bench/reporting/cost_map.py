"""The map of the cheapest backend: over sizes and numbers of steps, as data and as a picture of the report."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.reporting import cost_map_plots, tables, units
from bench.reporting.columns import Columns
from bench.reporting.cost_map_plots import MOST_STEPS, STATES, known
from bench.reporting.frames import KEYS
from bench.reporting.growth import FIGURE_SIZELESS, TABLE_SIZELESS, several_sizes, too_few_sizes
from bench.reporting.section import Picture, Section
from bench.statistics.cheapest import Map, cheapest

SIZELESS = [name for name in KEYS if name not in ("points", "backend")]
MAP: Columns = {
    "state": "`empty` or `warm`: of the caches of compiled code when the process begins",
    "map_points": "the size, two a decade and those that were measured",
    "map_steps": "the iterations of the fit, two a decade",
    "best": "the backend that costs the least",
    "best_seconds": "what it costs",
    "second": "the backend that costs the second least; empty where there is one alone",
    "second_seconds": "what it costs",
    "more": "that over the best",
    "told_apart": "whether the best is cheaper than the second beyond the 95 % interval, or there is no second",
}
BETWEEN = 10**0.5  # rows from one size to the next, and from one number of steps


def costs_over(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for every size, number of steps and state: the cheapest backend of a variant, and the second."""
    rows = []
    for _, group in frame[frame["cost"].notna()].groupby(SIZELESS, sort=False, observed=True):
        case = {name: group[name].iloc[0] for name in SIZELESS}
        for state in STATES:
            rows += [{**case, "state": state, **row} for row in _rows(_map(group, state))]
    return pd.DataFrame(rows, columns=[*SIZELESS, *MAP])


def _map(group: pd.DataFrame, state: str) -> Map:
    costs = known(group)
    sizes = sorted({float(size) for cost in costs for size in cost.growth.sizes})
    points = np.unique([*sizes, *_spaced(sizes[0], sizes[-1])])
    return cheapest(costs, points, _spaced(1.0, MOST_STEPS), state)


def _spaced(low: float, high: float) -> Any:
    """From one end to the other, two a decade."""
    count = 1 + round(np.log(high / low) / np.log(BETWEEN))
    return np.geomspace(low, high, max(count, 2)).round()


def _rows(found: Map) -> Iterator[dict[str, Any]]:
    names = [cost.case.backend for cost in found.costs]
    order, apart = found.seconds.argsort(axis=-1, kind="stable"), found.told_apart
    for i, j in np.argwhere(found.known).tolist():
        first, *others = (k for k in order[i, j] if np.isfinite(found.seconds[i, j, k]))
        row: dict[str, Any] = {"map_points": int(found.points[j]), "map_steps": int(found.steps[i])}
        row |= {"best": names[first], "best_seconds": float(found.seconds[i, j, first])}
        if others:
            second = float(found.seconds[i, j, others[0]])
            row |= {"second": names[others[0]], "second_seconds": second, "more": second / row["best_seconds"]}
        yield row | {"told_apart": bool(apart[i, j])}


EXAMPLES = (10**2, 10**4, 10**6)  # steps that the table of the report tells of


def text(group: pd.DataFrame) -> str:
    """A Markdown table of cases of one dtype: a row a variant and a size that was measured, and for some numbers of
    steps, with empty caches and with warm ones, the cheapest backend and what it costs.
    """
    rows = []
    for variant, part in group[group["cost"].notna()].groupby("variant", sort=False, observed=True):
        maps = {state: _map(part, state) for state in STATES}
        sizes = {float(size) for cost in known(part) for size in cost.growth.sizes}
        for j, points in enumerate(maps[STATES[0]].points):
            if points in sizes:
                cells = {_title(n, state): _cell(maps[state], n, j) for n in EXAMPLES for state in STATES}
                rows.append({"variant": variant, "points": units.count(points), **cells})
    return tables.markdown(pd.DataFrame(rows))


def _title(steps: int, state: str) -> str:
    return f"{units.count(steps)} steps, {state}"


def _cell(found: Map, steps: int, j: int) -> str:
    i = int(np.flatnonzero(found.steps == steps)[0])
    if not found.known[i, j]:
        return tables.NONE
    best = found.best[i, j]
    return f"{found.costs[best].case.backend}, {units.seconds(float(found.seconds[i, j, best]))}"


SECTION = Section(
    "Which to take",
    """
The backend that costs the least in all, a fit in a process of its own, over its points and its iterations: with *empty*
caches of compiled code, and with *warm* ones. A backend without such a cache is the same in both. Predicted are import,
startup, build and first call, as the processes of this run paid them, and iterations by how cost grows, in the state
that the machine usually was in during the run. Steps that Python calls and loops inside the compiler (`-loop`) stand
side by side. On the lines two backends cost the same; in the pale fields beside them the cheapest is not told apart
from the next, beyond the 95 % interval of their ratio. Marks at the lower edge are the sizes that were measured,
between which and up to twice beyond which it is predicted. `python -m bench.advise` tells of one size and number of
steps, with intervals, and of further fits in the same process.""",
    (Picture("map", cost_map_plots.cost_map, [*TABLE_SIZELESS, "variant"], usual=True),),
    text,
    ("map",),
    too_few_sizes,
    by=FIGURE_SIZELESS,
    tables=TABLE_SIZELESS,
    wanted=several_sizes,
)
