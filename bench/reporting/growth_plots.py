"""The picture of how the time of an iteration grows with the points."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from bench.reporting.canvas import GREY, figure_of, look, styles
from bench.reporting.frames import present
from bench.statistics.roofline import ARRAYS

HEIGHT, ACROSS = 2.7, 2  # inches of a panel, and panels in a row
ROOFLINE: dict[str, Any] = {"color": "black", "ls": "--", "lw": 1.0, "marker": ".", "ms": 3}


@look
def growth(group: pd.DataFrame) -> Figure:
    """Seconds per iteration over points, both axes log: a panel a variant and dtype, a line a backend, through its
    figures and their intervals; the roofline below them.
    """
    timed = group[group["seconds"].notna()]
    parts = list(timed.groupby(["variant", "dtype"], sort=False, observed=True))
    across = min(ACROSS, len(parts))
    down = -(-len(parts) // across)
    figure = figure_of(
        "Time of one iteration over the points, and what is predicted between them", group, HEIGHT * down + 0.5
    )
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[len(parts) :]:
        axes.set_visible(False)
    for axes, ((variant, dtype), part) in zip(grid.flat, parts, strict=False):
        axes.set_title(f"{variant}, {dtype}", loc="left")
        _lines(axes, part, styles(group))
        _roofline(axes, part)
    _dress(grid, across, len(parts))
    for axes, ((_, dtype), part) in zip(grid.flat, parts, strict=False):
        _levels(axes, part["caches"].iloc[0] if part["device"].iloc[0] == "cpu" else {}, dtype)
    _legend(figure, timed, styles(group))
    return figure


def _lines(axes: Axes, part: pd.DataFrame, looks: Mapping[str, Any]) -> None:
    for backend in present(part, "backend"):
        rows = part[part["backend"] == backend].sort_values("points")
        ends = np.array([rows["seconds"] - rows["low_seconds"], rows["high_seconds"] - rows["seconds"]])
        style = looks[backend]
        axes.errorbar(rows["points"], rows["seconds"], np.nan_to_num(ends), **style, ls="", ms=4, lw=1, gid="figures")
        if (line := rows["growth"].iloc[0]) is not None:
            sizes = np.geomspace(line.sizes[0], line.sizes[-1], 200)
            axes.plot(sizes, line.seconds(sizes), color=style["color"], lw=1.2, gid="fitted")


def _roofline(axes: Axes, part: pd.DataFrame) -> None:
    """The least seconds of each size, joined; they are the same for all backends."""
    known = part.dropna(subset="roofline_seconds").drop_duplicates("points").sort_values("points")
    if len(known):
        axes.plot(known["points"], known["roofline_seconds"], **ROOFLINE, gid="roofline")


def _levels(axes: Axes, caches: Mapping[str, int], dtype: str) -> None:
    """Where x and y outgrow a cache, as far as that is in the picture; named at the top."""
    low, high = axes.get_xlim()
    for name, size in caches.items():
        points = size / (ARRAYS * np.dtype(dtype).itemsize)
        if low < points < high:
            axes.axvline(points, color=GREY, lw=0.7, ls=":", zorder=0, gid="cache")
            about: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "ha": "right", "va": "top"}
            axes.text(points * 0.93, 0.99, name, fontsize=7, color=GREY, **about)


def _dress(grid: Any, across: int, count: int) -> None:
    for i, axes in enumerate(grid.flat[:count]):
        axes.set(xscale="log", yscale="log")
        axes.xaxis.set_major_locator(LogLocator(numticks=12))
        axes.yaxis.set_major_locator(LogLocator(numticks=12))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.yaxis.set_major_formatter(EngFormatter("s"))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        axes.grid()
        if i + across >= count:  # nothing is below
            axes.set_xlabel("points (log axis)")
            axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel("seconds per iteration")


def _legend(figure: Figure, timed: pd.DataFrame, looks: Mapping[str, Any]) -> None:
    handles = [Line2D([], [], label=name, ms=4, lw=1.2, **looks[name]) for name in present(timed, "backend")]
    if timed["roofline_seconds"].notna().any():
        handles.append(Line2D([], [], label="roofline: x and y read once", **ROOFLINE))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
