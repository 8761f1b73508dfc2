"""Error rates of verdicts from runs of identical code, by splitting their recorded processes anew.

A pair of processes, one of each side of an A/B run, is drawn or not, and its sides are swapped or not, for all cases
alike: so many comparisons are made of what was measured once. They are decided as those of `bench.ab` are: process by
process, in the order of the draw.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench.cases.case import Case
from bench.records.reading import load
from bench.records.record import Run
from bench.statistics.decision import FASTER, SLOWER, UNDECIDED, Array, Decision
from bench.statistics.sequential import Looks, sequential
from bench.statistics.verdict import Row, looks_of, measured_in_both, paired_logs
from bench.support.errors import InputError

Decisions = list[Decision]


def loaded(folders: Sequence[Path]) -> list[tuple[Run, Run]]:
    """Both sides of the A/B run in each folder. Raises InputError for a folder without one."""
    return [(load(folder / "a.json"), load(folder / "b.json")) for folder in folders]


def recorded(runs: Sequence[tuple[Run, Run]]) -> tuple[list[Case], Array]:
    """The cases that every run measured, and their log(b / a), of shape (cases, pairs of processes of all runs).

    Of a run that added processes where they were needed, only those before its first look: which cases have a later one
    was decided by what they are. Nor is a pair kept that lacks a case. Raises InputError for runs that share no case,
    and for runs without such a pair.
    """
    common = [measured_in_both(a, b) for a, b in runs]
    cases = [case for case in common[0] if all(case in others for others in common)]
    if not cases:
        raise InputError(f"{runs[0][0].path.parent}: no case was measured in all of these runs")
    columns = []
    for a, b in runs:
        logs = paired_logs([(a.by_case[case].kept, b.by_case[case].kept) for case in cases])
        looks = looks_of(a)
        columns.append(logs if looks is None else logs[:, : looks.first])
    together = np.concatenate(columns, axis=1)
    whole = together[:, np.isfinite(together).all(axis=0)]
    if not whole.shape[1]:
        raise InputError(f"{runs[0][0].path.parent}: no process has all cases of these runs")
    return cases, whole


def split(logs: Array, processes: int, random: np.random.Generator) -> Array:
    """One comparison of so many pairs of processes, drawn of all, sides swapped at random."""
    drawn = random.choice(logs.shape[1], processes, replace=False)
    return logs[:, drawn] * random.choice([-1.0, 1.0], processes)


def comparisons(logs: Array, most: int, threshold: float, times: int, shift: Array | float = 0.0) -> list[Decisions]:
    """So many comparisons with at most so many processes a side; shift: by what the log ratios of each case are off."""
    random = np.random.default_rng(0)
    size = min(most, logs.shape[1])
    return [sequential(split(logs, size, random) + shift, threshold, Looks.up_to(size)) for _ in range(times)]


def false_alarms(logs: Array, most: int, threshold: float, times: int) -> str:
    """How many comparisons of identical code had a case called faster or slower, and what it took to decide."""
    tables = comparisons(logs, most, threshold, times)
    alarms = sum(any(one.verdict in (FASTER, SLOWER) for one in table) for table in tables)
    every = [one for table in tables for one in table]
    return f"false alarms in {share(alarms, times)}; {effort(every)}"


def effort(decisions: Sequence[Decision | Row]) -> str:
    """How many cases were decided, and the processes that they had, in words."""
    undecided = float(np.mean([one.verdict == UNDECIDED for one in decisions]))
    processes = np.array([one.processes for one in decisions], dtype=float)
    most = np.quantile(processes, 0.95, method="higher")
    needed = f"{processes.mean():.1f} processes a case (95 of 100 cases: at most {most:.0f})"
    return f"{100 * undecided:.1f} % of the cases undecided; {needed}"


def found(
    logs: Array, slowed: npt.NDArray[np.bool_], most: int, threshold: float, slowdown: float, times: int
) -> tuple[int, int]:
    """Of the cases that are slowed down, among the others: how many were called slower, of how many."""
    shift = np.where(slowed, math.log1p(slowdown), 0.0)[:, None]
    tables = comparisons(logs, most, threshold, times, shift)
    verdicts = [table[i].verdict == SLOWER for table in tables for i in np.flatnonzero(slowed)]
    return sum(verdicts), len(verdicts)


def share(count: int, total: int) -> str:
    """A share with its 95 % interval (Clopper and Pearson's exact one)."""
    if total == 0:
        return "none to count"
    ends = stats.binomtest(count, total).proportion_ci(method="exact")
    low, high = 100 * ends.low, 100 * ends.high
    return f"{count} of {total} ({100 * count / total:.1f} %, 95 % interval {low:.1f} to {high:.1f} %)"
