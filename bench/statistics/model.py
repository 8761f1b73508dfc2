"""One model for all figures of a run: seconds net of the state that the machine was in.

    log seconds = case + loading * (state in that turn - quiet state) + process + rest

The state comes from the controls (`states`), the loadings from all cases of a backend (`loadings`). The figure of a
case is its time at the machine's own quiet state, which is the same for all cases of a run: the mean over processes of
their medians, net of the state, over the quietest of their rounds. docs/measurement.md derives it.
"""

import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.cases.case import Case
from bench.cases.choice import MOST_PROCESSES
from bench.records.record import Record
from bench.records.rounds import Columns
from bench.statistics.decision import moderated_by_kind
from bench.statistics.intervals import Interval, process_medians
from bench.statistics.loadings import (
    PRIORS,
    RAW,
    Kin,
    Loading,
    Spreads,
    blocks,
    chosen,
    held_out,
    loadings,
    process_means,
)
from bench.statistics.stability import Usual, usual
from bench.statistics.states import (
    CONTROLS_OF,
    FACTORS,
    Array,
    Factor,
    Quiet,
    Turns,
    standard_error,
    states,
    taken,
)

Key = TypeVar("Key", bound=Hashable)

CONFIDENCE = 0.95
QUIETEST = 1 / 2  # of a process's rounds: the nearer to the quiet state, the less the loading matters
FEWEST = 8  # rounds, however few those are


@dataclass(frozen=True)
class Net:
    """A case net of the machine, of a group, and a backend on its device. By process: its number, the log of its
    seconds per iteration at the quiet state, and that as read; columns and net: its rounds, but those that shared their
    core, and their logs net of the state; quietest: the rows of those that the figures of the processes are of.
    distance: how far from the quiet state it was measured, by factor.
    """

    group: str
    backend: Hashable
    process: npt.NDArray[np.int64]
    logs: Array
    raw: Array
    loading: Loading
    distance: Array
    columns: Columns
    net: Array
    quietest: npt.NDArray[np.int64]
    core: Array  # by process: the mean state of the core
    taken: int  # rounds that shared their core

    @property
    def extrapolation(self) -> float:
        """The variance of the log that comes from not knowing the loading."""
        return float(self.distance @ self.loading.covariance @ self.distance)

    @property
    def log_mean(self) -> float:
        """The log of the figure: the mean over the processes, in seconds."""
        return math.log(float(np.exp(self.logs).mean()))


@dataclass(frozen=True)
class Figure:
    """Seconds per iteration. net: at the quiet state; raw: as read, without an interval; processes: net, of each."""

    net: Interval
    raw: float
    processes: list[float]


@dataclass(frozen=True)
class Model(Generic[Key]):
    """The fit of a run. prior: of the loadings, RAW where nothing is taken away; errors: of processes that were held
    out, by prior; turns: those of each group and process.
    """

    nets: Mapping[Key, Net]
    quiet: Quiet
    prior: Spreads
    errors: Mapping[Spreads, float]
    turns: Sequence[Turns]

    @property
    def factors(self) -> tuple[Factor, ...]:
        return FACTORS[: self.prior.factors]

    def _level(self, loading: Array) -> float:
        """The variance of a log that comes from not knowing the quiet state."""
        used = len(loading)
        return float(loading @ self.quiet.covariance[:used, :used] @ loading)

    @cached_property
    def figures(self) -> dict[Key, Figure]:
        """Of every case, with 95 % intervals; NaN where nothing is known."""
        nets = list(self.nets.values())
        variance, df = _moderated([one.logs for one in nets], [one.backend for one in nets])
        found = {}
        for (case, one), s2, d in zip(self.nets.items(), variance.tolist(), df.tolist(), strict=True):
            extra = one.extrapolation + self._level(one.loading.value)
            if len(one.logs) == 1 and not d > 0:  # nothing is known of other processes
                s2, d = standard_error(one.net) ** 2, math.inf
            found[case] = Figure(
                _interval(one.log_mean, s2 / len(one.logs), d, extra),
                math.exp(float(np.median(one.raw))),
                np.exp(one.logs).tolist(),
            )
        return found

    @cached_property
    def ratios(self) -> dict[tuple[Key, Key], Interval]:
        """Of every two cases of a group, in the order of the run: the figure of the second over that of the first.

        What they share in a process, the machine for one, is in neither's way.
        """
        pairs = list(_pairs(self.nets))
        differences = [_difference(self.nets[a], self.nets[b]) for a, b in pairs]
        kinds = [(self.nets[a].backend, self.nets[b].backend) for a, b in pairs]
        variance, df = _moderated(differences, kinds)
        found = {}
        for (a, b), logs, s2, d in zip(pairs, differences, variance.tolist(), df.tolist(), strict=True):
            one, other = self.nets[a], self.nets[b]
            extra = one.extrapolation + other.extrapolation + self._level(other.loading.value - one.loading.value)
            middle = other.log_mean - one.log_mean
            found[a, b] = _interval(middle, s2 / len(logs) if len(logs) else math.nan, d, extra)
        return found

    def ratio(self, one: Key, other: Key) -> Interval:
        """The figure of other over that of one, of the same group."""
        if one == other:
            return Interval(1.0, 1.0, 1.0)
        if (found := self.ratios.get((one, other))) is not None:
            return found
        back = self.ratios[other, one]
        return Interval(1 / back.value, 1 / back.high, 1 / back.low)

    @cached_property
    def usual(self) -> dict[Key, Usual]:
        """Of each case, what processes of its backend differ by anyway."""
        return usual(
            {key: one.logs for key, one in self.nets.items()}, {key: one.backend for key, one in self.nets.items()}
        )

    @property
    def correlation(self) -> float:
        """Of what is left of the cases' processes with the core's state there: about 0 where that is taken away."""
        nets = [one for one in self.nets.values() if len(one.logs) > 1]
        left = np.concatenate([one.logs - one.logs.mean() for one in nets] or [np.empty(0)])
        core = np.concatenate([one.core - one.core.mean() for one in nets] or [np.empty(0)])
        norm = math.sqrt(float(left @ left) * float(core @ core))
        return float(left @ core) / norm if norm > 0 else math.nan


def _moderated(logs: Sequence[Array], kinds: Sequence[Hashable]) -> tuple[Array, Array]:
    """Of each row the variance of one process, drawn to what the others' of its kind are like, and its df; 0 df:
    unknown.
    """
    df = np.array([max(len(each) - 1, 0) for each in logs], dtype=float)
    return moderated_by_kind(np.array([each.var(ddof=1) if len(each) > 1 else 0.0 for each in logs]), df, kinds)


def _interval(log: float, variance: float, df: float, extra: float) -> Interval:
    """Of a log whose variance is known with so many df, and that of what comes on top of it with many: their sum has
    the df that Satterthwaite (1946) gives it.
    """
    total = variance + extra
    reach = _quantile(df * (total / variance) ** 2 if variance > 0 else df) * math.sqrt(total)
    return Interval(*(float(np.exp(min(each, 700.0))) for each in (log, log - reach, log + reach)))


def _quantile(df: float) -> float:
    """Student's, that an interval reaches to; as stats.t.ppf, which takes a hundred times as long for one number."""
    if not df > 0:
        return math.nan
    share = (1 + CONFIDENCE) / 2
    return float(special.ndtri(share) if math.isinf(df) else special.stdtrit(df, share))


def _pairs(nets: Mapping[Key, Net]) -> Iterator[tuple[Key, Key]]:
    groups: dict[str, list[Key]] = {}
    for key, one in nets.items():
        groups.setdefault(one.group, []).append(key)
    for group in groups.values():
        yield from itertools.combinations(group, 2)


def _difference(one: Net, other: Net) -> Array:
    """By shared process, the log of other over one."""
    _, first, second = np.intersect1d(one.process, other.process, return_indices=True)
    return np.asarray(other.logs[second] - one.logs[first])


def fit(records: Sequence[Record]) -> Model[Case]:
    """The model of a run's measured cases, of which there may be one of each, and at least one."""
    found = {record.case: record for record in records}
    rows = {case: _rows(record, 0) for case, record in found.items()}
    return _fit(rows, {case: _kin(case) for case in found}, PRIORS)


def fit_together(runs: Sequence[Mapping[Case, Record]], priors: Sequence[Spreads]) -> Model[tuple[int, Case]]:
    """One model of several runs of one machine, by number of the run and case: a case has one loading in all of them,
    and all have one quiet state. Only controls that were measured in all of them count.

    Of the priors the first is taken whose factors are known. None is held out: the state may have changed between
    runs as in none of them.
    """
    each = [{case: _rows(record, i) for case, record in run.items()} for i, run in enumerate(runs)]
    measured = [names for run in each if (names := {name for one in run.values() for name in _controls(one)})]
    shared = set.intersection(*measured) if len(measured) == sum(map(bool, each)) else set()
    rows = {(i, case): _with_controls(one, shared) for i, run in enumerate(each) for case, one in run.items()}
    return _fit(rows, {key: _kin(key[1]) for key in rows}, priors, hold_out=False)


def _kin(case: Case) -> Kin:
    return Kin((case.backend, case.device), case)


@dataclass(frozen=True)
class _Rows:
    """The rounds of a case that count, with the logs of their seconds, and how many had to share their core."""

    group: str
    columns: Columns
    logs: Array
    taken: int


def _rows(record: Record, run: int) -> _Rows:
    """Rounds that shared their core do not count, unless their process has next to no others: then it is their CPU time
    that does, where one thread did the work.
    """
    kept = record.kept
    shared = taken(record, kept)
    numbers, places = np.unique(kept["process"], return_inverse=True)
    few = (np.bincount(places, ~shared, len(numbers)) < FEWEST)[places]
    alone = shared & (record.threads in (None, 1)) & (kept["cpu_seconds"] > 0)
    seconds = np.where(alone, kept["cpu_seconds"], kept["seconds"])
    rows = ~shared | few
    columns = {name: column[rows] for name, column in kept.items()}
    columns["process"] = columns["process"] + run * MOST_PROCESSES
    return _Rows(record.case.group, columns, np.log(seconds[rows]), int(np.count_nonzero(shared)))


def _controls(rows: _Rows) -> list[str]:
    """Those of which anything is known."""
    return [name for names in CONTROLS_OF for name in names if np.isfinite(rows.columns.get(name, math.nan)).any()]


def _with_controls(rows: _Rows, names: Set[str]) -> _Rows:
    """With no controls but these."""
    others = {*sum(CONTROLS_OF, ())} - names
    return replace(rows, columns={name: column for name, column in rows.columns.items() if name not in others})


def _fit(
    rows: Mapping[Key, _Rows], kin: Mapping[Key, Kin], priors: Sequence[Spreads], hold_out: bool = True
) -> Model[Key]:
    columns = {key: one.columns for key, one in rows.items()}
    found = states(columns)
    cut = {key: blocks(one.logs, found[key], one.columns["process"]) for key, one in rows.items()}
    known = np.all([np.isfinite(one.states).all(axis=0) for one in cut.values()], axis=0)
    tried = [one for one in priors if known[: one.factors].all()] or [RAW]
    errors = held_out(cut, kin, tried) if hold_out else {}
    prior = chosen(errors) if errors else tried[0]
    turns = _turns(rows, found)
    calm = Quiet(turns if known[0] else ())
    loading = loadings(cut, kin, prior)
    nets = {key: _net(one, kin[key].backend, found[key], loading[key], calm) for key, one in rows.items()}
    return Model(nets, calm, prior, errors, turns)


def _turns(rows: Mapping[Key, _Rows], found: Mapping[Key, Array]) -> list[Turns]:
    parts: dict[tuple[str, int], dict[int, tuple[float, Array]]] = {}
    for key, one in rows.items():
        processes, turns, times = (one.columns[name].tolist() for name in ("process", "turn", "time"))
        for process, turn, time, state in zip(processes, turns, times, found[key], strict=True):
            parts.setdefault((one.group, process), {}).setdefault(turn, (time, state))
    return [
        Turns(
            group,
            process,
            np.array([*turns]),
            np.array([time for time, _ in turns.values()]),
            np.array([state for _, state in turns.values()]),
        )
        for (group, process), turns in parts.items()
    ]


def _net(rows: _Rows, backend: Hashable, state: Array, loading: Loading, calm: Quiet) -> Net:
    used = len(loading.value)
    far = state[:, :used] - calm.state[:used]
    net = rows.logs - far @ loading.value
    numbers, places = np.unique(rows.columns["process"], return_inverse=True)
    used_rows = [_quietest(np.flatnonzero(places == i), far) for i in range(len(numbers))]
    return Net(
        group=rows.group,
        backend=backend,
        process=numbers,
        logs=np.array([np.median(net[each]) for each in used_rows]),
        raw=process_medians(np.log(rows.columns["seconds"]), rows.columns["process"]),
        loading=loading,
        distance=np.mean([far[each].mean(axis=0) for each in used_rows], axis=0),
        columns=rows.columns,
        net=net,
        quietest=np.concatenate(used_rows),
        core=process_means(state[:, 0], places),
        taken=rows.taken,
    )


def _quietest(rows: npt.NDArray[np.int64], far: Array) -> npt.NDArray[np.int64]:
    """Of a process's rounds, those in whose turns the core was fastest, as far as that is told."""
    if not far.shape[1]:
        return rows
    count = max(math.ceil(QUIETEST * len(rows)), min(FEWEST, len(rows)))
    return rows[np.argsort(far[rows, 0], kind="stable")[:count]]
