"""What a section of the report consists of."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from bench.records.record import MEASURED
from bench.reporting import frames


@dataclass(frozen=True)
class Picture:
    """What is drawn of each group of cases that agree in `by`; usual: also unless all pictures are asked for."""

    name: str
    draw: Callable[[pd.DataFrame], Figure]
    by: list[str]
    usual: bool = False


@dataclass(frozen=True)
class Section:
    """One question: its pictures, its table, what to know about them, and why a group may have nothing to show.

    by: what the cases of a group share; tables: what those of a table do; wanted: whether there is such a section at
    all, by all cases of the report.
    """

    title: str
    text: str
    pictures: tuple[Picture, ...]
    table: Callable[[pd.DataFrame], str]
    csv: tuple[str, ...]
    nothing: Callable[[pd.DataFrame], str | None]
    by: tuple[str, ...] = tuple(frames.FIGURE)
    tables: tuple[str, ...] = tuple(frames.TABLE)
    wanted: Callable[[pd.DataFrame], bool] = lambda frame: True


def nothing_timed(group: pd.DataFrame) -> str | None:
    """Why a group has no timings to show; None where it has."""
    return None if (group["outcome"] == MEASURED).any() else "nothing was timed."
