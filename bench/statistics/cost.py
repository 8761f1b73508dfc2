"""What whole fits cost, at any size and number of steps: the start of a process, compilation, and the iterations.

    seconds of k fits = start + before(N) + (T - 1) t(N) + (k - 1) (again(N) + (T - 1) t(N))

start is paid once a process: import, startup, and what its first case pays beyond its kind; before(N) is build and
first call, which compiles and makes a step, in the state that the caches are in; again(N) the same once all is
compiled; t(N) the seconds per iteration: those of `growth`, at the machine's quiet state, times what its usual state
made of them in the run, for whoever makes a fit pays for that. An interval is that of one further such process, in a
state as those of the run.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.cases.case import Case
from bench.records.record import Run
from bench.statistics.before import Before, before
from bench.statistics.cold_start import EMPTY, STEADY, WARM, compiles
from bench.statistics.growth import QUANTILE, Growth, growths, named_without
from bench.statistics.intervals import Interval
from bench.statistics.model import Model
from bench.statistics.paid import STATES, Ledger, Paid, Timed, imports, startups, timed
from bench.support.errors import InputError

Array = npt.NDArray[np.float64]
LEAST = 2  # sizes that a curve goes through: where there are fewer, with what first cases paid


@dataclass(frozen=True)
class Start:
    """What a process pays once: seconds of import and startup, and what its first case pays beyond what others do
    there; processes: of these, by which the first is known, and by which the last.
    """

    seconds: float
    first: float
    processes: tuple[int, int]

    @property
    def total(self) -> float:
        return self.seconds + self.first

    def errors(self, spread: float) -> tuple[float, float]:
        """Standard deviations, by that of the log of what processes take."""
        count, firsts = self.processes
        return self.seconds * spread * math.sqrt(1 + 1 / count), self.first / math.sqrt(max(firsts, 1))


@dataclass(frozen=True)
class Usual:
    """What holds for all cases of a run. factor: seconds per iteration as read over those at the quiet state; spread:
    how far its log lies about that, in two of three processes of the cases; start_spread: the standard deviation of the
    log of what processes of a backend take to import, and start_df, what that is known by.
    """

    factor: float
    spread: float
    start_spread: float
    start_df: float


@dataclass(frozen=True, eq=False)
class Cost:
    """Of a case at any size. starts, befores: by state, those in which it was started; cached: whether it keeps
    compiled code, and so empty caches and warm ones are two; spread: the standard deviation of the log of its seconds
    per iteration, from process to process.
    """

    growth: Growth
    starts: Mapping[str, Start]
    befores: Mapping[str, Before]
    cached: bool
    spread: float
    usual: Usual

    @property
    def case(self) -> Case:
        """At the smallest size."""
        return self.growth.case

    def seconds(self, points: npt.ArrayLike, steps: npt.ArrayLike, state: str, fits: int = 1) -> Array:
        """Of so many fits in a process that begins in a state; NaN where nothing is predicted, or it was not started
        so. Sizes and steps are broadcast.
        """
        sizes = np.asarray(points, dtype=float)
        pace = (np.asarray(steps, dtype=float) - 1) * self.usual.factor * self.growth.seconds(sizes)
        if state not in self.befores:
            return np.full(np.shape(pace), math.nan)
        further = (fits - 1) * (self.befores[STEADY].seconds(sizes) + pace) if fits > 1 else 0.0
        return np.asarray(self._start(state) + self.befores[state].seconds(sizes) + pace + further)

    def predict(self, points: int, steps: int, state: str, fits: int = 1, alike: bool = False) -> Interval:
        """Seconds, with the 95 % interval; alike: that of one to be compared with another, where both meet the machine
        in the same state. Raises InputError for a size beyond what can be told, and a state in which no process began.
        """
        low, high = self.growth.lowest, self.growth.highest
        if not low <= points <= high:
            measured = f"{self.growth.sizes[0]:.0f} to {self.growth.sizes[-1]:.0f}"
            allowed = f"{math.ceil(low)} to {high:.0f}"
            raise InputError(f"{points} points: beyond what sizes of {measured} can tell; allowed: {allowed}")
        if state not in self.befores:
            raise InputError(f"no process of the run began with {state} caches; --cold says how many do")
        value = float(self.seconds(points, steps, state, fits))
        factor = math.exp(min(float(self.log_reach(points, steps, state, fits, alike)), 700.0))
        return Interval(value, value / factor, value * factor)

    def log_reach(
        self, points: npt.ArrayLike, steps: npt.ArrayLike, state: str, fits: int = 1, alike: bool = False
    ) -> Array:
        """How far the interval that `predict` gives reaches to either side, in the log. Sizes and steps are broadcast;
        NaN where `seconds` is.
        """
        value = self.seconds(points, steps, state, fits)
        return self.reach * self._error(points, steps, state, fits, alike) / value if state in self.befores else value

    @property
    def reach(self) -> float:
        """How many standard deviations a 95 % interval reaches to either side; NaN where nothing is known."""
        df = min(self.usual.start_df, len(self.growth.sizes) - 1)
        return float(special.stdtrit(df, QUANTILE)) if df > 0 else math.nan

    def _start(self, state: str) -> float:
        return self.starts[state].total if state in self.starts else 0.0

    def _error(self, points: npt.ArrayLike, steps: npt.ArrayLike, state: str, fits: int, alike: bool) -> Array:
        """The standard deviation of what is predicted, in seconds."""
        shares: list[Array | float] = [self.befores[state].error(self._start(state), points)]
        if state in self.starts:
            shares += self.starts[state].errors(self.usual.start_spread)
        if fits > 1:
            shares.append((fits - 1) * self.befores[STEADY].error(0.0, points))
        iterations = fits * (np.asarray(steps) - 1) * self.usual.factor * self.growth.seconds(points)
        off = np.hypot(math.hypot(self.spread, 0.0 if alike else self.usual.spread), self.growth.log_error(points))
        return np.asarray(reduce(np.hypot, [*shares, iterations * off]))


def costs(measured: Sequence[tuple[Run, Model[Case]]]) -> list[Cost]:
    """Of the cases of the models that were timed at three sizes or more, in the order of the runs.

    measured: runs of one machine, each with the model of its cases, or of those that are asked for. Raises InputError
    for a case that two of them timed.
    """
    found = timed(measured)
    caches = measured[0][0].machine.caches if measured else {}
    grown = growths({one.record.case: one.figure for one in found}, caches)
    if not grown:
        return []
    lines = _lines(found, grown)
    ledger, usual = Ledger([run for run, _ in measured]), _usual(found)
    paid = [_paid(line, ledger) for line in lines]
    firsts = _firsts(lines, paid)
    return [_cost(*each, firsts, usual) for each in zip(grown, lines, paid, strict=True)]


def _lines(found: Iterable[Timed], grown: Iterable[Growth]) -> list[list[Timed]]:
    """Each case at all its sizes, smallest first."""
    lines: dict[tuple[Any, ...], list[Timed]] = {}
    for one in sorted(found, key=lambda one: one.record.case.points):
        lines.setdefault(named_without(one.record.case, "points"), []).append(one)
    return [lines[named_without(one.case, "points")] for one in grown]


def _paid(line: Sequence[Timed], ledger: Ledger) -> dict[str, list[Paid]]:
    """By state in which the case began at every size."""
    found = {state: [ledger.paid(one, state) for one in line] for state in STATES}
    return {state: [each for size in sizes for each in size] for state, sizes in found.items() if all(sizes)}


def _curve(paid: Iterable[Paid], start: float) -> Before:
    """Of what cases pay that are not the first of their process, where that is known at sizes enough."""
    later: dict[int, list[float]] = {}
    every: dict[int, list[float]] = {}
    for one in paid:
        every.setdefault(one.points, []).append(one.seconds)
        if not one.first:
            later.setdefault(one.points, []).append(one.seconds)
    taken = later if len(later) >= min(LEAST, len(every)) else every
    return before(np.array([*taken], dtype=float), np.array([np.median(each) for each in taken.values()]), start)


Firsts = Mapping[tuple[str, str, str], list[float]]


def _firsts(lines: Sequence[Sequence[Timed]], paid: Sequence[Mapping[str, Sequence[Paid]]]) -> Firsts:
    """By kind and state, what first cases paid more than others of their case and size."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for line, by in zip(lines, paid, strict=True):
        for state, each in by.items():
            curve = _curve(each, _seconds(line, state))
            more = [one.seconds - float(curve.seconds(one.points)) for one in each if one.first]
            found.setdefault((*line[0].kind, state), []).extend(more)
    return found


def _seconds(line: Sequence[Timed], state: str) -> float:
    """Import and startup, by medians over processes: 0 in a process that has paid them."""
    return 0.0 if state == STEADY else float(np.median(imports(line)) + np.median(startups(line, state)))


def _cost(
    grown: Growth, line: Sequence[Timed], paid: Mapping[str, Sequence[Paid]], firsts: Firsts, usual: Usual
) -> Cost:
    starts = {}
    for state in {*paid} & {EMPTY, WARM}:
        more = firsts[*line[0].kind, state] or [0.0]
        first = max(float(np.median(more)), 0.0)
        starts[state] = Start(_seconds(line, state), first, (len(imports(line)), len(more)))
    befores = {state: _curve(each, _seconds(line, state)) for state, each in paid.items()}
    spread, _ = _pooled([one.net.logs for one in line])
    return Cost(grown, starts, befores, any(compiles(one.record) for one in line), spread, usual)


def _usual(found: Iterable[Timed]) -> Usual:
    kinds: dict[tuple[int, str, str], list[float]] = {}
    slower = [np.zeros(0)]
    for one in found:
        slower.append(one.net.raw - one.net.logs)
        kinds.setdefault((one.run, *one.kind), imports([one]))  # all cases of a kind are of the same processes
    each = np.concatenate(slower)
    low, middle, high = np.quantile(each, [0.16, 0.5, 0.84]) if len(each) else (0.0, 0.0, 0.0)  # a few were disturbed
    return Usual(
        math.exp(middle),
        float(high - low) / 2,
        *_pooled([np.log(one) for one in kinds.values() if min(one, default=0.0) > 0]),
    )


def _pooled(groups: Iterable[Array]) -> tuple[float, float]:
    """The standard deviation within groups, and its degrees of freedom; 0 of 0 where there are none."""
    several = [each for each in groups if len(each) > 1]
    df = sum(len(each) - 1 for each in several)
    return (math.sqrt(sum(float(each.var()) * len(each) for each in several) / df), df) if df else (0.0, 0)
