"""Runs that were made at different times, compared: what lies between two sessions is a variance of its own.

    log seconds = case in that run + loading * (state - quiet state) + session + process + rest

One model has all runs (`model.fit_together`), so a case has one loading and all have one quiet state. What the state
does not explain between sessions, one old and one new run cannot show: SESSION is what was measured of separate runs of
identical code (docs/measurement.md has the evidence), and several old runs replace it, as far as they tell.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from bench.cases.case import Case
from bench.records.record import Record
from bench.statistics.decision import CONFIDENCE, Decision, Estimates, decisions, moderated
from bench.statistics.intervals import Interval
from bench.statistics.loadings import RAW, Spreads
from bench.statistics.model import Model, Net, fit_together
from bench.statistics.states import FACTORS, Array

Key = tuple[int, Case]

BETWEEN = Spreads(len(FACTORS), 0.3, 0.1)  # states differ more between runs than within one
CORE_ONLY = Spreads(1, 0.3, 0.1)  # of runs of schema 2
SESSION, TRUST = 0.012, 10.0  # standard deviation of a case's log between sessions, and the df that it is trusted with
SESSION_OF = {"torch": 0.017, "torch-compile": 0.017}  # of backends that were seen to have more: torch, step by step
UNEXPLAINED = 0.1  # of a difference between the states of two runs, on top of what is not known of the loading
UNKNOWN = 0.2  # in place of these where no control tells of the machine: what restless ones were seen to do


@dataclass(frozen=True)
class Between:
    """What is said of cases that old runs and the new one have. seconds: of old and of new, at one quiet state; mean:
    the geometric mean of new / old; states: by factor, the new run's state over the old ones' (1.1: 10 % slower);
    correlation: of what is left with the core's state, NaN where that is not known.
    """

    decisions: Mapping[Case, Decision]
    seconds: Mapping[Case, tuple[float, float]]
    mean: Interval
    states: Mapping[str, float]
    correlation: float


def between(
    olds: Sequence[Mapping[Case, Record]], new: Mapping[Case, Record], known: bool, threshold: float
) -> Between:
    """Compare the measured cases of one old run or more with those of the new one; at least one is in both.

    known: whether the controls of all runs are of one kind. threshold: a fraction of 1.
    """
    cases = [case for case in new if any(case in old for old in olds)]
    runs = [{case: run[case] for case in cases if case in run} for run in (*olds, new)]
    model = fit_together(runs, (BETWEEN, CORE_ONLY) if known else (RAW,))
    means = [_means(model, case, len(olds)) for case in cases]
    variance, df = _process_variance(means)
    of_processes = variance * [one.scale for one in means]
    session = _sessions(cases, means, variance, bool(model.factors))
    found = _estimates(means, of_processes, df, session)
    return Between(
        decisions=dict(zip(cases, decisions(found, threshold), strict=True)),
        seconds={case: (math.exp(one.old), math.exp(one.new)) for case, one in zip(cases, means, strict=True)},
        mean=_geometric_mean(found, of_processes, session, means, len({case.backend for case in cases})),
        states={
            name: math.exp(float(np.mean([one.distance[i] for one in means]))) for i, name in enumerate(model.factors)
        },
        correlation=model.correlation if model.factors else math.nan,
    )


@dataclass(frozen=True)
class _Means:
    """Of one case. old, new: mean logs, that of the old runs the mean of theirs; apart: the variance of old runs about
    it, NaN of one; olds: their number; squares, df: of processes about the means of their runs; scale: the variance of
    new - old that comes from one process's, over that; of_olds: the same of one old run, in their mean; processes: of
    the run that has fewest; distance: of the new run's state from the old ones', by factor; extra: the variance of the
    log that comes from it, and from cores that were shared.
    """

    old: float
    new: float
    apart: float
    olds: int
    squares: float
    df: int
    scale: float
    of_olds: float
    processes: int
    distance: Array
    extra: float


def _means(model: Model[Key], case: Case, number: int) -> _Means:
    olds = [one for i in range(number) if (one := model.nets.get((i, case))) is not None]
    new = model.nets[number, case]
    each, counts = np.array([one.logs.mean() for one in olds]), np.array([len(one.logs) for one in olds])
    distance = new.distance - np.mean([one.distance for one in olds], axis=0)
    covariance = new.loading.covariance + UNEXPLAINED**2 * np.eye(len(distance))
    return _Means(
        old=float(each.mean()),
        new=float(new.logs.mean()),
        apart=float(each.var(ddof=1)) if len(each) > 1 else math.nan,
        olds=len(olds),
        squares=sum(float(((one.logs - one.logs.mean()) ** 2).sum()) for one in (*olds, new)),
        df=sum(len(one.logs) - 1 for one in (*olds, new)),
        scale=float(1 / len(new.logs) + (1 / counts).sum() / len(olds) ** 2),
        of_olds=float((1 / counts).mean()),
        processes=min(len(new.logs), int(counts.min())),
        distance=distance,
        extra=float(distance @ covariance @ distance)
        + (_had(case, new) - float(np.mean([_had(case, one) for one in olds]))) ** 2,
    )


def _had(case: Case, net: Net) -> float:
    """The log of the share of its core that a case had in its rounds; 0 where its CPU time tells nothing of that.

    A round may be long enough to be interrupted by another process where a control is not.
    """
    share = float(np.median(net.columns["cpu_seconds"] / net.columns["seconds"]))
    return math.log(share) if case.device == "cpu" and share > 0 else 0.0


def _process_variance(means: Sequence[_Means]) -> tuple[Array, Array]:
    """Of one process of each case, with its df."""
    df = np.array([one.df for one in means], dtype=np.float64)
    return moderated(np.array([one.squares for one in means], dtype=np.float64) / np.maximum(df, 1), df)


def _sessions(cases: Sequence[Case], means: Sequence[_Means], variance: Array, known: bool) -> tuple[Array, float]:
    """The variance between sessions of each case's log, with its df. variance: of one process of each case.

    Old runs tell, for all cases together, how many times what is expected they differ by beyond their processes: all
    cases of a session share much of it, so m of them have m - 1 df, however many cases there are.
    """
    expected = np.array([SESSION_OF.get(case.backend, SESSION) if known else UNKNOWN for case in cases]) ** 2
    beyond = [
        (one.apart - s2 * one.of_olds, usual)
        for one, s2, usual in zip(means, variance, expected, strict=True)
        if one.olds > 1
    ]
    df = max(one.olds for one in means) - 1
    seen, usual = np.sum(beyond, axis=0) if beyond else (0.0, 1.0)
    return expected * (TRUST + df * max(float(seen / usual), 0.0)) / (TRUST + df), TRUST + df


def _estimates(means: Sequence[_Means], of_processes: Array, df: Array, session: tuple[Array, float]) -> Estimates:
    """of_processes: the variance of each case's log ratio that more processes would make smaller, with its df."""
    of_sessions = session[0] * np.array([1 + 1 / one.olds for one in means])
    total = of_processes + of_sessions + [one.extra for one in means]
    processes = np.array([one.processes for one in means])
    together = total**2 / (of_processes**2 / np.maximum(df, 1) + of_sessions**2 / session[1])  # Satterthwaite (1946)
    return Estimates(
        np.array([one.new - one.old for one in means]),
        np.sqrt(total),
        np.where(processes > 1, together, math.nan),
        processes,
        of_processes / total,
    )


def _geometric_mean(
    found: Estimates, of_processes: Array, session: tuple[Array, float], means: Sequence[_Means], backends: int
) -> Interval:
    """Of new / old over the cases. What lies between sessions is the backend's rather than the case's, and what comes
    from unlike states is shared by all.
    """
    of_sessions = float(np.mean(session[0] * [1 + 1 / one.olds for one in means])) / backends
    total = float(of_processes.sum()) / len(means) ** 2 + of_sessions + float(np.mean([one.extra for one in means]))
    middle = float(found.mean.mean())
    known = bool(np.isfinite(found.df).any())
    reach = float(-special.stdtrit(session[1], (1 - CONFIDENCE) / 2)) * math.sqrt(total) if known else math.nan
    return Interval(*(math.exp(each) for each in (middle, middle - reach, middle + reach)))
