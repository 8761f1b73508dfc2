"""Error rates of verdicts from runs of identical code, by splitting their recorded processes anew.

A pair of processes, one of each side of an A/B run, is drawn or not, and its sides are swapped or not, for all cases
alike: so many comparisons are made of what was measured once.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from bench.cases.case import Case
from bench.records.reading import load
from bench.records.record import Run
from bench.statistics.decision import FASTER, SLOWER, UNDECIDED, Array, paired
from bench.statistics.intervals import log_ratios, process_medians
from bench.statistics.verdict import measured_in_both
from bench.support.errors import InputError


def loaded(folders: Sequence[Path]) -> list[tuple[Run, Run]]:
    """Both sides of the A/B run in each folder. Raises InputError for a folder without one."""
    return [(load(folder / "a.json"), load(folder / "b.json")) for folder in folders]


def recorded(runs: Sequence[tuple[Run, Run]]) -> tuple[list[Case], Array]:
    """The cases that every run measured, and their log(b / a), of shape (cases, pairs of processes of all runs).

    Raises InputError for runs that share no case.
    """
    common = [measured_in_both(a, b) for a, b in runs]
    cases = [case for case in common[0] if all(case in others for others in common)]
    if not cases:
        raise InputError(f"{runs[0][0].path.parent}: no case was measured in all of these runs")
    columns = []
    for a, b in runs:
        medians = []
        for case in cases:
            logs, process = log_ratios(a.by_case[case].kept, b.by_case[case].kept)
            medians.append(process_medians(logs, process))
        columns.append(np.array(medians))
    return cases, np.concatenate(columns, axis=1)


def split(logs: Array, processes: int, random: np.random.Generator) -> Array:
    """One comparison of so many pairs of processes, drawn of all, sides swapped at random."""
    drawn = random.choice(logs.shape[1], processes, replace=False)
    return logs[:, drawn] * random.choice([-1.0, 1.0], processes)


def false_alarms(logs: Array, processes: int, threshold: float, times: int) -> str:
    """How many splits of identical code had a case called faster or slower."""
    random = np.random.default_rng(0)
    tables = [paired(split(logs, processes, random), threshold) for _ in range(times)]
    alarms = sum(any(one.verdict in (FASTER, SLOWER) for one in table) for table in tables)
    undecided = float(np.mean([one.verdict == UNDECIDED for table in tables for one in table]))
    return f"false alarms in {share(alarms, times)}; {100 * undecided:.0f} % of the cases undecided"


def found(logs: Array, processes: int, threshold: float, slowdown: float, times: int) -> tuple[int, int]:
    """Of the cases given, all slowed down and compared in one table: how many were called slower, of how many."""
    random = np.random.default_rng(1)
    slowed = [split(logs, processes, random) + math.log1p(slowdown) for _ in range(times)]
    verdicts = [one.verdict == SLOWER for logs in slowed for one in paired(logs, threshold)]
    return sum(verdicts), len(verdicts)


def share(count: int, total: int) -> str:
    """A share with its 95 % interval (Clopper and Pearson's exact one)."""
    if total == 0:
        return "none to count"
    ends = stats.binomtest(count, total).proportion_ci(method="exact")
    low, high = 100 * ends.low, 100 * ends.high
    return f"{count} of {total} ({100 * count / total:.1f} %, 95 % interval {low:.1f} to {high:.1f} %)"
