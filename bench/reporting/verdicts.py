"""The table of a comparison for readers: in text for a terminal, or in Markdown."""

import math
from collections.abc import Iterator, Sequence

from tabulate import tabulate

from bench.cases.choice import MOST_PROCESSES
from bench.reporting import units
from bench.reporting.escaping import escape
from bench.statistics.decision import CONFIDENCE, ERROR, FASTER, SAME, SLOWER, UNDECIDED
from bench.statistics.gate import verdict_of
from bench.statistics.intervals import Interval
from bench.statistics.verdict import APPEARED, FAILED, NOT_COMPARED, VANISHED, Row, Table
from bench.support.errors import printable
from bench.support.words import span

LARGEST = 1e4  # no ratio beyond it is told
FEW = 1.0  # where only a larger slowdown would have shown, as a fraction of 1, the data are too few to be of use
NAMED = 3  # cases that are named where several share a reason
REST = (FAILED, NOT_COMPARED, VANISHED, APPEARED)  # what has a line below the table
VERDICTS = (SLOWER, FASTER, SAME, UNDECIDED, *REST)
TITLES = ("case", "old", "new", "new / old", "verdict", "digits")
CODE = "generated code"  # a column more, where a compiler told of it


def text(table: Table) -> str:
    """For a terminal: a line a case that is in both runs, then what holds for all, and the other cases."""
    parts = [f"old: {table.old}\nnew: {table.new}"]
    if cells := _cells(table):
        align = ("left", "right", "right", "left", "left", "left", "left")[: len(cells[0])]
        # Without disable_numparse, "5.30" would be printed as 5.3.
        parts.append(tabulate(cells, _titles(table), "simple", colalign=align, disable_numparse=True))
    return printable("\n\n".join([*parts, "\n".join(_summary(table))]))


def markdown(table: Table) -> str:
    """For GitHub: the same, under the verdict on all cases together."""
    parts = [f"### fitbench: {verdict_of(table)}", _items([f"old: {table.old}", f"new: {table.new}"])]
    if cells := [[escape(cell) for cell in row] for row in _cells(table)]:
        parts.append(tabulate(cells, _titles(table), "github", disable_numparse=True))
    return "\n\n".join([*parts, _items(_summary(table))])


def _items(lines: Sequence[str] | Iterator[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)


def _cells(table: Table) -> list[tuple[str, ...]]:
    told = _titles(table)
    return [_row(row, table.paired)[: len(told)] for row in table.rows if row.ratio is not None]


def _titles(table: Table) -> tuple[str, ...]:
    return (*TITLES, CODE) if any(row.code is not None for row in table.rows) else TITLES


def _row(row: Row, paired: bool) -> tuple[str, ...]:
    assert row.old is not None and row.new is not None and row.ratio is not None and row.own is not None
    verdict = f"{row.verdict} ({_undecided(row, paired)})" if row.verdict == UNDECIDED else row.verdict
    digits = " -> ".join("?" if one is None else f"{one:.1f}" for one in (row.old_digits, row.new_digits))
    return (
        row.case.id,
        units.seconds(row.old),
        units.seconds(row.new),
        _ratio(Interval(row.ratio.value, *row.own)),
        verdict,
        digits,
        row.code or "",
    )


def _undecided(row: Row, paired: bool) -> str:
    """Why, what would decide, and what would have been decided."""
    more = [] if row.more is None else [_more(row.more, paired)]
    if row.reason is not None:
        return "; ".join([row.reason, *more])
    across = [f"the interval of {row.processes} processes reaches the threshold"] if more else []
    return "; ".join([*across, *more, _smallest(row)])


def _smallest(row: Row) -> str:
    assert row.smallest is not None
    if row.smallest > LARGEST:
        return "too few processes: no slowdown would have shown"
    size = f"a slowdown of {units.significant(100 * row.smallest, 2)} % would have shown"
    return size if row.smallest <= FEW else f"too few processes: only {size}"


def _more(processes: float, paired: bool) -> str:
    if processes > MOST_PROCESSES:
        near = "it is too near the threshold for more processes to decide"
        return near if paired else "more processes would not decide, for what lies between the two sessions is too much"
    each = "" if paired else " in each run"
    return f"about {processes:.0f} more process{'es' * (processes > 1)}{each} would decide"


def _ratio(ratio: Interval) -> str:
    """ "1.012 (0.9804 to 1.045)"; without what is not known."""
    if math.isnan(ratio.value):
        return "unknown"
    known = "" if math.isnan(ratio.low) else f" ({_end(ratio.low)} to {_end(ratio.high)})"
    return f"{units.significant(ratio.value, 4)}{known}"


def _end(value: float) -> str:
    """One end of an interval, which may be far out where next to nothing is known."""
    return "0" if value < 1 / LARGEST else "infinity" if value > LARGEST else units.significant(value, 4)


def counts(table: Table) -> dict[str, int]:
    """How many cases have each verdict."""
    return {verdict: sum(row.verdict == verdict for row in table.rows) for verdict in VERDICTS}


def _summary(table: Table) -> Iterator[str]:
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts(table).items() if count or verdict == SLOWER)
    paired = f"ratios are paired by process and turn{_made(table)}, and need not be those of the two medians"
    separate = "runs of different times, their seconds at one quiet state of the machine"
    kind = paired if table.paired else separate
    own = f"ratios with the {100 * (1 - 2 * ERROR):.0f} % interval of each case by itself"
    confidence = f"{own}; {100 * CONFIDENCE:.0f} % confidence in all slower and faster together that there is a change"
    yield f"{told}; threshold {100 * table.threshold:.3g} %; {confidence}; {kind}"
    if table.geometric_mean is not None:
        yield f"geometric mean of new / old: {_ratio(table.geometric_mean)}"
    yield from _machine(table)
    yield from (f"changed: {change}" for change in table.changed)
    if table.unlike:
        yield f"compared although unlike: {', '.join(table.unlike)}"
    yield from (f"cut short: {name}: it ended before all that was planned was measured" for name in table.cut_short)
    yield from (f"lost: {told}" for told in table.lost)
    for verdict in REST:
        yield from _rest(verdict, [row for row in table.rows if row.verdict == verdict])


def _made(table: Table) -> str:
    """Of how many processes: an A/B run makes no more of a case than it takes to decide."""
    numbers = {row.processes for row in table.rows if row.processes is not None}
    return f", {span(numbers)} process{'es' * (numbers != {1})} a case" if numbers else ""


def _machine(table: Table) -> Iterator[str]:
    """What the controls say of runs that were made at different times, and what would decide better than these."""
    if table.states:
        told = ", ".join(f"{name} {units.significant(value, 3)}" for name, value in table.states.items())
        known = "" if table.correlation is None else f"; what is left correlates with it by {table.correlation:.2f}"
        yield f"the machine's own state, new / old, which is taken away: {told}{known}"
    elif not table.paired and table.geometric_mean is not None:
        yield "no control tells of the machine in all of these runs: what it did itself is not taken away"
    if table.together is not None:
        yield f"in one run, in turns, it would be decided: {table.together}"


def _rest(verdict: str, rows: Sequence[Row]) -> Iterator[str]:
    """A line a reason: a framework that is not installed is one for all its cases."""
    for reason in dict.fromkeys(row.reason for row in rows):
        names = [row.case.id for row in rows if row.reason == reason]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"{verdict}: {', '.join(names[:NAMED])}{more}: {reason}"
