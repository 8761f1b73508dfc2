"""The pictures, each a matplotlib Figure of the cases that share one: a run, a device, a size; panels are the dtypes.

A case without a figure leaves a hole, which is drawn as one and says why.
"""

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, LogFormatter, MaxNLocator, NullFormatter

from bench import units
from bench.canvas import GREY, ROW, beside, by_case, figure_of, hole, look, name_rows, styles
from bench.frames import PARTS, losses, present, right
from bench.record import MEASURED


@look
def iteration_time(group: pd.DataFrame) -> Figure:
    """Every round of every case, in seconds per iteration on a log axis, beside its median."""
    dtypes, variants, backends = list(group["dtype"].unique()), present(group, "variant"), present(group, "backend")
    labels = [label for variant in variants for label in (variant, *backends)]  # a variant's name is a row of its own
    heads = range(0, len(labels), len(backends) + 1)
    figure = figure_of("Time of one iteration: every round (|) and the median", group, ROW * len(labels) + 0.6)
    panels = figure.subplots(1, len(dtypes), squeeze=False, sharey=True, sharex=True)[0]
    for axes, dtype in zip(panels, dtypes, strict=True):
        name_rows(axes, labels, heads)
        axes.set(title=dtype, xscale="log", xlabel="seconds per iteration (log axis)")
        axes.set_xlim(*_decades(group))
        axes.xaxis.set_major_formatter(EngFormatter("s"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(axis="x")
        rows = by_case(group, dtype)
        for head, variant in zip(heads, variants, strict=True):
            for y, backend in enumerate(backends, head + 1):
                _rounds(axes, y, rows.get((variant, backend)), styles(group)[backend], 110 // len(dtypes))
    return figure


def _decades(group: pd.DataFrame) -> tuple[float, float]:
    """Whole decades that hold every round, and the label to the right of the slowest."""
    low, high = group["min_seconds"].min(), group["max_seconds"].max()
    return 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high * 3))


def _rounds(axes: Axes, y: int, row: Any, style: Mapping[str, Any], width: int) -> None:
    if row is None or row.outcome != MEASURED:
        beside(axes, y, hole(row, width))
        return
    times = [one["seconds"] for one in row.record.rounds]
    axes.plot(times, [y] * len(times), ls="-", lw=1, marker="|", ms=9, color=style["color"])
    axes.plot(row.median_seconds, y, ms=5, **style)
    axes.annotate(
        units.seconds(row.median_seconds), (max(times), y), (7, 0), textcoords="offset points", va="center", fontsize=8
    )


@look
def cold_start(group: pd.DataFrame) -> Figure:
    """What comes before the second iteration, in seconds, in parts: a row of panels, with its own axis, a backend."""
    dtypes, variants, backends = list(group["dtype"].unique()), present(group, "variant"), present(group, "backend")
    what = "Cost before the second iteration; every backend has its own axis"
    figure = figure_of(what, group, len(backends) * (ROW * len(variants) + 0.55) + 0.4)
    grid = figure.subplots(len(backends), len(dtypes), squeeze=False, sharex="row", sharey=True)
    for panels, backend in zip(grid, backends, strict=True):
        for axes, dtype in zip(panels, dtypes, strict=True):
            axes.set_title(f"{backend}, {dtype}", loc="left")
            axes.xaxis.set_major_formatter(EngFormatter("s"))
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.tick_params(axis="y", length=0)
            rows = by_case(group, dtype)
            for y, variant in enumerate(variants):
                _stack(axes, y, rows.get((variant, backend)), 110 // len(dtypes))
        most = group.loc[group["backend"] == backend, "total_seconds"].max()
        if most > 0:
            panels[0].set_xlim(0, 1.2 * most)
        else:
            panels[0].set_xticks([])
    name_rows(grid[0, 0], variants)
    handles = [Patch(label=PARTS[name] + note, **look) for name, (note, look) in STACK.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


# The worker pays for the first two once, and its cases share them: grey.
STACK: dict[str, tuple[str, dict[str, Any]]] = {
    "import_seconds": (" (once a worker)", {"facecolor": "#555555", "edgecolor": "white"}),
    "startup_seconds": (" (once a worker)", {"facecolor": "#bbbbbb", "edgecolor": "white", "hatch": "////"}),
    "build_seconds": ("", {"facecolor": "#0072B2", "edgecolor": "white"}),
    "first_call_seconds": ("", {"facecolor": "#E69F00", "edgecolor": "white"}),
}


def _stack(axes: Axes, y: int, row: Any, width: int) -> None:
    if row is None or math.isnan(row.total_seconds):
        beside(axes, y, hole(row, width))
        return
    begin = 0.0
    for name, (_, style) in STACK.items():
        axes.barh(y, getattr(row, name), 0.75, left=begin, linewidth=0, **style)
        begin += getattr(row, name)
    axes.annotate(units.seconds(begin), (begin, y), (4, 0), textcoords="offset points", va="center", fontsize=8)


@look
def loss(group: pd.DataFrame) -> Figure:
    """The loss of every backend over the exact one, and how far from it, relatively: a row of panels a variant."""
    variants, dtype = present(group, "variant"), group["dtype"].iloc[0]
    figure = figure_of("Loss, beside that of the exact fit", group, 1.7 * len(variants) + 0.6)
    grid = figure.subplots(len(variants), 2, squeeze=False, sharex=True)
    for panels, variant in zip(grid, variants, strict=True):
        part = group[group["variant"] == variant]
        _missing(panels[0], variant, part)
        _loss(panels[0], panels[1], part, float(np.finfo(dtype).eps))
    for axes in grid[-1]:
        axes.set_xlabel("step")
    figure.align_ylabels(grid)
    exact = Line2D([], [], label="exact", **EXACT)
    drawn = present(group[right(group)], "backend")
    handles = [Line2D([], [], label=name, **THIN, **styles(group)[name]) for name in drawn]
    figure.legend(handles=[exact, *handles], loc="outside lower center", ncols=4, frameon=False)
    return figure


EXACT: dict[str, Any] = {"color": "#c8c8c8", "lw": 5, "marker": "o", "ms": 5, "mew": 0}
THIN: dict[str, Any] = {"lw": 0.8, "ms": 5, "mfc": "none"}


def _missing(axes: Axes, variant: str, part: pd.DataFrame) -> None:
    """Name the panel, and the backends that are not in it."""
    absent = [f"{row.backend}: {row.outcome}" for row in part[~right(part)].itertuples()]
    note = f" (not drawn: {', '.join(absent)})" if absent else ""
    axes.set_title(textwrap.fill(f"{variant}{note}", 100), loc="left")


def _loss(left: Axes, relative: Axes, part: pd.DataFrame, eps: float) -> None:
    points = losses(part)
    exact = points.drop_duplicates("step")
    left.plot(exact["step"], exact["exact_loss"], **EXACT)
    drawn = list(points["backend"].unique())
    for i, backend in enumerate(drawn):
        one = points[points["backend"] == backend]
        # Markers take turns, for the curves lie on each other.
        every = max(1, min(len(drawn), len(one) // 3))
        look = {**THIN, **styles(part)[backend], "markevery": (i % every, every)}
        left.plot(one["step"], one["loss"], **look)
        relative.plot(one["step"], one["relative_error"].clip(lower=eps / 4), **look)
    _dress(left, "loss", part)
    _dress(relative, "|loss - exact| / exact", part)
    relative.axhline(eps, color=GREY, lw=0.8, ls="--")
    relative.text(1.01, eps, "eps", transform=relative.get_yaxis_transform(), va="center", fontsize=8, color=GREY)
    relative.set_ylim(bottom=eps / 4)


def _dress(axes: Axes, what: str, part: pd.DataFrame) -> None:
    """A log axis with plain numbers, and the horizon where it comes before the end."""
    axes.set(yscale="log", ylabel=what)
    axes.yaxis.set_major_formatter(LogFormatter())
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.5)))
    for horizon in part.loc[part["horizon"] < part["steps"], "horizon"].unique():
        axes.axvline(horizon, color=GREY, lw=0.8, ls=":")
    if not right(part).any():
        axes.text(0.5, 0.7, "no backend came to be right", transform=axes.transAxes, ha="center", color=GREY)
