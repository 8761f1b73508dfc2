"""Two runs compared: which cases are faster, slower, the same or undecided, and which could not be compared."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.backends import backends
from bench.cases.case import Case
from bench.cases.variants import undetermined
from bench.records.record import AGREED, MEASURED, SKIPPED, Record, Run
from bench.records.record import FAILED as BROKEN
from bench.records.rounds import Columns
from bench.statistics.decision import Array, Decision, Reading, decisions, geometric_mean, paired, two_samples
from bench.statistics.intervals import Interval, log_ratios, median, process_medians
from bench.statistics.sequential import Looks, sequential
from bench.support.controls import YARDSTICK
from bench.support.errors import InputError, one_line

Rounds = Sequence[tuple[Columns, Columns]]  # of old and of new, a case each

# Verdicts on cases that were not measured in both; one that appeared is one that the old code did not have.
FAILED, APPEARED, VANISHED, NOT_COMPARED = "failed", "appeared", "vanished", "not compared"
LONGEST_REASON = 1000  # characters; it is one line, whatever a file holds
CONDITIONS = ("threads", "device_name", "matmul_precision")  # of the records: compared, where they differ


@dataclass(frozen=True)
class Row:
    """One case of a table. old, new: seconds per iteration; digits: of agreement. None where there is none.

    ratio, smallest, own, processes, more: as in a Decision.
    """

    case: Case
    verdict: str
    reason: str | None = None
    old: float | None = None
    new: float | None = None
    ratio: Interval | None = None
    smallest: float | None = None
    old_digits: float | None = None
    new_digits: float | None = None
    own: tuple[float, float] | None = None
    processes: int | None = None
    more: float | None = None


@dataclass(frozen=True)
class Table:
    """Two runs compared. geometric_mean: of new / old over the cases that are in both, or None; drift: the yardstick's
    new / old, or None where runs are paired, lack it, or have one of another kind; changed: the software that differs,
    in words; cut_short: the runs that ended before all that was planned was measured; unlike: what makes the times
    differ whatever the code does, where runs were compared all the same; lost: the processes that count for nothing
    because their worker was lost, each with its run and case.
    """

    old: str
    new: str
    rows: tuple[Row, ...]
    geometric_mean: Interval | None
    threshold: float
    paired: bool
    drift: float | None
    changed: tuple[str, ...]
    cut_short: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def decide(old: Run, new: Run, threshold: float) -> Table:
    """Compare two runs, case by case. threshold: a fraction of 1, as 0.05.

    Raises InputError for one side of an A/B run given twice, for runs without a case to compare, and for a run that
    holds a case twice or has no raw rounds of it.
    """
    sides = are_sides(old, new)
    found = old.by_case, new.by_case
    rest = [row for case in dict.fromkeys([*found[0], *found[1]]) if (row := _unmatched(case, *found))]
    compared, mean, drift = [], None, None
    if cases := measured_in_both(old, new):
        rounds = [(found[0][case].kept, found[1][case].kept) for case in cases]
        alike = old.machine.controls_by == new.machine.controls_by
        readings = [(paired_logs(rounds),)] if sides else _unpaired_readings(cases, rounds, alike)
        decided = _of_sides(readings[0][0], threshold, looks_of(old)) if sides else decisions(readings, threshold)
        records = [(found[0][case], found[1][case]) for case in cases]
        compared = [_row(*each) for each in zip(cases, decided, records, rounds, strict=True)]
        mean, drift = geometric_mean(readings), _drift(rounds) if alike and not sides else None
    elif all(row.verdict != FAILED for row in rest):
        raise InputError(f"no case was measured in both runs; {_holds(old)}, and {_holds(new)}")
    names, changed = (_name(old), _name(new)), tuple(_changes(old, new, sides))
    cut_short = tuple(name for name, run in zip(names, (old, new), strict=True) if run.machine.cut_short)
    lost = tuple(f"{name}: {told}" for name, run in zip(names, (old, new), strict=True) for told in _lost(run))
    return Table(*names, (*compared, *rest), mean, threshold, sides, drift, changed, cut_short, lost=lost)


def _of_sides(logs: Array, threshold: float, looks: Looks | None) -> list[Decision]:
    return paired(logs, threshold) if looks is None else sequential(logs, threshold, looks)


def _lost(run: Run) -> list[str]:
    return [f"{one.case.id}, {told}" for one in run.records for told in one.lost]


def are_sides(old: Run, new: Run) -> bool:
    """Whether they are the two sides of one A/B run. Raises InputError if they are one side of it."""
    first, second = old.machine.comparison, new.machine.comparison
    if first is None or second is None or first.id != second.id:
        return False
    if first.side == second.side:
        raise InputError(f"{old.path} and {new.path}: both are side {first.side} of one A/B run; expected a and b")
    return True


def looks_of(run: Run) -> Looks | None:
    """After how many processes the cases of an A/B run were looked at; None where they were not, but at its end."""
    told = run.machine.comparison
    return None if told is None or told.looks is None else Looks(*told.looks)


def measured_in_both(old: Run, new: Run) -> list[Case]:
    """The cases that can be compared, in the order of the old run. Raises InputError for a run that holds a case
    twice.
    """
    there = new.measured
    return [case for case in old.measured if case in there]


def _holds(run: Run) -> str:
    measured = [case.id for case in run.measured]
    more = f" and {len(measured) - 3} more" if len(measured) > 3 else ""
    return f"{run.path} has {', '.join(measured[:3]) or 'none'}{more}"


def _unmatched(case: Case, old: Mapping[Case, Record], new: Mapping[Case, Record]) -> Row | None:
    """The row of a case that was not measured in both; None if it was, and where neither run could have had it."""
    first, second = old.get(case), new.get(case)
    before, after = (None if one is None else one.outcome for one in (first, second))
    if before == after == MEASURED or (_impossible(case, first) and _impossible(case, second)):
        return None
    if after == BROKEN:
        return Row(case, FAILED, f"in {'both' if before == BROKEN else 'new'}: {_why(second)}")
    if after == MEASURED and _impossible(case, first):
        return Row(case, APPEARED, _why(first, "old"))
    if before == MEASURED:
        return Row(case, VANISHED, _why(second, "new"))
    whys = [_why(one, run) for one, run in ((first, "old"), (second, "new")) if one is None or one.outcome != MEASURED]
    if before == after and _reason(first) == _reason(second):
        whys = [_why(first, "both")]
    return Row(case, NOT_COMPARED, "; ".join(whys))


def _impossible(case: Case, record: Record | None) -> bool:
    """Whether the run could not have this case on any machine: its code did not have it, or it makes no sense."""
    if record is None or record.unwritten:
        return True
    backend = backends().get(case.backend)
    senseless = backend is not None and backend.unfit(case.device, case.dtype) is not None
    return record.outcome == SKIPPED and (senseless or undetermined(case) is not None)


def _why(record: Record | None, run: str = "") -> str:
    """Why a case has no timing."""
    if record is None:
        return f"not in the {run} run"
    return f"{record.outcome} in {run}: {_reason(record)}" if run else _reason(record)


def _reason(record: Record | None) -> str:
    if record is not None and record.outcome == AGREED:
        return "not timed, as asked"
    return one_line((record and record.reason) or "no reason is recorded", LONGEST_REASON)


def _row(case: Case, decided: Decision, records: Iterable[Record], rounds: Iterable[Columns]) -> Row:
    old, new = (median(each["seconds"], each["process"]) for each in rounds)
    old_digits, new_digits = (None if one.agreement is None else one.agreement.digits for one in records)
    return Row(
        case,
        decided.verdict,
        decided.reason,
        old,
        new,
        decided.ratio,
        decided.smallest,
        old_digits,
        new_digits,
        decided.own,
        decided.processes,
        decided.more,
    )


def paired_logs(rounds: Rounds) -> Array:
    """The process medians of log(new / old), turn by turn: cases x processes; NaN where a process lacks a case."""
    return _grid(log_ratios(old, new) for old, new in rounds)


def _unpaired_readings(cases: Sequence[Case], rounds: Rounds, alike: bool) -> list[Reading]:
    """As read; relative to the yardstick, if those are `alike`; and in CPU time, which does not run while another
    process has the core.

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

    relative = [each(lambda case, one: one["seconds"] / one[YARDSTICK])] if alike else []
    return [each(lambda case, one: one["seconds"]), *relative, each(cpu)]


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
    old, new = (_grid(_logs(one[YARDSTICK], one) for one in side) for side in zip(*rounds, strict=True))
    change = two_samples(old, new).mean
    known = change[np.isfinite(change)]
    return math.exp(float(known.mean())) if len(known) else None


def _name(run: Run) -> str:
    told = run.machine.comparison
    return f"{run.path} ({told.side}: {told.spec})" if told else str(run.path)


def _changes(old: Run, new: Run, sides: bool) -> Iterable[str]:
    """What is compared, as far as it is told, "torch 2.12.0 -> 2.13.0": the software, the conditions of the measured
    cases, and of the sides of an A/B run their variables.
    """
    first, second = (
        {"python": one.python, **one.packages, **(one.environment if sides else {})}
        for one in (old.machine, new.machine)
    )
    for name in dict.fromkeys([*first, *second]):
        if first.get(name) != second.get(name):
            yield f"{name} {first.get(name) or 'none'} -> {second.get(name) or 'none'}"
    for name in CONDITIONS:
        if differing := differing_values(old, new, name, measured_in_both(old, new)):
            yield f"{name.replace('_', ' ')} {' -> '.join(differing)}"
    before, now = (one.machine.controls_by for one in (old, new))
    if before != now and not sides:
        yield f"yardstick {before} -> {now}: it is of another kind, and the verdicts are made without it"


def differing_values(old: Run, new: Run, name: str, cases: Sequence[Case]) -> list[str]:
    """What the cases whose records differ in a field have there, of either run: "1" and "2"; or nothing."""
    pairs = [(getattr(old.by_case[case], name), getattr(new.by_case[case], name)) for case in cases]
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    return [", ".join(sorted(set(map(told, values)))) for values in zip(*differing, strict=True)]


def told(value: Any) -> str:
    """A value of a record or of a machine, in words."""
    if isinstance(value, list):
        return ", ".join(map(told, value)) or "none"
    return "unknown" if value is None else str(value)
