"""What one iteration of a case consists of, and what a way of writing costs, in text for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tabulate import tabulate

from bench.anatomy.iteration import Iteration, Part
from bench.cases.case import Case
from bench.reporting import units
from bench.statistics.intervals import Interval
from bench.statistics.roofline import ARRAYS, least_bytes
from bench.support.errors import printable
from bench.support.words import counted

MOST_PARTS = 9
SHOWN = 0.02  # of the seconds: what takes less is not named


@dataclass(frozen=True)
class Explanation:
    """One case explained.

    seconds, few_seconds: per iteration, of the case and of one with so `few` points; call_seconds: of one call that
    makes one step there; profile: the fractions of its seconds there, by what they go to; page_faults: per iteration,
    None where the system tells none; threads: that it was given.
    """

    case: Case
    threads: int
    iteration: Iteration
    seconds: float
    few: int
    few_seconds: float
    call_seconds: float
    profile: Mapping[str, float]
    page_faults: float | None = None


def text(explanation: Explanation) -> str:
    """In one screen."""
    return printable("\n".join(_lines(explanation)))


def _lines(one: Explanation) -> Iterator[str]:
    case = one.case
    threads = counted(one.threads, "thread")
    yield f"{case.variant}, {case.backend}, {case.device}, {case.dtype}, {case.points} points, {threads}"
    yield ""
    faults = "" if not one.page_faults or one.page_faults < 0.01 else f", {one.page_faults:.2g} page faults"
    yield f"An iteration takes {units.seconds(one.seconds)}{faults}; it consists of {one.iteration.kind}:"
    if one.iteration.parts:
        yield tabulate(_cells(one.iteration.parts), ("", "count", "reads", "writes"), "simple", disable_numparse=True)
    yield from (f"- {note}" for note in one.iteration.notes)
    yield from _moved(one)
    yield ""
    yield (
        f"With {one.few} points it takes {units.seconds(one.few_seconds)}, "
        f"and a call that makes one step {units.seconds(one.call_seconds)}: what a step costs whatever N. It goes to"
    )
    yield from (f"- {share:.0%} {name}" for name, share in one.profile.items() if share >= SHOWN)


def _cells(parts: Sequence[Part]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]]
    rows = [(part.name, f"{part.count:g}", _told(part.reads), _told(part.writes)) for part in parts[:MOST_PARTS]]
    if rest := parts[MOST_PARTS:]:
        moved = (sum(part.reads or 0.0 for part in rest), sum(part.writes or 0.0 for part in rest))
        rows.append((f"{len(rest)} others", f"{sum(part.count for part in rest):g}", *map(_told, moved)))
    return rows


def _told(arrays: float | None) -> str:
    return "?" if arrays is None else f"{arrays:.3g}"


def _moved(one: Explanation) -> Iterator[str]:
    """The bytes, against the least that any step has to read."""
    case, iteration = one.case, one.iteration
    if not iteration.parts:
        return
    size = least_bytes(case) / ARRAYS
    least = "" if iteration.whole else "at least "
    allocated = "" if iteration.allocated is None else f", {iteration.allocated:.3g} of them newly allocated"
    moved = f"{least}{iteration.arrays:.3g}, {units.memory(iteration.arrays * size)}{allocated}"
    yield (
        f"Arrays of N read and written: {moved}; "
        f"x and y alone are {ARRAYS}, {units.memory(least_bytes(case))}: {iteration.arrays / ARRAYS:.3g} times that"
    )


def taxes(few: int, processes: int, rows: Sequence[tuple[Case, Interval, Interval | None]]) -> str:
    """rows: a case, its seconds per iteration, and what it takes more than the first of its backend; None of that one.
    Seconds may be negative there.
    """
    cells = [
        (case.backend, case.variant, units.spread(own.value, own.low, own.high), "" if more is None else _more(more))
        for case, own, more in rows
    ]
    table = tabulate(
        cells, ("backend", "variant", "an iteration", "more than the first"), "simple", disable_numparse=True
    )
    about = f"With {few} points, in turns in {processes} fresh processes; medians with 95 % intervals over processes:"
    return printable(f"{about}\n\n{table}")


def _more(more: Interval) -> str:
    values = (more.value, more.low, more.high)
    unit, name = next(
        ((unit, name) for unit, name in units.SECONDS if max(map(abs, values)) >= unit), units.SECONDS[-1]
    )
    value, low, high = (f"{each / unit:+.3g}" for each in values)
    return f"{value} {name} ({low} to {high})"
