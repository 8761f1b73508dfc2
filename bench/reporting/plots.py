"""The pictures, each a matplotlib Figure of the cases that share one: a run, a device, a size; panels are the dtypes.

A case without a figure leaves a hole, which is drawn as one and says why.
"""

import math
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, FixedLocator, LogFormatter, NullFormatter, NullLocator

from bench.records.record import MEASURED
from bench.reporting import units
from bench.reporting.canvas import GREY, ROW, WARNING, beside, figure_of, hole, look, name_rows, rows_of, styles
from bench.reporting.frames import losses, net, present, right

MIDDLE = (0.05, 0.95)  # quantiles of the rounds that are drawn: a few are slower by any factor


@look
def iteration_time(group: pd.DataFrame) -> Figure:
    """Every case in seconds per iteration on a log axis: its rounds, its processes, its figure and the interval, all
    net of the machine.
    """
    state = "at the machine's quiet state" if net(group) else "as read"
    figure, panels = _rows(f"Time of one iteration {state}: {DRAWN}", group)
    low, high = _decades(group)
    for axes in panels:
        axes.set(xscale="log", xlabel="seconds per iteration (log axis)", xlim=(low, high))
        axes.xaxis.set_major_formatter(EngFormatter("s"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    for axes, y, row, style in _cases(group, panels):
        begin, end = _sampled(axes, y, row, style, lambda seconds: seconds)
        left = pd.notna(row.unstable) and begin / low > high / end
        _say(axes, y, begin if left else end, _modes(row) or units.seconds(row.seconds), row, left)
    return figure


@look
def processes(group: pd.DataFrame) -> Figure:
    """The same relative to the figure of the case, in per cent, which shows whether its processes agree."""
    figure, panels = _rows(f"Do processes agree? Relative to the figure of a case: {DRAWN}", group)
    ends: list[float] = []
    for axes in panels:
        axes.set_xscale("symlog", linthresh=TICKS[0], linscale=0.5)
        axes.set_xlabel("beside the figure of the case (%, log axis beyond 1 %)")
        axes.axvline(0, color=GREY, lw=0.8)
    for axes, y, row, style in _cases(group, panels):
        ends += _sampled(axes, y, row, style, _beside(row.seconds))
        _say(axes, y, ends[-1], _modes(row), row)
    most = max([TICKS[1], *np.abs(ends)])
    ticks = [tick for tick in TICKS if tick <= most]
    for axes in panels:
        axes.set_xlim(-most * 1.3, most * 60)  # room for the two figures
        axes.xaxis.set_major_locator(FixedLocator([*(-tick for tick in reversed(ticks)), 0, *ticks]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:+g}" if value else "0")
    return figure


DRAWN = """figure (filled), its 95 % interval,
processes (hollow), the middle 90 % of rounds (band). Shaded: unstable, and its two figures"""
TICKS = (1, 5, 20, 100)  # per cent


def _beside(middle: float) -> Callable[[Any], Any]:
    """Seconds as what they are above or below the middle, in per cent."""
    return lambda seconds: 100 * (seconds / middle - 1)


def _rows(what: str, group: pd.DataFrame) -> tuple[Figure, Sequence[Axes]]:
    """A figure with a panel a dtype, which have a row a case, variant by variant."""
    variants, backends = present(group, "variant"), present(group, "backend")
    labels = [label for variant in variants for label in (variant, *backends)]  # a variant's name is a row of its own
    figure = figure_of(what, group, ROW * len(labels) + 0.8)
    dtypes = list(group["dtype"].unique())
    panels = figure.subplots(1, len(dtypes), squeeze=False, sharey=True, sharex=True)[0]
    for axes, dtype in zip(panels, dtypes, strict=True):
        name_rows(axes, labels, range(0, len(labels), len(backends) + 1))
        axes.set_title(dtype)
        axes.grid(axis="x")
    return figure, panels


def _cases(group: pd.DataFrame, panels: Sequence[Axes]) -> Iterator[tuple[Axes, int, Any, Mapping[str, Any]]]:
    """Where each timed case goes in the panels of `_rows`, and its style; says why, where there is a hole."""
    variants, backends, look = present(group, "variant"), present(group, "backend"), styles(group)
    for axes in panels:
        rows = rows_of(group, axes.get_title())
        for i, variant in enumerate(variants):
            for y, backend in enumerate(backends, i * (len(backends) + 1) + 1):
                row = rows.get((variant, backend))
                if row is None or row.outcome != MEASURED:
                    beside(axes, y, hole(row, 110 // len(panels)))
                else:
                    yield axes, y, row, look[backend]


def _sampled(
    axes: Axes, y: int, row: Any, style: Mapping[str, Any], scale: Callable[[Any], Any]
) -> tuple[float, float]:
    """Draw what was sampled of a case, in seconds that are scaled; returns the ends of what was drawn."""
    seconds = np.exp(row.net.net)
    medians = scale(row.paces)
    band = scale(np.quantile(seconds, MIDDLE))
    interval = scale(np.array([row.low_seconds, row.high_seconds]))
    axes.plot(band, [y, y], lw=6, color=style["color"], alpha=0.25, solid_capstyle="butt", gid="band")
    axes.plot(interval, [y, y], lw=1.2, marker="|", ms=6, color=style["color"], gid="interval")
    axes.plot(medians, [y] * len(medians), **style, ls="", ms=5, mfc="none", mew=0.8, gid="processes")
    axes.plot(scale(row.seconds), y, **style, ms=3.5, gid="median")
    if pd.notna(row.unstable):
        axes.axhspan(y - 0.5, y + 0.5, color=WARNING, alpha=0.12, lw=0, gid="unstable")
        modes = scale(np.array([row.mode_a_seconds, row.mode_b_seconds]))
        axes.plot(modes, [y, y], ls="", marker="|", ms=13, mew=1.5, color=WARNING, gid="modes")
    drawn = [*medians, *band, *interval[~np.isnan(interval)]]
    return min(drawn), max(drawn)


def _decades(group: pd.DataFrame) -> tuple[float, float]:
    """Whole decades that hold what is drawn, and the label to the right of the slowest."""
    seconds = [np.quantile(np.exp(row.net.net), MIDDLE) for row in group.loc[group["outcome"] == MEASURED, "row"]]
    return 10.0 ** math.floor(math.log10(np.min(seconds))), 10.0 ** math.ceil(math.log10(np.max(seconds) * 3))


def _modes(row: Any) -> str:
    """The two figures of an unstable case, in the order of its evidence: "27.3 or 32.7 µs"; nothing of another."""
    if pd.isna(row.unstable):
        return ""
    one, other = units.alike(row.mode_a_seconds, row.mode_b_seconds)
    return f"{one} to {other}" if row.unstable_kind == "drift" else f"{one} or {other}"


def _say(axes: Axes, y: int, x: float, text: str, row: Any, left: bool = False) -> None:
    """Text beside what is drawn of a case."""
    axes.annotate(
        text,
        (x, y),
        (-7 if left else 7, 0),
        textcoords="offset points",
        va="center",
        ha="right" if left else "left",
        fontsize=8,
        color="black" if pd.isna(row.unstable) else WARNING,
    )


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
MOST_POINTS = 2000  # of a curve
THIN: dict[str, Any] = {"lw": 0.8, "ms": 5, "mfc": "none"}


def _missing(axes: Axes, variant: str, part: pd.DataFrame) -> None:
    """Name the panel, and the backends that are not in it."""
    absent = [f"{row.backend}: {row.outcome}" for row in part.loc[~right(part), "row"]]
    note = f" (not drawn: {', '.join(absent)})" if absent else ""
    axes.set_title(textwrap.fill(f"{variant}{note}", 100), loc="left")


def _loss(left: Axes, relative: Axes, part: pd.DataFrame, eps: float) -> None:
    points = losses(part)
    exact = _thinned(points.drop_duplicates("step"))
    left.plot(exact["step"], exact["exact_loss"], **EXACT)
    drawn = list(points["backend"].unique())
    for i, backend in enumerate(drawn):
        one = _thinned(points[points["backend"] == backend])
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


def _thinned(points: pd.DataFrame) -> pd.DataFrame:
    """As many checkpoints as can be told apart in a picture, evenly spread."""
    return points.iloc[:: math.ceil(len(points) / MOST_POINTS) or 1]


def _dress(axes: Axes, what: str, part: pd.DataFrame) -> None:
    """A log axis with plain numbers, and the horizon where it comes before the end."""
    axes.set(yscale="log", ylabel=what)
    axes.yaxis.set_major_formatter(LogFormatter())
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.5)))
    for horizon in part.loc[part["horizon"] < part["steps"], "horizon"].unique():
        axes.axvline(horizon, color=GREY, lw=0.8, ls=":")
    if not right(part).any():
        axes.text(0.5, 0.7, "no backend came to be right", transform=axes.transAxes, ha="center", color=GREY)
