"""The speedup by threads, as data and as a table."""

from typing import Any

import pandas as pd

from bench.reporting import tables, units
from bench.reporting.columns import Columns
from bench.reporting.frames import INTERVAL, KEYS, RESOURCES, TABLE
from bench.reporting.section import Section
from bench.reporting.thread_ratios import THREADS

COLUMNS: Columns = {"threads": RESOURCES["threads"], "seconds": INTERVAL["seconds"], **THREADS}


def threads(frame: pd.DataFrame) -> pd.DataFrame:
    """A row a case and run, of the cases that were timed with several numbers of threads."""
    return frame.loc[frame["thread_speedup"].notna(), [*KEYS, *COLUMNS]]


def text(group: pd.DataFrame) -> str:
    """A Markdown table: a row a case, a column a number of threads."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in group[group["thread_speedup"].notna()].sort_values("threads", kind="stable")["row"]:
        title = f"{row.threads} threads" if row.threads > 1 else "1 thread"
        cells.setdefault((row.variant, row.backend), {})[title] = _cell(row)
    rows = [{"variant": variant, "backend": backend, **each} for (variant, backend), each in cells.items()]
    return tables.markdown(pd.DataFrame(rows))


def _cell(row: Any) -> str:
    if row.threads == row.fewest_threads:
        return units.seconds(row.seconds)
    speed = units.speeds(row.thread_speedup, row.thread_speedup_low, row.thread_speedup_high)
    return f"{speed}, {units.seconds(row.seconds)}"


def _alone(group: pd.DataFrame) -> str | None:
    return None if group["thread_speedup"].notna().any() else "no case was timed with several numbers of threads."


SECTION = Section(
    "Threads",
    """
The same cases in runs that differ in nothing but the threads that they really used: seconds per iteration with the
fewest, over those with more. In brackets, 95 % intervals that hold for all cases of two runs together. The sides of an
A/B run (`bench.ab --a . --b . --b-threads 2`) are paired by process; between runs of other times lies what sessions
differ by.""",
    (),
    text,
    ("threads",),
    _alone,
    by=tuple(name for name in TABLE if name != "run"),
    tables=tuple(name for name in TABLE if name != "run"),
    wanted=lambda frame: bool(frame["thread_speedup"].notna().any()),
)
