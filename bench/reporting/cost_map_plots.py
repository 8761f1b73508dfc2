"""The picture of the cheapest backend over sizes and numbers of steps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator
from scipy import ndimage

from bench.reporting.canvas import GREY, figure_of, look, styles
from bench.statistics.cheapest import Map, cheapest
from bench.statistics.cold_start import EMPTY, WARM
from bench.statistics.cost import Cost

STATES = (EMPTY, WARM)
HEIGHT = 3.4  # inches of a panel
MOST_STEPS = 1e7
FINE = 240  # places along an axis
TINT = 0.7  # of a field's colour, the rest white, so that text is read on it
PALE = 0.3  # the same where the cheapest is not told apart from the next
LINE, LETTER = 15, 5  # places that a name takes up, and each of its letters across
HALO: dict[str, Any] = {"linewidth": 2, "foreground": "white"}
MEASURED: dict[str, Any] = {"color": "black", "marker": "^", "ls": "", "ms": 5}


@look
def cost_map(group: pd.DataFrame) -> Figure:
    """Which backend costs the least, over points (across) and steps (up), both axes log, with empty and warm caches: a
    field each in its colour, the borders where two cost the same, and the sizes that were measured.
    """
    costs = known(group)
    measured = sorted({float(size) for cost in costs for size in cost.growth.sizes})
    points = np.geomspace(min(one.growth.lowest for one in costs), max(one.growth.highest for one in costs), FINE)
    maps = {state: cheapest(costs, points, np.geomspace(1, MOST_STEPS, FINE), state) for state in STATES}
    colours = {name: style["color"] for name, style in styles(group).items()}
    figure = figure_of(f"The backend that costs the least in all: {group['variant'].iloc[0]}", group, HEIGHT)
    panels = figure.subplots(1, len(STATES), sharex=True, sharey=True)
    for axes, (state, found) in zip(panels, maps.items(), strict=True):
        axes.set_title(f"a fresh process, {state} caches", loc="left")
        _fields(axes, found, colours)
        _names(axes, found)
        low: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "zorder": 5}
        axes.plot(measured, [0.0] * len(measured), **MEASURED, clip_on=False, gid="measured", **low)
    _dress(panels)
    _legend(figure, list(maps.values()), colours)
    return figure


def known(group: pd.DataFrame) -> list[Cost]:
    """Of the cases of one variant, in the order in which backends are shown."""
    there = group[group["cost"].notna()].drop_duplicates("backend")
    return list(there.sort_values("backend")["cost"])


def _best(found: Map) -> list[int]:
    """The places of the cases that are the cheapest somewhere."""
    return np.unique(found.best[found.known]).tolist()


def _fields(axes: Axes, found: Map, colours: Mapping[str, str]) -> None:
    tints = [_tint(colours[one.case.backend], tint) for tint in (TINT, PALE) for one in found.costs]
    places = np.where(found.told_apart, found.best, found.best + len(found.costs))
    field = np.ma.masked_where(~found.known, places)
    limits: dict[str, Any] = {"vmin": -0.5, "vmax": len(tints) - 0.5, "shading": "nearest", "rasterized": True}
    axes.pcolormesh(found.points, found.steps, field, cmap=ListedColormap(tints), **limits)
    for place in _best(found):
        margin = np.ma.masked_invalid(found.margin(place))
        if margin.min() < 0 < margin.max():
            border = axes.contour(found.points, found.steps, margin, [0.0], colors="black", linewidths=0.9)
            border.set_gid("border")


def _tint(colour: str, share: float) -> Any:
    return share * np.array(to_rgb(colour)) + 1 - share


def _names(axes: Axes, found: Map) -> None:
    """In the middle of each field that has room for it."""
    for place in _best(found):
        name, inside = found.costs[place].case.backend, found.known & (found.best == place)
        free = ndimage.binary_erosion(inside, np.ones((LINE, LETTER * (len(name) + 2))))
        depth = ndimage.distance_transform_edt(np.pad(free, 1))[1:-1, 1:-1]
        if depth.any():
            i, j = np.unravel_index(int(depth.argmax()), depth.shape)
            about: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8, "fontweight": "bold", "gid": "name"}
            axes.text(found.points[j], found.steps[i], name, path_effects=[withStroke(**HALO)], **about)


def _dress(panels: Sequence[Axes]) -> None:
    for axes in panels:
        axes.set(xscale="log", yscale="log", xlabel="points (log axis)", ylim=(1, MOST_STEPS))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(numticks=12))
            axis.set_major_formatter(EngFormatter(sep=""))
            axis.set_minor_locator(NullLocator())
        axes.grid(color=GREY, alpha=0.25, lw=0.5)
    panels[0].set_ylabel("iterations (log axis)")


def _legend(figure: Figure, maps: Sequence[Map], colours: Mapping[str, str]) -> None:
    """All that are the cheapest somewhere, small as their field may be; and above, those that are not."""
    best, costs = {place for one in maps for place in _best(one)}, list(enumerate(maps[0].costs))
    names = [one.case.backend for place, one in costs if place in best]
    nowhere = [one.case.backend for place, one in costs if place not in best]
    handles = [
        *(Patch(label=name, facecolor=_tint(colours[name], TINT), ec="black", lw=0.6) for name in names),
        Line2D([], [], label="a size that was measured", **MEASURED),
    ]
    nobody = f"; cheapest nowhere: {', '.join(nowhere)}" if nowhere else ""
    title = f"pale: not told apart from the next{nobody}"
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, title=title, title_fontsize=9)
