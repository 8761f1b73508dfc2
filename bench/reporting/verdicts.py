"""The table of a comparison, in text for a terminal."""

import math
from collections.abc import Iterator

from tabulate import tabulate

from bench.reporting import units
from bench.statistics.decision import CONFIDENCE, FASTER, SAME, SLOWER, UNDECIDED
from bench.statistics.intervals import Interval
from bench.statistics.verdict import APPEARED, FAILED, VANISHED, Row, Table

LARGEST = 1e4  # no ratio beyond it is told
TITLES = ("case", "old", "new", "new / old", "verdict", "digits")


def text(table: Table) -> str:
    """The table for a terminal: a line a case that is in both runs, then what holds for all, and the other cases."""
    cells = [_cells(row) for row in table.rows if row.ratio is not None]
    parts = [f"old: {table.old}\nnew: {table.new}"]
    if cells:
        align = ("left", "right", "right", "left", "left", "left")
        # Without disable_numparse, "5.30" would be printed as 5.3.
        parts.append(tabulate(cells, TITLES, "simple", colalign=align, disable_numparse=True))
    return units.printable("\n\n".join([*parts, "\n".join(_summary(table))]))


def _cells(row: Row) -> tuple[str, ...]:
    assert row.old is not None and row.new is not None and row.ratio is not None
    verdict = f"{row.verdict} ({_undecided(row)})" if row.verdict == UNDECIDED else row.verdict
    digits = " -> ".join("?" if one is None else f"{one:.1f}" for one in (row.old_digits, row.new_digits))
    return row.case.id, units.seconds(row.old), units.seconds(row.new), _ratio(row.ratio), verdict, digits


def _undecided(row: Row) -> str:
    if row.reason is not None:
        return row.reason
    assert row.smallest is not None
    if row.smallest > LARGEST:
        return "could have shown nothing"
    return f"could have shown {units.significant(100 * row.smallest, 2)} %"


def _ratio(ratio: Interval) -> str:
    """ "1.012 (0.9804 to 1.045)"; without what is not known."""
    if math.isnan(ratio.value):
        return "unknown"
    known = "" if math.isnan(ratio.low) else f" ({_end(ratio.low)} to {_end(ratio.high)})"
    return f"{units.significant(ratio.value, 4)}{known}"


def _end(value: float) -> str:
    """One end of an interval, which may be far out where next to nothing is known."""
    return "0" if value < 1 / LARGEST else "infinity" if value > LARGEST else units.significant(value, 4)


def _summary(table: Table) -> Iterator[str]:
    counts = {verdict: sum(row.verdict == verdict for row in table.rows) for verdict in (SLOWER, FASTER, SAME)}
    counts |= {verdict: sum(row.verdict == verdict for row in table.rows) for verdict in (UNDECIDED, FAILED)}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count or verdict == SLOWER)
    paired = "ratios are paired by process and turn, and need not be those of the two medians"
    kind = paired if table.paired else "two separate runs"
    confidence = f"{100 * CONFIDENCE:.0f} % confidence in all together"
    yield f"{told}; threshold {100 * table.threshold:.3g} %; {confidence}; {kind}"
    if table.geometric_mean is not None:
        yield f"geometric mean of new / old: {_ratio(table.geometric_mean)}"
    if table.drift is not None:
        yield f"the machine's own yardstick, new / old: {table.drift:.3f}; the intervals hold with it and without it"
    yield from (f"changed: {change}" for change in table.changed)
    for verdict in (FAILED, APPEARED, VANISHED):
        yield from (f"{verdict}: {row.case.id}: {row.reason}" for row in table.rows if row.verdict == verdict)
