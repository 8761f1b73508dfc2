"""The pictures that are tables: a cell a case, coloured and annotated; panels are the dtypes."""

import itertools
import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bench.records.record import MEASURED
from bench.reporting import units
from bench.reporting.baseline import BASELINE_DEVICE
from bench.reporting.canvas import figure_of, hole, look, name_rows, rows_of
from bench.reporting.frames import present
from bench.reporting.tables import speed, speeds
from bench.support.errors import printable


@dataclass(frozen=True)
class Scale:
    """How a heat map colours its values, and what it writes into a cell and beside the colours."""

    norm: Normalize
    colours: str
    cell: Callable[[Any], str]
    ticks: dict[float, str]


@look
def speedup(group: pd.DataFrame) -> Figure:
    """How much faster than the baseline each case is, on a log scale centred at as fast."""
    ratios = group["speedup"].dropna()
    most = max([2.0, *ratios, *(1 / ratios)])
    base, power = (10.0, int(math.log10(most))) if most >= 10 else (2.0, int(math.log2(most)))
    ticks = {base**i: units.speed(base**i, digits=1) for i in (-power, 0, power)}
    width = _width(group)
    scale = Scale(LogNorm(1 / most, most), "RdBu", lambda row: _speed(row, width), ticks)
    baseline = f"{group['baseline'].iloc[0]} on the {BASELINE_DEVICE}"
    others = group.loc[group["baseline_variant"] != group["variant"], "baseline_variant"].dropna().unique()
    whose = " or of ".join(["of the same variant", *map(printable, others)])
    what = f"Speed against {baseline}, {whose}, with its 95 % interval"
    return _heat_map(what, group, "speedup", lambda dtype: scale)


def _speed(row: Any, width: int) -> str:
    """The speed, its interval below it, and whether the case is unstable."""
    words, bracket, interval = speeds(row).partition("(")
    doubt = "" if pd.isna(row.unstable) else "unstable"
    return "\n".join(textwrap.fill(line, width) for line in (words.strip(), bracket + interval, doubt) if line)


@look
def digits(group: pd.DataFrame) -> Figure:
    """Digits of agreement with the exact fit, on a scale from none to as many as the dtype holds."""

    def scale(dtype: str) -> Scale:
        most = -math.log10(np.finfo(dtype).eps / 2)
        ticks = {0.0: "no digit", most: f"{most:.1f} digits"}
        return Scale(Normalize(0, most), "cividis", lambda row: f"{row.digits:.1f}", ticks)

    what = "Digits of agreement with the exact fit: of the worst error up to the horizon, of single steps beyond"
    return _heat_map(what, group, "digits", scale)


def _width(group: pd.DataFrame) -> int:
    """How many characters fit into a cell."""
    return max(8, 100 // len(present(group, "backend")))


def _heat_map(what: str, group: pd.DataFrame, column: str, scale: Callable[[str], Scale]) -> Figure:
    dtypes, variants, backends = list(group["dtype"].unique()), present(group, "variant"), present(group, "backend")
    width = _width(group)
    figure = figure_of(what, group, len(dtypes) * (0.48 * len(variants) + 0.8))
    for axes, dtype in zip(figure.subplots(len(dtypes), 1, squeeze=False)[:, 0], dtypes, strict=True):
        chosen = scale(dtype)
        colours = ScalarMappable(chosen.norm, chosen.colours)
        axes.set_title(dtype)
        axes.set_xlim(-0.5, len(backends) - 0.5)
        axes.set_xticks(range(len(backends)), [textwrap.fill(name, width) for name in backends])
        name_rows(axes, variants)
        axes.set_ylim(len(variants) - 0.5, -0.5)
        axes.tick_params(length=0)
        rows = rows_of(group, dtype)
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
        text, ink, size = scale.cell(row), "black" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white", 8
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, **look))
    box = {"facecolor": look["facecolor"], "edgecolor": "none", "pad": 1}
    axes.text(x, y, text, ha="center", va="center", color=ink, fontsize=size, bbox=box)


def _empty(row: Any, width: int) -> str:
    """Why a cell has no value: a hole, or a case without its baseline."""
    if row is not None and row.outcome == MEASURED:
        return textwrap.fill(speed(row), width)
    return hole(row, width, lines=3)
