"""What all pictures share: their look, their titles, rows with names, and holes that say why.

No state is global: figures are made without pyplot, and drawn by the Agg and SVG canvases.
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.backends import backends
from bench.reporting.frames import about

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
look = matplotlib.rc_context(LOOK)  # decorates whatever draws
# Okabe and Ito's palette, which the colour-blind can tell apart; the yellow last, for it is faint on white.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">"]  # one more than colours, so that the pairs repeat late
GREY = "#777777"
WARNING = "#B00020"


@look
def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG and SVG, at the path with these endings added."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)  # or each file would be laid out anew, which takes as long as drawing
    figure.savefig(f"{path}.png")
    figure.savefig(f"{path}.svg", metadata={"Date": None})


def figure_of(what: str, group: pd.DataFrame, height: float) -> Figure:
    """An empty figure, entitled with what it shows and which cases it is about."""
    figure = Figure(figsize=(WIDTH, height + 0.8), layout="constrained", dpi=150)
    cases = textwrap.wrap(about(group), 110, max_lines=3, placeholder=" ...")  # or a long name would leave no room
    figure.suptitle("\n".join([what, *cases]))
    return figure


def styles(group: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """A colour and a marker for each backend, the same in every report: by its place among all that are known."""
    names = dict.fromkeys([*backends(), *group["backend"].cat.categories])
    return {
        name: {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]} for i, name in enumerate(names)
    }


def rows_of(group: pd.DataFrame, dtype: str) -> dict[tuple[str, str], Any]:
    """The rows of one panel by variant and backend."""
    return {(row.variant, row.backend): row for row in group.loc[group["dtype"] == dtype, "row"]}


def hole(row: Any, width: int, lines: int = 1) -> str:
    """Why there is nothing to draw: the outcome and as much of the reason as fits."""
    if row is None:
        return "not in this run"
    reason = "not recorded" if pd.isna(row.reason) else row.reason
    return "\n".join(textwrap.wrap(f"{row.outcome}: {reason}", width, max_lines=lines, placeholder=" ..."))


def name_rows(axes: Axes, labels: list[str], heads: Sequence[int] = ()) -> None:
    """Name the rows of a panel, the first at the top; those at `heads` are headings."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    for i, label in enumerate(axes.get_yticklabels()):
        label.set_fontweight("bold" if i in heads else "normal")


def beside(axes: Axes, y: float, text: str) -> None:
    """Text at the left edge of a row, for what cannot be drawn."""
    axes.text(0.02, y, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8, style="italic", color=GREY)
