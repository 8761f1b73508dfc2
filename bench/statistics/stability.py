"""Whether the processes of a case agree, as far as processes of the same code ever do."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeVar

import numpy as np
import scipy  # its parts are imported when they are first used: some take most of a second

from bench.statistics.intervals import Array, by_process, process_medians

BLOCK_SECONDS = 0.1  # rounds nearer than this share the machine's noise, which is correlated over some 0.05 s
APART = 0.05  # processes that differ by less are not worth a line
SIGNIFICANT = 0.01  # for processes to differ
UNUSUAL = 0.02  # for processes to lie further apart than is usual: two cases in a hundred, which must differ as well
TREND = 0.05  # for a drift among processes that do differ; five in order are enough for it
LAYOUT = 0.02  # standard deviation of the log of processes of the same code, where few cases tell more of it
LAYOUT_DF, RUN_DF = 10, 20  # that LAYOUT counts for beside a run's cases, and they beside those of one backend
FEWEST = 8  # cases whose median tells what is usual, whatever some of them do
MODES: Final = "modes"
DRIFT: Final = "drift"


Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Usual:
    """The variance of the log of a process's figure that processes of the same code have anyway, and its df."""

    variance: float
    df: float


def usual(logs: Mapping[Key, Array], backend: Mapping[Key, Hashable]) -> dict[Key, Usual]:
    """Of each case, from the logs of the processes of all cases: of its backend, drawn to what the whole run has.

    Medians of variances, which a few cases with modes of their own do not move.
    """
    run = _typical(logs.values(), Usual(LAYOUT**2, LAYOUT_DF))
    of = {
        name: _typical([logs[key] for key in logs if backend[key] == name], Usual(run.variance, RUN_DF))
        for name in {*backend.values()}
    }
    return {key: of[backend[key]] for key in logs}


def _typical(logs: Iterable[Array], prior: Usual) -> Usual:
    """The median of their variances, each over that of its chi-squared distribution, drawn to the prior; of few the
    prior itself. That median is worth about half of the df.
    """
    several = [each for each in logs if len(each) > 1]
    if len(several) < FEWEST:
        return prior
    df = np.array([len(each) - 1 for each in several])
    median = float(
        np.median([each.var(ddof=1) for each in several] / (2 * scipy.special.gammaincinv(df / 2, 0.5) / df))
    )
    known = float(df.sum()) / 2
    return Usual((prior.df * prior.variance + known * median) / (prior.df + known), prior.df + known)


def exceeds(logs: Array, anyway: Usual) -> bool:
    """Whether processes lie further apart than is usual: their range, by Tukey's studentised range."""
    apart = float(np.ptp(logs))
    return apart >= math.log1p(APART) and apart > _critical(len(logs), int(anyway.df)) * math.sqrt(anyway.variance)


@lru_cache
def _critical(count: int, df: int) -> float:
    return float(scipy.stats.studentized_range.isf(UNUSUAL, count, df))


@dataclass(frozen=True)
class Unstable:
    """Why a case has no one figure.

    kind: MODES or DRIFT; modes: the two figures, or the first and the last, in seconds per iteration. counts: of the
    processes at either of two modes; tau and p: Kendall's, of a drift.
    """

    kind: Literal["modes", "drift"]
    modes: tuple[float, float]
    counts: tuple[int, int] = (0, 0)
    tau: float = math.nan
    p: float = math.nan


def unstable(seconds: Array, process: Array, time: Array) -> Unstable | None:
    """The evidence that a case's processes disagree, or None. seconds per iteration; time: when a round ended, in s.

    The medians of the processes are split at their largest gap (of logs). They disagree if the halves are APART, and
    the two processes beside the gap differ by Mann and Whitney's test on medians of blocks of BLOCK_SECONDS, by a p
    that is corrected for all pairs of processes. They drift if no gap is half of the whole range, and Kendall's tau of
    medians and order is significant, and the first and the last differ likewise.
    """
    pairs_of_process = zip(by_process(seconds, process), by_process(time, process), strict=True)
    those = sorted(pairs_of_process, key=lambda each: each[1].min())
    if len(those) < 2:
        return None
    medians = np.array([np.median(values) for values, _ in those])
    blocks = [_blocks(*each) for each in those]
    order = np.argsort(medians, kind="stable")
    gaps = np.diff(np.log(medians[order]))
    split = int(np.argmax(gaps)) + 1
    if 2 * gaps[split - 1] <= gaps.sum() and (drift := _drift(medians, blocks)):
        return drift
    low, high = medians[order[:split]], medians[order[split:]]
    pairs = math.comb(len(those), 2)
    if _differ(blocks[order[split - 1]], blocks[order[split]], pairs):
        return _modes(low, high)
    return None


def _modes(low: Array, high: Array) -> Unstable | None:
    modes = float(np.median(low)), float(np.median(high))
    return None if modes[1] / modes[0] - 1 < APART else Unstable(MODES, modes, counts=(len(low), len(high)))


def _drift(medians: Array, blocks: Sequence[Array]) -> Unstable | None:
    trend = scipy.stats.kendalltau(np.arange(len(medians)), medians)
    if abs(medians[-1] / medians[0] - 1) < APART or not trend.pvalue < TREND or not _differ(blocks[0], blocks[-1], 1):
        return None
    ends = float(medians[0]), float(medians[-1])
    return Unstable(DRIFT, ends, tau=float(trend.statistic), p=float(trend.pvalue))


def _blocks(seconds: Array, time: Array) -> Array:
    """The medians of the rounds that ended in the same BLOCK_SECONDS."""
    return process_medians(seconds, np.floor(time / BLOCK_SECONDS))


def _differ(one: Array, other: Array, pairs: int) -> bool:
    return bool(pairs * scipy.stats.mannwhitneyu(one, other).pvalue < SIGNIFICANT)
