"""The pictures, each a matplotlib Figure of the cases that share one: a run, a device, a size; panels are the dtypes.

No state is global: figures are made without pyplot, and drawn by the Agg and SVG canvases. What a case that has no
figure leaves is a hole, which is drawn as one and says why.
"""

import itertools
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import EngFormatter, LogFormatter, MaxNLocator, NullFormatter

from bench import units
from bench.record import MEASURED
from bench.tables import BASELINE, BASELINE_DEVICE, PARTS, about, losses, present, right, speed

WIDTH, ROW = 9.0, 0.2  # inches; shown 900 pixels wide, 10 points are 14 pixels
LOOK = {
    "font.size": 9,
    "axes.titlesize": 10,
    "figure.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid.which": "major",
    "axes.unicode_minus": False,
    "grid.color": "#dddddd",
    "hatch.linewidth": 0.6,
    "text.parse_math": False,  # a reason may hold dollars
    "svg.hashsalt": "fitbench",  # the same records make the same file
}
_look = matplotlib.rc_context(LOOK)  # decorates whatever draws
# Okabe and Ito's palette, which the colour-blind can tell apart; the yellow last, for it is faint on white.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">"]  # one more than colours, so that the pairs repeat late
GREY = "#777777"


@_look
def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG and SVG, at the path with these endings added."""
    figure.savefig(f"{path}.png", dpi=150)
    figure.savefig(f"{path}.svg", metadata={"Date": None})


def _figure(what: str, group: pd.DataFrame, height: float) -> Figure:
    """An empty figure, entitled with what it shows and which cases it is about."""
    figure = Figure(figsize=(WIDTH, height + 0.8), layout="constrained")
    figure.suptitle(f"{what}\n" + textwrap.fill(about(group), 110))
    return figure


def _styles(group: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """A colour and a marker for each backend, by its place among all backends of the report."""
    return {
        name: {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, name in enumerate(group["backend"].cat.categories)
    }


def _by_case(group: pd.DataFrame, dtype: str) -> dict[tuple[str, str], Any]:
    """The rows of one panel by variant and backend."""
    return {(row.variant, row.backend): row for row in group[group["dtype"] == dtype].itertuples()}


def _hole(row: Any, width: int, lines: int = 1) -> str:
    """Why there is nothing to draw: the outcome and as much of the reason as fits."""
    if row is None:
        return "not in this run"
    reason = "not recorded" if pd.isna(row.reason) else row.reason
    return "\n".join(textwrap.wrap(f"{row.outcome}: {reason}", width, max_lines=lines, placeholder=" ..."))


def _rows(axes: Axes, labels: list[str], heads: Sequence[int] = ()) -> None:
    """Name the rows of a panel, the first at the top; those at `heads` are headings."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    for i, label in enumerate(axes.get_yticklabels()):
        label.set_fontweight("bold" if i in heads else "normal")


def _beside(axes: Axes, y: float, text: str) -> None:
    """Text at the left edge of a row, for what cannot be drawn."""
    axes.text(0.02, y, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8, style="italic", color=GREY)


# ---------------------------------------------------------------------------------------------------- iteration time


@_look
def iteration_time(group: pd.DataFrame) -> Figure:
    """Every round of every case, in seconds per iteration on a log axis, beside its median."""
    dtypes, variants, backends = list(group["dtype"].unique()), present(group, "variant"), present(group, "backend")
    labels = [label for variant in variants for label in (variant, *backends)]  # a variant's name is a row of its own
    heads = range(0, len(labels), len(backends) + 1)
    figure = _figure("Time of one iteration: every round (|) and the median", group, ROW * len(labels) + 0.6)
    panels = figure.subplots(1, len(dtypes), squeeze=False, sharey=True, sharex=True)[0]
    for axes, dtype in zip(panels, dtypes, strict=True):
        _rows(axes, labels, heads)
        axes.set(title=dtype, xscale="log", xlabel="seconds per iteration (log axis)")
        axes.set_xlim(*_decades(group))
        axes.xaxis.set_major_formatter(EngFormatter("s"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(axis="x")
        rows = _by_case(group, dtype)
        for head, variant in zip(heads, variants, strict=True):
            for y, backend in enumerate(backends, head + 1):
                _rounds(axes, y, rows.get((variant, backend)), _styles(group)[backend], 110 // len(dtypes))
    return figure


def _decades(group: pd.DataFrame) -> tuple[float, float]:
    """Whole decades that hold every round, and the label to the right of the slowest."""
    low, high = group["min_seconds"].min(), group["max_seconds"].max()
    return 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high * 3))


def _rounds(axes: Axes, y: int, row: Any, style: Mapping[str, Any], width: int) -> None:
    if row is None or row.outcome != MEASURED:
        _beside(axes, y, _hole(row, width))
        return
    times = [one["seconds"] for one in row.record.rounds]
    axes.plot(times, [y] * len(times), ls="-", lw=1, marker="|", ms=9, color=style["color"])
    axes.plot(row.median_seconds, y, ms=5, **style)
    axes.annotate(
        units.seconds(row.median_seconds), (max(times), y), (7, 0), textcoords="offset points", va="center", fontsize=8
    )


# ---------------------------------------------------------------------------------------------------- heat maps


@dataclass(frozen=True)
class Scale:
    """How a heat map colours its values, and what it writes into a cell and beside the colours."""

    norm: Normalize
    colours: str
    cell: Callable[[Any], str]
    ticks: dict[float, str]


@_look
def speedup(group: pd.DataFrame) -> Figure:
    """How much faster than the baseline each case is, on a log scale centred at as fast."""
    ratios = group["speedup"].dropna()
    most = max([2.0, *ratios, *(1 / ratios)])
    base, power = (10.0, int(math.log10(most))) if most >= 10 else (2.0, int(math.log2(most)))
    ticks = {base**i: units.speed(base**i, digits=1) for i in (-power, 0, power)}
    scale = Scale(LogNorm(1 / most, most), "RdBu", lambda row: speed(row).replace("x ", "x\n"), ticks)
    what = f"Speed against {BASELINE} on the {BASELINE_DEVICE}, of the same variant (ratio of medians)"
    return _heat_map(what, group, "speedup", lambda dtype: scale)


@_look
def digits(group: pd.DataFrame) -> Figure:
    """Digits of agreement with the exact fit, on a scale from none to as many as the dtype holds."""

    def scale(dtype: str) -> Scale:
        most = -math.log10(np.finfo(dtype).eps / 2)
        ticks = {0.0: "no digit", most: f"{most:.1f} digits"}
        return Scale(Normalize(0, most), "cividis", lambda row: f"{row.digits:.1f}", ticks)

    what = "Agreement with the exact fit: decimal digits of the worst error, of as many as the dtype holds"
    return _heat_map(what, group, "digits", scale)


def _heat_map(what: str, group: pd.DataFrame, column: str, scale: Callable[[str], Scale]) -> Figure:
    dtypes, variants, backends = list(group["dtype"].unique()), present(group, "variant"), present(group, "backend")
    width = max(8, 100 // len(backends))  # characters that fit into a cell
    figure = _figure(what, group, len(dtypes) * (0.45 * len(variants) + 0.8))
    for axes, dtype in zip(figure.subplots(len(dtypes), 1, squeeze=False)[:, 0], dtypes, strict=True):
        chosen = scale(dtype)
        colours = ScalarMappable(chosen.norm, chosen.colours)
        axes.set_title(dtype)
        axes.set_xlim(-0.5, len(backends) - 0.5)
        axes.set_xticks(range(len(backends)), [textwrap.fill(name, width) for name in backends])
        _rows(axes, variants)
        axes.set_ylim(len(variants) - 0.5, -0.5)
        axes.tick_params(length=0)
        rows = _by_case(group, dtype)
        for (y, variant), (x, backend) in itertools.product(enumerate(variants), enumerate(backends)):
            _cell(axes, x, y, rows.get((variant, backend)), column, chosen, colours, width)
        bar = figure.colorbar(colours, ax=axes, pad=0.01, aspect=12)
        bar.set_ticks(list(chosen.ticks), labels=list(chosen.ticks.values()))
        bar.minorticks_off()
    return figure


def _cell(axes: Axes, x: int, y: int, row: Any, column: str, scale: Scale, colours: ScalarMappable, width: int) -> None:
    value = math.nan if row is None else getattr(row, column)
    look: dict[str, Any] = {"facecolor": "white", "edgecolor": "#cccccc", "hatch": "////"}
    text, ink, size = _empty(row, width), "#333333", 7
    if not math.isnan(value):
        red, green, blue, _ = shade = colours.to_rgba(np.asarray(value))
        look = {"facecolor": shade, "edgecolor": "white"}
        text, ink, size = scale.cell(row), "black" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white", 9
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, **look))
    box = {"facecolor": look["facecolor"], "edgecolor": "none", "pad": 1}
    axes.text(x, y, text, ha="center", va="center", color=ink, fontsize=size, bbox=box)


def _empty(row: Any, width: int) -> str:
    """Why a cell has no value: a hole, or a case without its baseline."""
    if row is not None and row.outcome == MEASURED:
        return textwrap.fill(speed(row), width)
    return _hole(row, width, lines=3)


# ---------------------------------------------------------------------------------------------------- cold start


@_look
def cold_start(group: pd.DataFrame) -> Figure:
    """What comes before the second iteration, in seconds, in parts: a row of panels, with its own axis, a backend."""
    dtypes, variants, backends = list(group["dtype"].unique()), present(group, "variant"), present(group, "backend")
    what = "Cost before the second iteration; every backend has its own axis"
    figure = _figure(what, group, len(backends) * (ROW * len(variants) + 0.55) + 0.4)
    grid = figure.subplots(len(backends), len(dtypes), squeeze=False, sharex="row", sharey=True)
    for panels, backend in zip(grid, backends, strict=True):
        for axes, dtype in zip(panels, dtypes, strict=True):
            axes.set_title(f"{backend}, {dtype}", loc="left")
            axes.xaxis.set_major_formatter(EngFormatter("s"))
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.tick_params(axis="y", length=0)
            rows = _by_case(group, dtype)
            for y, variant in enumerate(variants):
                _stack(axes, y, rows.get((variant, backend)), 110 // len(dtypes))
        most = group.loc[group["backend"] == backend, "total_seconds"].max()
        if most > 0:
            panels[0].set_xlim(0, 1.2 * most)
        else:
            panels[0].set_xticks([])
    _rows(grid[0, 0], variants)
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
        _beside(axes, y, _hole(row, width))
        return
    begin = 0.0
    for name, (_, look) in STACK.items():
        axes.barh(y, getattr(row, name), 0.75, left=begin, linewidth=0, **look)
        begin += getattr(row, name)
    axes.annotate(units.seconds(begin), (begin, y), (4, 0), textcoords="offset points", va="center", fontsize=8)


# ---------------------------------------------------------------------------------------------------- loss


@_look
def loss(group: pd.DataFrame) -> Figure:
    """The loss of every backend over the exact one, and how far from it, relatively: a row of panels a variant."""
    variants, dtype = present(group, "variant"), group["dtype"].iloc[0]
    figure = _figure("Loss, beside that of the exact fit", group, 1.7 * len(variants) + 0.6)
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
    handles = [Line2D([], [], label=name, **THIN, **_styles(group)[name]) for name in drawn]
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
        look = {**THIN, **_styles(part)[backend], "markevery": (i % every, every)}
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
