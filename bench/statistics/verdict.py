"""Two runs compared: which cases are faster, slower, the same or undecided, and which could not be compared."""

import itertools
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.anatomy.texts import change
from bench.backends import backends
from bench.cases.case import NAMES, Case
from bench.cases.variants import undetermined
from bench.records.record import AGREED, MEASURED, SKIPPED, Record, Run
from bench.records.record import FAILED as BROKEN
from bench.records.rounds import Columns
from bench.statistics.decision import UNDECIDED, Array, Decision, geometric_mean, paired
from bench.statistics.intervals import Interval, log_ratios, process_medians
from bench.statistics.model import fit
from bench.statistics.sequential import Looks, sequential
from bench.statistics.sessions import between
from bench.support.errors import InputError, one_line

Rounds = Sequence[tuple[Columns, Columns]]  # of old and of new, a case each

# Verdicts on cases that were not measured in both; one that appeared is one that the old code did not have.
FAILED, APPEARED, VANISHED, NOT_COMPARED = "failed", "appeared", "vanished", "not compared"
LONGEST_REASON = 1000  # characters; it is one line, whatever a file holds
CONDITIONS = ("threads", "device_name", "matmul_precision")  # of the records: compared, where they differ


@dataclass(frozen=True)
class Row:
    """One case of a table. old, new: seconds per iteration; digits: of agreement. None where there is none.

    ratio, smallest, own, processes, more: as in a Decision. code: whether what the compiler generated is CHANGED or
    UNCHANGED, or DIFFERING between the processes of a run; None where one of the records tells no fingerprint.
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
    code: str | None = None


@dataclass(frozen=True)
class Table:
    """Two runs compared, or several old ones and a new one. geometric_mean: of new / old over the cases that are in
    both, or None; states: of two runs, by factor, the machine's state in the new one over that in the old; correlation:
    of what is left with the core's state, None where that is not known, and where runs are paired; changed: the
    software that differs, in words; cut_short: the runs that ended before all that was planned was measured; unlike:
    what makes the times differ whatever the code does, where runs were compared all the same; lost: the processes that
    count for nothing because their worker was lost, each with its run and case; together: the
    command that measures in one run what two runs leave undecided.
    """

    old: str
    new: str
    rows: tuple[Row, ...]
    geometric_mean: Interval | None
    threshold: float
    paired: bool
    states: Mapping[str, float]
    correlation: float | None
    changed: tuple[str, ...]
    cut_short: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    together: str | None = None


@dataclass(frozen=True)
class _Judged:
    """What the numbers say: the decisions of cases, and their seconds of old and of new."""

    decisions: Mapping[Case, Decision]
    seconds: Mapping[Case, tuple[float, float]]
    mean: Interval
    states: Mapping[str, float]
    correlation: float | None


def decide(olds: Run | Sequence[Run], new: Run, threshold: float) -> Table:
    """Compare an old run, or several of them, with a new one, case by case. threshold: a fraction of 1, as 0.05.

    In which order the old runs are given makes no difference. Raises InputError for one side of an A/B run given twice,
    for two sides among several runs, for runs without a case to compare, and for a run that holds a case twice or has
    no raw rounds of it.
    """
    olds = [olds] if isinstance(olds, Run) else by_time(olds)
    old = olds[-1]  # whose software is told
    sides = _sides(olds, new)
    before = {case: record for run in olds for case, record in run.by_case.items()}
    before |= {case: record for run in olds for case, record in run.measured.items()}
    rest = [row for case in dict.fromkeys([*before, *new.by_case]) if (row := _unmatched(case, before, new.by_case))]
    compared: list[Row] = []
    judged = None
    if any(measured_in_both(one, new) for one in olds):
        judged = _of_sides(old, new, threshold) if sides else _of_sessions(olds, new, threshold)
        compared = [
            _row(case, decision, judged.seconds[case], (before[case], new.by_case[case]))
            for case, decision in judged.decisions.items()
        ]
    elif all(row.verdict != FAILED for row in rest):
        raise InputError(f"no case was measured in both runs; {_holds(old)}, and {_holds(new)}")
    runs = [*olds, new]
    return Table(
        old=", ".join(map(_name, olds)),
        new=_name(new),
        rows=(*compared, *rest),
        geometric_mean=judged.mean if judged else None,
        threshold=threshold,
        paired=sides,
        states=judged.states if judged else {},
        correlation=judged.correlation if judged else None,
        changed=(*_changes(old, new, sides), *(() if sides else _controls_changed(olds, new))),
        cut_short=tuple(_name(run) for run in runs if run.machine.cut_short),
        lost=tuple(f"{_name(run)}: {told}" for run in runs for told in _lost(run)),
        together=None if sides else _together(old, new, [row.case for row in compared if row.verdict == UNDECIDED]),
    )


def by_time(runs: Sequence[Run]) -> list[Run]:
    """The one that was made last is the last."""
    return sorted(runs, key=lambda run: (run.datetime, str(run.path)))


def _together(old: Run, new: Run, cases: Sequence[Case]) -> str | None:
    """The command that measures these cases of either run in turns; None where there is none to measure."""
    if not cases:
        return None
    axes = {name: dict.fromkeys(str(getattr(case, name)) for case in cases) for name in NAMES}
    words = [word for name, values in axes.items() for word in (f"--{name}", ",".join(values))]
    a, b = _specs(old, new)
    return shlex.join(["python", "-m", "bench.ab", "--a", a, "--b", b, *words])


def _specs(old: Run, new: Run) -> tuple[str, str]:
    """What `ab` may be given for the code of two runs: their commits; or names to be replaced, where the code is of no
    commit, and where the software differs, of which a commit knows nothing.
    """
    first, second = old.machine, new.machine
    names = "OLD", "NEW"
    if (first.python, first.packages) != (second.python, second.packages):
        return names
    commits = [None if one.git_dirty else one.git_commit for one in (first, second)]
    a, b = (f"git:{commit[:12]}" if commit else name for commit, name in zip(commits, names, strict=True))
    return a, b


def _sides(olds: Sequence[Run], new: Run) -> bool:
    """Whether there is one old run, and it and the new one are the sides of an A/B run. Raises InputError."""
    found = [(one, other) for one, other in itertools.combinations([*olds, new], 2) if are_sides(one, other)]
    if found and len(olds) > 1:
        one, other = (run.path for run in found[0])
        raise InputError(f"{one}: the other side of {other}; expected these two alone, or runs of other times")
    return bool(found)


def _of_sides(old: Run, new: Run, threshold: float) -> _Judged:
    """By pairs of processes, turn by turn."""
    cases = measured_in_both(old, new)
    logs = paired_logs([(old.by_case[case].kept, new.by_case[case].kept) for case in cases])
    looks = looks_of(old)
    found = paired(logs, threshold) if looks is None else sequential(logs, threshold, looks)
    figures = [fit([*run.measured.values()]).figures for run in (old, new)]  # as the report of either has them
    seconds = {case: (figures[0][case].net.value, figures[1][case].net.value) for case in cases}
    return _Judged(dict(zip(cases, found, strict=True)), seconds, geometric_mean(logs), {}, None)


def _of_sessions(olds: Sequence[Run], new: Run, threshold: float) -> _Judged:
    found = between([run.measured for run in olds], new.measured, controls_alike([*olds, new]), threshold)
    correlation = None if math.isnan(found.correlation) else found.correlation
    return _Judged(found.decisions, found.seconds, found.mean, found.states, correlation)


def controls_alike(runs: Sequence[Run]) -> bool:
    """Whether they were computed by the same in all of them."""
    return len({run.machine.controls_by for run in runs}) == 1


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


def _row(case: Case, decided: Decision, seconds: tuple[float, float], records: tuple[Record, Record]) -> Row:
    old_digits, new_digits = (None if one.agreement is None else one.agreement.digits for one in records)
    return Row(
        case,
        decided.verdict,
        decided.reason,
        *seconds,
        decided.ratio,
        decided.smallest,
        old_digits,
        new_digits,
        decided.own,
        decided.processes,
        decided.more,
        change(*(one.fingerprint for one in records)),
    )


def paired_logs(rounds: Rounds) -> Array:
    """The process medians of log(new / old), turn by turn: cases x processes; NaN where a process lacks a case."""
    return _grid(log_ratios(old, new) for old, new in rounds)


def _grid(values: Iterable[tuple[Array, Array]]) -> Array:
    """Cases x processes: the medians of the values of each process, NaN where there are none."""
    rows = [dict(zip(np.unique(process), process_medians(logs, process), strict=True)) for logs, process in values]
    processes = sorted({process for row in rows for process in row})
    return np.array([[row.get(process, math.nan) for process in processes] for row in rows]).reshape(len(rows), -1)


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


def _controls_changed(olds: Sequence[Run], new: Run) -> Iterable[str]:
    now = new.machine.controls_by
    for before in dict.fromkeys(run.machine.controls_by for run in olds):
        if before != now:
            unknown = "they are of another kind, so that nobody knows what the machine itself did"
            yield f"controls {before} -> {now}: {unknown}"


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
