"""Which cases of two runs differ: faster, slower or the same beyond a threshold, or undecided, all at one confidence.

A process is one observation of a case. The two sides of an A/B run are paired by process and turn; other runs are two
samples. With few processes a variance may be tiny by luck, so variances are moderated across the cases (Smyth 2004,
"Linear models and empirical Bayes methods", sections 3 and 6.2). Intervals hold for all cases together (Bonferroni).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from bench.case import Case
from bench.errors import InputError
from bench.estimate import Columns, Interval, kept, log_ratios, process_medians
from bench.record import FAILED as BROKEN
from bench.record import MEASURED, Record, Run

Array = npt.NDArray[np.float64]
# Cases x processes, NaN where a process lacks a case: log(new / old), or log seconds of old and of new.
Reading = tuple[Array] | tuple[Array, Array]
Rounds = Sequence[tuple[Columns, Columns]]  # of old and of new, a case each

FASTER, SLOWER, SAME, UNDECIDED = "faster", "slower", "same", "undecided"
FAILED, APPEARED, VANISHED = "failed", "appeared", "vanished"

CONFIDENCE = 0.95
POWER = 0.8
FEWEST = 3  # cases whose variances say anything of each other
RESOLUTION = 1e-9  # relative; no standard deviation of timings is smaller
ALIKE = 1e-6  # a variance of log variances beyond chance: a prior of two million df, which is one variance for all


@dataclass(frozen=True)
class Decision:
    """What the data say of one case. ratio: new / old. smallest: the smallest slowdown, as a fraction of 1, that they
    would have shown with probability POWER; infinite where they would show none, for the `reason`.
    """

    verdict: str
    ratio: Interval
    smallest: float
    reason: str | None = None


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


@dataclass(frozen=True)
class _Sample:
    """Of every case: the mean log ratio, one observation's variance with its df, and the mean's variance over that."""

    mean: Array
    variance: Array
    df: Array
    scale: Array


def paired(logs: Array, threshold: float) -> list[Decision]:
    """Decisions of log(new / old), cases x processes; NaN where a process lacks a case."""
    return _decisions([(logs,)], threshold)


def unpaired(old: Array, new: Array, threshold: float, relative: tuple[Array, Array] | None = None) -> list[Decision]:
    """Decisions of log seconds, cases x processes of either run; NaN where a process lacks a case.

    relative: the same relative to the yardstick. Intervals then cover both ratios, as the machine may have changed its
    speed between the runs and the yardstick does not tell how much that is for each case; NaN cases are as without it.
    """
    return _decisions([(old, new), *([relative] if relative else [])], threshold)


def moderated(variance: Array, df: Array) -> tuple[Array, Array]:
    """Variances with their df, each drawn to what all of them are like: Smyth (2004).

    His scaled F is fitted by the moments of log s^2: (d0 s0^2 + df s^2) / (d0 + df) has d0 + df, but no more than all
    the df there are. With fewer than FEWEST cases they are returned as they are.
    """
    known = df > 0
    if known.sum() < FEWEST:
        return variance, df
    s2, d = variance[known], df[known]
    s2 = np.maximum(s2, max(1e-5 * float(np.median(s2)), RESOLUTION**2))  # no log of 0; the floor is limma's
    e = np.log(s2) - special.digamma(d / 2) + np.log(d / 2)
    excess = float(np.var(e, ddof=1) - np.mean(special.polygamma(1, d / 2)))
    pooled = float(d.sum())
    if excess <= ALIKE:
        return np.full_like(variance, math.exp(float(e.mean()))), np.full_like(df, pooled)
    d0 = 2 * _inverse_trigamma(excess)
    s0 = math.exp(float(e.mean()) + float(special.digamma(d0 / 2)) - math.log(d0 / 2))
    return (d0 * s0 + df * variance) / (d0 + df), np.minimum(d0 + df, pooled)


def _inverse_trigamma(value: float) -> float:
    """x with trigamma(x) = value, which is positive; trigamma lies between 1/x and 1/x + 1/x^2."""
    low, high = 1 / value, (1 + math.sqrt(1 + 4 * value)) / (2 * value)
    return float(optimize.brentq(lambda x: float(special.polygamma(1, x)) - value, low, high))


def _mean(values: Array) -> tuple[Array, Array, Array]:
    """Of every row, without its NaN: the mean (NaN of nothing), the sum of squares about it, and the count."""
    there = np.isfinite(values)
    count = there.sum(axis=1).astype(float)
    total = np.where(there, values, 0).sum(axis=1)
    mean = np.divide(total, count, out=np.full(len(count), math.nan), where=count > 0)
    return mean, np.where(there, (values - mean[:, None]) ** 2, 0).sum(axis=1), count


def _one(values: Array) -> _Sample:
    mean, squares, count = _mean(values)
    df = np.maximum(count - 1, 0)
    return _Sample(mean, squares / np.maximum(df, 1), df, 1 / np.maximum(count, 1))


def _two(old: Array, new: Array) -> _Sample:
    (first, squares, n), (second, others, m) = _mean(old), _mean(new)
    df = np.maximum(n + m - 2, 0)
    variance = (squares + others) / np.maximum(df, 1)
    return _Sample(second - first, variance, df, 1 / np.maximum(n, 1) + 1 / np.maximum(m, 1))


def _sample(reading: Reading) -> _Sample:
    return _one(*reading) if len(reading) == 1 else _two(*reading)


def _decisions(readings: Sequence[Reading], threshold: float) -> list[Decision]:
    """Decisions of intervals that cover those of all readings; the ratio is that of the first."""
    samples = [_sample(reading) for reading in readings]
    mean, log_threshold = samples[0].mean, math.log1p(threshold)
    low, high, reach = _bounds(samples, max(int(np.isfinite(mean).sum()), 1))
    return [_decision(*row, log_threshold) for row in zip(mean, low, high, reach, strict=True)]


def _bounds(samples: Sequence[_Sample], cases: int) -> tuple[Array, Array, Array]:
    """The ends of intervals that cover every sample's, and how far beyond a threshold the log ratio must be to show."""
    each = [_reach(sample, cases) for sample in samples]
    low = np.fmin.reduce([sample.mean - t * error for sample, (t, _, error) in zip(samples, each, strict=True)])
    high = np.fmax.reduce([sample.mean + t * error for sample, (t, _, error) in zip(samples, each, strict=True)])
    # Whichever sample is right, a change must show in the one that reads the least of it.
    apart = np.fmax.reduce([np.abs(sample.mean - samples[0].mean) for sample in samples])
    return low, high, apart + np.fmax.reduce([(t + power) * error for t, power, error in each])


def _reach(sample: _Sample, cases: int) -> tuple[Array, Array, Array]:
    """t of the confidence and of the power, and the standard error of the mean; t is NaN where no df are left."""
    variance, df = moderated(sample.variance, sample.df)
    df = np.where(df > 0, df, math.nan)
    t = stats.t.ppf(1 - (1 - CONFIDENCE) / 2 / cases, df)
    return t, stats.t.ppf(POWER, df), np.sqrt(variance * sample.scale)


def _decision(mean: float, low: float, high: float, reach: float, log_threshold: float) -> Decision:
    ratio = Interval(*map(_exp, (mean, low, high)))
    if math.isnan(low):
        reason = "no turn is in both" if math.isnan(mean) else "one process"
        return Decision(UNDECIDED, ratio, math.inf, reason)
    return Decision(_verdict(low, high, log_threshold), ratio, _exp(log_threshold + reach) - 1)


def _exp(value: float) -> float:
    """Infinite where it is too large: with one df, t has no end."""
    with np.errstate(over="ignore"):
        return float(np.exp(value))


def _verdict(low: float, high: float, log_threshold: float) -> str:
    if low > log_threshold:
        return SLOWER
    if high < -log_threshold:
        return FASTER
    return SAME if -log_threshold < low and high < log_threshold else UNDECIDED


def _geometric_mean(readings: Sequence[Reading]) -> Interval:
    """Of new / old over the cases; its interval is of the processes that have all of them."""
    samples = []
    for reading in readings:
        mean = _sample(reading).mean
        whole: Any = tuple(_whole(values) for values in reading)
        samples.append(replace(_sample(whole), mean=np.array([mean.mean()])))
    low, high, _ = _bounds(samples, 1)
    return Interval(*(_exp(values[0]) for values in (samples[0].mean, low, high)))


def _whole(values: Array) -> Array:
    """The means over the cases, as one row, of the processes that have every case."""
    return np.asarray(values[:, np.isfinite(values).all(axis=0)].mean(axis=0, keepdims=True))


def decide(old: Run, new: Run, threshold: float) -> Table:
    """Compare two runs, case by case. threshold: a fraction of 1, as 0.05.

    Raises InputError for one side of an A/B run given twice, for runs without a case to compare, and for a run that
    holds a case twice or has no raw rounds of it.
    """
    sides = are_sides(old, new)
    found = by_case(old), by_case(new)
    rest = [row for case in dict.fromkeys([*found[0], *found[1]]) if (row := _unmatched(case, *found))]
    compared, geometric_mean, drift = [], None, None
    if cases := measured_in_both(old, new):
        rounds = [(_rounds(old, found[0][case]), _rounds(new, found[1][case])) for case in cases]
        readings = _paired_readings(rounds) if sides else _unpaired_readings(rounds)
        decisions = _decisions(readings, threshold)
        records = [(found[0][case], found[1][case]) for case in cases]
        compared = [_row(*each) for each in zip(cases, decisions, records, rounds, strict=True)]
        geometric_mean, drift = _geometric_mean(readings), None if sides else _drift(rounds)
    elif all(row.verdict != FAILED for row in rest):
        raise InputError(f"no case was measured in both runs; {_holds(old)}, and {_holds(new)}")
    names, changed = (_name(old), _name(new)), tuple(_changes(old, new, sides))
    return Table(*names, (*compared, *rest), geometric_mean, threshold, sides, drift, changed)


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
        return Row(case, *((FAILED, f"in old: {_why(first)}") if before == BROKEN else (APPEARED, _why(first, "old"))))
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


def _unpaired_readings(rounds: Rounds) -> list[Reading]:
    """As read, and relative to the yardstick."""
    as_read: Any = tuple(_grid(_logs(one["seconds"], one) for one in side) for side in zip(*rounds, strict=True))
    relative: Any = tuple(
        _grid(_logs(one["seconds"] / one["yardstick_seconds"], one) for one in side)
        for side in zip(*rounds, strict=True)
    )
    return [as_read, relative]


def _logs(values: Array, columns: Columns) -> tuple[Array, Array]:
    return np.log(values), columns["process"]


def _grid(values: Iterable[tuple[Array, Array]]) -> Array:
    """Cases x processes: the medians of the values of each process, NaN where there are none."""
    rows = [dict(zip(np.unique(process), process_medians(logs, process), strict=True)) for logs, process in values]
    processes = sorted({process for row in rows for process in row})
    return np.array([[row.get(process, math.nan) for process in processes] for row in rows]).reshape(len(rows), -1)


def _drift(rounds: Rounds) -> float | None:
    """How much longer the yardstick took in the new run: the geometric mean over cases; None where it is missing."""
    old, new = (_grid(_logs(one["yardstick_seconds"], one) for one in side) for side in zip(*rounds, strict=True))
    change = _two(old, new).mean
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
