"""The pictures of what it costs to start: in parts, and against the iterations that pay it back."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, FixedLocator, LogLocator, MaxNLocator, NullLocator

from bench.records.record import MEASURED
from bench.reporting import units
from bench.reporting.canvas import GREY, ROW, beside, figure_of, hole, look, name_rows, rows_of, styles
from bench.reporting.frames import present
from bench.reporting.pairs import break_evens
from bench.statistics.cold_start import EMPTY, FRESH, PARTS, UNCACHED, WARM, Start, compiles, costs

# A process pays for the first two once, and its cases share them: grey.
STACK: dict[str, tuple[str, dict[str, Any]]] = {
    "import_seconds": (" (once a process)", {"facecolor": "#555555", "edgecolor": "white"}),
    "startup_seconds": (" (once a process)", {"facecolor": "#bbbbbb", "edgecolor": "white", "hatch": "////"}),
    "build_seconds": ("", {"facecolor": "#0072B2", "edgecolor": "white"}),
    "first_call_seconds": ("", {"facecolor": "#E69F00", "edgecolor": "white"}),
}
LINES = {EMPTY: "-", WARM: "--"}
STRIP = 0.09  # of a panel's height: one strip that says which backend has cost the least
ITERATIONS = (1e3, 1e9)  # the least and the most that the axis ends at


@look
def cold_start(group: pd.DataFrame) -> Figure:
    """What a fresh process pays before the second iteration, in parts: a row of panels, with its own axis, a backend.

    A variant has a bar for each state of the caches.
    """
    dtypes, variants, backends = list(group["dtype"].unique()), present(group, "variant"), present(group, "backend")
    states = {backend: _states(group[group["backend"] == backend]) for backend in backends}
    heights = [ROW * len(variants) * len(states[backend]) + 0.55 for backend in backends]
    what = "Cost before the second iteration of a fresh process with empty or warm caches: median and range"
    figure = figure_of(f"{what}\nEvery backend has its own axis", group, sum(heights) + 0.6)
    grid = figure.subplots(len(backends), len(dtypes), squeeze=False, sharex="row", sharey="row", height_ratios=heights)
    for panels, backend in zip(grid, backends, strict=True):
        most = 0.0
        for axes, dtype in zip(panels, dtypes, strict=True):
            axes.set_title(f"{backend}, {dtype}", loc="left")
            axes.xaxis.set_major_formatter(EngFormatter("s"))
            axes.xaxis.set_major_locator(MaxNLocator(4))
            rows = rows_of(group, dtype)
            cases = [rows.get((variant, backend)) for variant in variants]
            most = max(most, _stacks(axes, cases, states[backend], 110 // len(dtypes)))
        name_rows(panels[0], [_label(variant, state) for variant in variants for state in states[backend]])
        if most > 0:
            panels[0].set_xlim(0, 1.2 * most)
        else:
            panels[0].set_xticks([])
    handles = [Patch(label=PARTS[name] + note, **look) for name, (note, look) in STACK.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def _states(part: pd.DataFrame) -> list[str]:
    """The states in which some case was started in a fresh process; if in none, one row is kept for the holes."""
    found = {one.state for starts in part["starts"] if isinstance(starts, list) for one in starts}
    return [state for state in FRESH if state in found] or [UNCACHED]


def _label(variant: str, state: str) -> str:
    """The name of a row; the second one of a variant needs only the state."""
    return {UNCACHED: variant, EMPTY: f"{variant}: {EMPTY}", WARM: f"{variant}: {WARM}"}[state]


def _stacks(axes: Axes, cases: Sequence[Any], states: Sequence[str], width: int) -> float:
    """Draw the bars of one panel; returns where the longest ends."""
    most = 0.0
    for i, row in enumerate(cases):
        starts = {} if row is None or not isinstance(row.starts, list) else {one.state: one for one in row.starts}
        if not starts:
            beside(axes, i * len(states), hole(row, width))
            continue
        for y, state in enumerate(states, i * len(states)):
            start = starts.get(state)
            if start is None or math.isnan(start.total):
                beside(axes, y, "not started so" if start is None else "not recorded")
            else:
                most = max(most, _stack(axes, y, start))
    return most


def _stack(axes: Axes, y: int, start: Start) -> float:
    begin = 0.0
    for name, (_, style) in STACK.items():
        axes.barh(y, start.parts[name], 0.75, left=begin, linewidth=0, **style)
        begin += start.parts[name]
    end = max(begin, start.high)
    if start.processes > 1:
        axes.plot([start.low, start.high], [y, y], color="black", lw=0.8, marker="|", ms=5)
    axes.annotate(units.seconds(start.total), (end, y), (4, 0), textcoords="offset points", va="center", fontsize=8)
    return end


@look
def break_even(group: pd.DataFrame) -> Figure:
    """What a case costs in all, in seconds, against its iterations, both axes log: a row of panels a variant.

    Where two lines cross, the one has paid back what it cost more to start. Strips say which backend costs the least.
    """
    dtypes, variants = list(group["dtype"].unique()), present(group, "variant")
    what = "Cost in all of a fresh process, start and iterations; lines cross where a start is paid back"
    figure = figure_of(what, group, 2.2 * len(variants) + 0.6)
    grid = figure.subplots(len(variants), len(dtypes), squeeze=False, sharex=True, sharey=True)
    iterations = np.geomspace(1, _last(group), 400)
    looks, timed = styles(group), group[group["outcome"] == MEASURED]
    drawn = set()  # a run may have no process that started warm
    for panels, variant in zip(grid, variants, strict=True):
        for axes, dtype in zip(panels, dtypes, strict=True):
            part = timed[(timed["variant"] == variant) & (timed["dtype"] == dtype)]
            axes.set_title(f"{variant}, {dtype}", loc="left")
            for row, state, total in _totals(part, iterations):
                axes.plot(iterations, total, color=looks[row.backend]["color"], ls=LINES[state], lw=1.2)
                drawn.add(state)
            if not len(part):
                axes.text(0.5, 0.6, "nothing was timed", transform=axes.transAxes, ha="center", color=GREY)
    _frame(grid, iterations)
    for panels, variant in zip(grid, variants, strict=True):
        for axes, dtype in zip(panels, dtypes, strict=True):
            part = timed[(timed["variant"] == variant) & (timed["dtype"] == dtype)]
            _strips(axes, part, iterations, looks, named=dtype == dtypes[0])
    handles = [Line2D([], [], label=name, color=looks[name]["color"], lw=3) for name in present(timed, "backend")]
    lines = {f"{state} caches": line for state, line in LINES.items() if state in drawn}
    handles += [Line2D([], [], label=label, color=GREY, ls=line) for label, line in lines.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _last(group: pd.DataFrame) -> float:
    """How many iterations hold all break-evens, if they can be held."""
    crossings = break_evens(group)["iterations"]
    most = crossings[np.isfinite(crossings)].max()
    least, last = ITERATIONS
    return float(min(last, max(least, 10.0 ** math.ceil(math.log10(3 * most))))) if most > 0 else least


def _totals(part: pd.DataFrame, iterations: Any) -> Iterator[tuple[Any, str, Any]]:
    """Seconds in all, of every case of a panel and state of the caches; a case without a cache has no warm one."""
    for row in part["row"]:
        pace = row.seconds
        for state in LINES if compiles(row.record) else (EMPTY,):
            paid = costs(row.record, state)
            if len(paid) and math.isfinite(paid.sum()):
                yield row, state, np.median(paid) + pace * iterations


def _frame(grid: Any, iterations: Any) -> None:
    """Axes that leave room for the strips, below all the lines."""
    drawn = [line.get_ydata() for axes in grid.flat for line in axes.lines]
    low, high = (np.min(drawn), np.max(drawn)) if drawn else (0.1, 10.0)
    room = (math.log10(high / low) + 0.2) * 2.6 * STRIP / (1 - 2.6 * STRIP)
    decades = [10.0**power for power in range(math.ceil(math.log10(low)), math.ceil(math.log10(high)))]
    for axes in grid.flat:
        axes.set(xscale="log", yscale="log", xlim=(1, iterations[-1]))
        axes.set_ylim(low / 10 ** (room + 0.1), high * 10**0.1)
        axes.xaxis.set_major_locator(LogLocator(numticks=12))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.yaxis.set_major_locator(FixedLocator(decades))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} s" if value >= 1 else units.seconds(value))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        axes.grid()
    for axes in grid[-1]:
        axes.set_xlabel("iterations (log axis)")
    for axes in grid[:, 0]:
        axes.set_ylabel("seconds in all")


def _strips(axes: Axes, part: pd.DataFrame, iterations: Any, looks: Any, named: bool) -> None:
    """At the bottom: which backend has cost the least so far, with empty and with warm caches."""
    totals = list(_totals(part, iterations))
    for bottom, state in ((1.3 * STRIP, EMPTY), (0.1 * STRIP, WARM)):
        those = [(row, total) for row, is_in, total in totals if is_in == state or not compiles(row.record)]
        if not any(is_in == state and compiles(row.record) for row, is_in, _ in totals):
            continue
        best = np.argmin([total for _, total in those], axis=0)
        edges = [0, *(np.flatnonzero(np.diff(best)) + 1), len(best) - 1]
        for begin, end in itertools.pairwise(edges):
            look = {"color": looks[those[best[begin]][0].backend]["color"], "lw": 0, "zorder": 3}
            axes.axvspan(iterations[begin], iterations[end], bottom, bottom + STRIP, **look)
        if named:
            about: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "center", "fontsize": 7}
            axes.text(-0.02, bottom + STRIP / 2, f"cheapest, {state}", **about)
