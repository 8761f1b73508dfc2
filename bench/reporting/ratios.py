"""Rows of `frames.cases` compared with the baseline, with the yardstick and with the roofline of the same run."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.cases.case import NAMES
from bench.records.record import MEASURED
from bench.reporting.baseline import BASELINE_DEVICE
from bench.reporting.columns import Columns, with_ends
from bench.statistics.intervals import Interval, quotient
from bench.statistics.roofline import YARDSTICK, YARDSTICK_VARIANT, roofline

SPEEDUP = with_ends(("speedup", "speedup_low", "speedup_high"), "seconds of the baseline over those of the case")
MULTIPLES: Columns = {
    **with_ends(
        ("native_multiple", "native_multiple_low", "native_multiple_high"),
        "its seconds over those of the yardstick, `native` of `tuned`, of the same run, device, dtype and size; empty"
        " where that was not timed",
    ),
    "roofline_seconds": "in which x and y are read once, as fast as the yardstick read them; the least that any step of"
    " this size can take",
    "roofline_multiple": "its seconds over these",
}
Row = dict[str, Any]


def compare(rows: Iterable[Row], baseline: str) -> None:
    """Give the measured rows their speedup and their multiples, where what they are compared with was measured too.

    A variant that has no such backend is compared with the one of YARDSTICK_VARIANT.
    """
    timed = [row for row in rows if row["outcome"] == MEASURED]
    bases = [row for row in timed if row["backend"] == baseline and row["device"] == BASELINE_DEVICE]
    by_variant = {_peers(row): row for row in bases}
    tuned = {_peers(row, "variant"): row for row in bases if row["variant"] == YARDSTICK_VARIANT}
    for row in timed:
        base = by_variant.get(_peers(row)) or tuned.get(_peers(row, "variant"))
        if base is not None:
            found, processes = ratio(row, base)
            row |= dict(zip(SPEEDUP, (found.value, found.low, found.high), strict=True))
            row |= {"baseline_variant": base["variant"], "baseline_seconds": base["seconds"]}
            row |= {"shared_processes": processes}
    _measure(timed)


def _measure(timed: Sequence[Row]) -> None:
    """Give rows their multiples of the yardstick and of the roofline, of the same device."""
    told = [row for row in timed if row["backend"] == YARDSTICK and row["variant"] == YARDSTICK_VARIANT]
    yardsticks = {(row["device"], *_peers(row, "variant")): (row, roofline(row["record"].kept)) for row in told}
    for row in timed:
        if (there := yardsticks.get((row["device"], *_peers(row, "variant")))) is not None:
            yardstick, least = there
            found, _ = ratio(yardstick, row)
            values = (found.value, found.low, found.high, least, row["seconds"] / least)
            row |= dict(zip(MULTIPLES, values, strict=True))


def _peers(row: Mapping[str, Any], *without: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("run", *NAMES) if name not in ("device", "backend", *without))


def ratio(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Interval, int]:
    """Seconds of b over those of a, rows of one run, with its 95 % interval; and how many processes they share.

    Cases of a group take turns, and are paired by process. Those of two variants do not: their figures are compared,
    which are of one quiet state. Nor do those of two devices: then the ends of the interval are NaN.
    """
    if a["device"] != b["device"]:
        return Interval(b["seconds"] / a["seconds"], math.nan, math.nan), 0
    first, second = a["record"].case, b["record"].case
    if first.group != second.group:
        figures = a["model"].figures
        return quotient(figures[first].net, figures[second].net), 0
    shared = len({*a["net"].process.tolist()} & {*b["net"].process.tolist()})
    return a["model"].ratio(first, second), shared
