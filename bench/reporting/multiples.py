"""Every case as a multiple of the yardstick, and of the least that the machine allows."""

import math
from typing import Any

import pandas as pd

from bench.reporting import tables, units
from bench.reporting.section import Section
from bench.statistics.roofline import YARDSTICK, YARDSTICK_VARIANT, least_bytes


def text(group: pd.DataFrame) -> str:
    """What the roofline is, and a Markdown table: a row a variant, a column a backend."""
    return f"{_roofline(group)}\n\n{tables.grid(group, multiple)}"


def multiple(row: Any) -> str:
    """How many times what the yardstick takes, and how many times the roofline: "9.10x native, 12.0x roofline"."""
    told = "" if math.isnan(row.roofline_multiple) else f", {units.significant(row.roofline_multiple)}x roofline"
    if row.backend == YARDSTICK:
        return f"yardstick{told}"
    ends = (row.native_multiple_low, row.native_multiple_high)
    bracket = "" if math.isnan(sum(ends)) else " ({} to {})".format(*map(units.significant, ends))
    return f"{units.significant(row.native_multiple)}x {YARDSTICK}{bracket}{told}"


def _roofline(group: pd.DataFrame) -> str:
    known = group.dropna(subset="roofline_seconds")
    if not len(known):
        return "The yardstick read nothing in this run, so there is no roofline."
    case, seconds = known["record"].iloc[0].case, known["roofline_seconds"].iloc[0]
    moved = least_bytes(case)
    rate = f"{units.significant(moved / seconds / 1e9)} GB/s"
    return f"Roofline: {units.memory(moved)} read at {rate} in {units.seconds(seconds)}."


def _no_yardstick(group: pd.DataFrame) -> str | None:
    there = group["native_multiple"].notna().any()
    return None if there else f"`{YARDSTICK}` of `{YARDSTICK_VARIANT}` was not timed at this size."


SECTION = Section(
    "Against the machine",
    f"""
The seconds of a case over those of the yardstick, `{YARDSTICK}` of `{YARDSTICK_VARIANT}`, of the same run, device,
dtype and size, and over the roofline. The *yardstick* is the same step written for nothing but speed. The *roofline* is
the least that any step can take: to read x and y once, as the yardstick did right after each of its rounds (what a
quarter of its reads undercut), from whatever level of cache or memory they were in. In brackets, 95 % intervals.""",
    (),
    text,
    ("iteration-time",),
    _no_yardstick,
    wanted=lambda frame: bool(frame["native_multiple"].notna().any()),
)
