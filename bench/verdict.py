"""Two runs compared: which cases are faster, slower or the same, which are undecided, and which are in one run only."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.case import Case
from bench.decision import Array, Decision, Reading, decisions, geometric_mean, two_samples
from bench.errors import InputError
from bench.estimate import Columns, Interval, kept, log_ratios, process_medians
from bench.record import FAILED as BROKEN
from bench.record import MEASURED, Record, Run

Rounds = Sequence[tuple[Columns, Columns]]  # of old and of new, a case each

FAILED, APPEARED, VANISHED = "failed", "appeared", "vanished"


@dataclass(frozen=True)
class Row:
    """One case of a table. old, new: seconds per iteration; digits: of agreement. None where there is none."""

    case: Case
    verdict: str
    reason: str | None = None
    old: float | None = None
    new: float | None = None
    ratio: Interval | None = None
    smallest: float | None = None
    old_digits: float | None = None
    new_digits: float | None = None


@dataclass(frozen=True)
class Table:
    """Two runs compared. geometric_mean: of new / old over the cases that are in both, or None; drift: the yardstick's
    new / old, or None where runs are paired or lack it; changed: the software that differs, in words.
    """

    old: str
    new: str
    rows: tuple[Row, ...]
    geometric_mean: Interval | None
    threshold: float
    paired: bool
    drift: float | None
    changed: tuple[str, ...]


def decide(old: Run, new: Run, threshold: float) -> Table:
    """Compare two runs, case by case. threshold: a fraction of 1, as 0.05.

    Raises InputError for one side of an A/B run given twice, for runs without a case to compare, and for a run that
    holds a case twice or has no raw rounds of it.
    """
    sides = are_sides(old, new)
    found = by_case(old), by_case(new)
    rest = [row for case in dict.fromkeys([*found[0], *found[1]]) if (row := _unmatched(case, *found))]
    compared, mean, drift = [], None, None
    if cases := measured_in_both(old, new):
        rounds = [(_rounds(old, found[0][case]), _rounds(new, found[1][case])) for case in cases]
        readings = _paired_readings(rounds) if sides else _unpaired_readings(cases, rounds)
        decided = decisions(readings, threshold)
        records = [(found[0][case], found[1][case]) for case in cases]
        compared = [_row(*each) for each in zip(cases, decided, records, rounds, strict=True)]
        mean, drift = geometric_mean(readings), None if sides else _drift(rounds)
    elif all(row.verdict != FAILED for row in rest):
        raise InputError(f"no case was measured in both runs; {_holds(old)}, and {_holds(new)}")
    names, changed = (_name(old), _name(new)), tuple(_changes(old, new, sides))
    return Table(*names, (*compared, *rest), mean, threshold, sides, drift, changed)


def are_sides(old: Run, new: Run) -> bool:
    """Whether they are the two sides of one A/B run. Raises InputError if they are one side of it."""
    first, second = (about(run).get("comparison") or {} for run in (old, new))
    if first.get("id") is None or first.get("id") != second.get("id"):
        return False
    if first["side"] == second["side"]:
        raise InputError(f"{old.path} and {new.path}: both are side {first['side']} of one A/B run; expected a and b")
    return True


def by_case(run: Run) -> dict[Case, Record]:
    """The records of a run. Raises InputError if it holds a case twice."""
    found: dict[Case, Record] = {}
    for one in run.records:
        case = Case(one.variant, one.backend, one.device, one.dtype, one.points)
        if found.setdefault(case, one) is not one:
            raise InputError(f"{run.path}: {case.id}: the run holds this case twice")
    return found


def measured_in_both(old: Run, new: Run) -> list[Case]:
    """The cases that can be compared, in the order of the old run. Raises InputError as by_case."""
    first, second = ([case for case, one in by_case(run).items() if one.outcome == MEASURED] for run in (old, new))
    return [case for case in first if case in second]


def _holds(run: Run) -> str:
    measured = [case.id for case, one in by_case(run).items() if one.outcome == MEASURED]
    more = f" and {len(measured) - 3} more" if len(measured) > 3 else ""
    return f"{run.path} has {', '.join(measured[:3]) or 'none'}{more}"


def _rounds(run: Run, record: Record) -> Columns:
    case = f"{run.path}: {record.variant}, {record.backend}"
    try:
        columns = kept(record)
    except (TypeError, ValueError) as error:
        raise InputError(f"{case}: its rounds are damaged ({error}); expected numbers") from None
    if not len(columns.get("seconds", ())):
        raise InputError(f"{case}: no raw rounds; expected a timed run of `pytest bench`")
    return columns


def _unmatched(case: Case, old: Mapping[Case, Record], new: Mapping[Case, Record]) -> Row | None:
    """The row of a case that was not measured in both; None where there is nothing to say of it."""
    first, second = old.get(case), new.get(case)
    before, after = (None if one is None else one.outcome for one in (first, second))
    if after == BROKEN:
        return Row(case, FAILED, f"in {'both' if before == BROKEN else 'new'}: {_why(second)}")
    if after == MEASURED and before != MEASURED:
        return Row(case, APPEARED, _why(first, "old"))
    if before == MEASURED and after != MEASURED:
        return Row(case, VANISHED, _why(second, "new"))
    return None


def _why(record: Record | None, run: str = "") -> str:
    """Why a case has no timing."""
    if record is None:
        return f"not in the {run} run"
    reason = record.reason or "no reason is recorded"
    return f"{record.outcome} in {run}: {reason}" if run else reason


def _row(case: Case, one: Decision, records: Iterable[Record], rounds: Iterable[Columns]) -> Row:
    old, new = (float(np.median(process_medians(each["seconds"], each["process"]))) for each in rounds)
    old_digits, new_digits = ((record.agreement or {}).get("digits") for record in records)
    return Row(case, one.verdict, one.reason, old, new, one.ratio, one.smallest, old_digits, new_digits)


def _paired_readings(rounds: Rounds) -> list[Reading]:
    return [(_grid(log_ratios(old, new) for old, new in rounds),)]


def _unpaired_readings(cases: Sequence[Case], rounds: Rounds) -> list[Reading]:
    """As read; relative to the yardstick; and in CPU time, which does not run while another process has the core.

    The last is of the cases on the cpu alone: a process that waits for a device takes none.
    """

    def each(quantity: Callable[[Case, Columns], Array]) -> Reading:
        sides: Any = zip(*rounds, strict=True)
        grids: Any = tuple(
            _grid(_logs(quantity(case, one), one) for case, one in zip(cases, side, strict=True)) for side in sides
        )
        return grids

    def cpu(case: Case, one: Columns) -> Array:
        return np.where(case.device == "cpu", one["cpu_seconds"], math.nan)

    return [
        each(lambda case, one: one["seconds"]),
        each(lambda case, one: one["seconds"] / one["yardstick_seconds"]),
        each(cpu),
    ]


def _logs(values: Array, columns: Columns) -> tuple[Array, Array]:
    """NaN where there is nothing to take it of: clocks of CPU time are coarse on some systems."""
    return np.log(np.where(values > 0, values, math.nan)), columns["process"]


def _grid(values: Iterable[tuple[Array, Array]]) -> Array:
    """Cases x processes: the medians of the values of each process, NaN where there are none."""
    rows = [dict(zip(np.unique(process), process_medians(logs, process), strict=True)) for logs, process in values]
    processes = sorted({process for row in rows for process in row})
    return np.array([[row.get(process, math.nan) for process in processes] for row in rows]).reshape(len(rows), -1)


def _drift(rounds: Rounds) -> float | None:
    """How much longer the yardstick took in the new run: the geometric mean over cases; None where it is missing."""
    old, new = (_grid(_logs(one["yardstick_seconds"], one) for one in side) for side in zip(*rounds, strict=True))
    change = two_samples(old, new).mean
    known = change[np.isfinite(change)]
    return math.exp(float(known.mean())) if len(known) else None


def about(run: Run) -> Mapping[str, Any]:
    """What a run tells of its machine and its software; empty if it does not."""
    told = run.machine.get("fitbench")
    return told if isinstance(told, dict) else {}


def _name(run: Run) -> str:
    told = about(run).get("comparison")
    return f"{run.path} ({told['side']}: {told['spec']})" if told else str(run.path)


def _changes(old: Run, new: Run, sides: bool) -> Iterable[str]:
    """The software that differs, "torch 2.12.0 -> 2.13.0"; of the sides of an A/B run their variables, too."""
    first, second = (
        {"python": told.get("python"), **told.get("packages", {}), **(told.get("environment", {}) if sides else {})}
        for told in map(about, (old, new))
    )
    for name in dict.fromkeys([*first, *second]):
        if first.get(name) != second.get(name):
            yield f"{name} {first.get(name) or 'none'} -> {second.get(name) or 'none'}"
