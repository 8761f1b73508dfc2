"""The state that the machine of a run was in: in words, as data by turn, and as a picture over time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from bench.records.meanings import meanings
from bench.records.record import MEASURED
from bench.records.rounds import Rounds
from bench.reporting.canvas import COLOURS, GREY, figure_of, look
from bench.reporting.columns import Columns
from bench.reporting.frames import GROUP
from bench.statistics.model import Model
from bench.statistics.restlessness import restlessness, slow_down
from bench.statistics.states import FACTORS, Array, Turns

SLOWER = (
    "by how much its controls took longer than in the machine's quiet state, as a fraction of 1; below 0 they took less"
)
TURNS: Columns = {
    **meanings(Rounds, "process", "turn"),
    "time": "when its first round after the warm-up ended, in seconds since 1970",
    **dict.fromkeys(FACTORS, SLOWER),
}
BAND = (0.1, 0.9)  # quantiles over the turns of a group in a process


def turns(frame: pd.DataFrame) -> pd.DataFrame:
    """A row a turn of a group: when it ended, and by how much the machine was slower there than in its quiet state, as
    a fraction of 1.
    """
    groups = {(row.run, row.net.group): row for row in frame[frame["outcome"] == MEASURED].itertuples()}
    parts = [
        pd.DataFrame(
            {name: getattr(groups[run, one.group], name) for name in GROUP}
            | {"process": one.process, "turn": one.turn, "time": one.time}
            | dict(zip(FACTORS, slow_down(model, one.state).T, strict=True))
        )
        for run, model in _models(frame).items()
        for one in model.turns
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*GROUP, *TURNS])


def _models(frame: pd.DataFrame) -> dict[str, Model[Any]]:
    """By run, of those that timed something."""
    return {row.run: row.model for row in frame[frame["outcome"] == MEASURED].itertuples()}


def told(group: pd.DataFrame) -> str:
    """How restless the machine of a run was, in a line."""
    (model,) = _models(group).values()
    return f"The machine: {restlessness(model)}.\n"


def unknown(group: pd.DataFrame) -> str | None:
    """Why there is no state to show of a run's machine; None where there is."""
    if not (found := _models(group)):
        return "nothing was timed."
    (model,) = found.values()
    known = np.isfinite(model.quiet.state[0]) and any(np.isfinite(one.time).all() for one in model.turns)
    return None if known else f"{restlessness(model)}."


@look
def state(group: pd.DataFrame) -> Figure:
    """How much slower than in its quiet state a run's machine was over time: a panel a factor."""
    (model,) = _models(group).values()
    drawn = [one for one in model.turns if np.isfinite(one.time).all()]
    begun = min(float(one.time[0]) for one in drawn)
    known = [i for i, _ in enumerate(FACTORS) if all(np.isfinite(one.state[:, i]).all() for one in drawn)]
    what = "The machine over time: how much slower than in its quiet state"
    lines = "line: median of a group's turns; band: the middle 80 % of them; grey and white: processes"
    figure = figure_of(f"{what}\n{lines}", group, 1.9 * len(known) + 0.4)
    panels = figure.subplots(len(known), 1, squeeze=False, sharex=True)[:, 0]
    for axes, i in zip(panels, known, strict=True):
        axes.axhline(0, color=GREY, lw=0.8)
        axes.grid(axis="y")
        axes.set_ylabel(f"{FACTORS[i]} (% slower)")
        _turns(axes, drawn, begun, [100 * slow_down(model, one.state)[:, i] for one in drawn], COLOURS[i])
        for process in sorted({one.process for one in drawn})[1::2]:
            minutes = np.concatenate([one.time for one in drawn if one.process == process]) / 60 - begun / 60
            axes.axvspan(minutes.min(), minutes.max(), color="#f2f2f2", lw=0, zorder=0, gid="process")
    panels[-1].set_xlabel("minutes since the first turn ended")
    return figure


def _turns(axes: Axes, drawn: Sequence[Turns], begun: float, slower: Sequence[Array], colour: str) -> None:
    """A band and a median of each, as two artists in all: there may be thousands."""
    ends = [((one.time.min() - begun) / 60, (one.time.max() - begun) / 60) for one in drawn]
    bands = [np.quantile(each, BAND) for each in slower]
    boxes = [[(a, low), (b, low), (b, high), (a, high)] for (a, b), (low, high) in zip(ends, bands, strict=True)]
    lines = [[(a, middle), (b, middle)] for (a, b), middle in zip(ends, map(np.median, slower), strict=True)]
    axes.add_collection(PolyCollection(boxes, color=colour, alpha=0.3, lw=0.5, gid="band"))
    axes.add_collection(LineCollection(lines, color=colour, lw=1.6, capstyle="projecting", gid="median"))
    axes.autoscale_view()
