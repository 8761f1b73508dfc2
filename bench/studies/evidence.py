"""How often verdicts are wrong, from recorded comparisons of identical code, beside pytest-benchmark's own gate."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from pytest_benchmark.utils import PercentageRegressionCheck

from bench.records.record import Record, Run
from bench.records.writing import statistics_of
from bench.statistics.decision import FASTER, SLOWER, UNDECIDED
from bench.statistics.verdict import Table, decide, measured_in_both
from bench.studies.resplit import effort, false_alarms, found, recorded, share

MOST = (5, 10, 20)  # processes that a side of a comparison may have
WITHIN = 300.0  # seconds


def evidence(runs: Sequence[tuple[Run, Run]], threshold: float, slowdown: float, times: int) -> Iterator[str]:
    """Line by line, all that the runs tell."""
    firsts = [a for a, _ in runs]
    separate = list(itertools.combinations(firsts, 2))
    yield f"threshold {100 * threshold:.3g} %"
    yield f"a against b, as run: {_alarms(decide(a, b, threshold) for a, b in runs)}"
    yield f"a against b, as run: {_in_time(runs, threshold)}"
    if separate:
        yield f"side a of every two runs: {_alarms(decide(old, new, threshold) for old, new in separate)}"
    for statistic in ("mean", "median", "min"):
        for name, pairs in (("a against b", runs), ("side a of every two runs", separate)):
            failed = sum(compare_fails(old, new, statistic, threshold) for old, new in pairs)
            yield f"pytest-benchmark's compare-fail, {statistic}, {name}: {share(failed, len(pairs))}"
    cases, logs = recorded(runs)
    if logs.shape[1] > 1:
        apart = 100 * logs.std(axis=1, ddof=1)
        told = (
            f"standard deviation {np.median(apart):.1f} % (median of {len(cases)} cases; largest {apart.max():.1f} %)"
        )
        yield f"{logs.shape[1]} pairs of processes in turns, log(b / a): {told}"
    for most in (most for most in MOST if most <= logs.shape[1]):
        told = f"split anew {times} times into at most {most}, until decided (intervals: of the splits)"
        yield f"{logs.shape[1]} pairs of processes, {told}:"
        yield f"  identical code: {false_alarms(logs, most, threshold, times)}"
        for backend in dict.fromkeys(case.backend for case in cases):
            slowed = np.array([case.backend == backend for case in cases])
            among = found(logs, slowed, most, threshold, slowdown, max(1, times // len(cases)))
            alone = [
                found(row[None], np.array([True]), most, threshold, slowdown, max(1, times // int(slowed.sum())))
                for row in logs[slowed]
            ]
            by_itself = share(sum(pair[0] for pair in alone), sum(pair[1] for pair in alone))
            told = f"{100 * slowdown:.3g} % in {backend}"
            yield f"  {told}, found among all cases: {share(*among)}; in a run of one case: {by_itself}"


def _in_time(runs: Sequence[tuple[Run, Run]], threshold: float) -> str:
    """How many cases were decided within so many seconds of the first worker's start, and how long the runs took."""
    rows, lengths = [], []
    for a, b in runs:
        starts = [one.started for run in (a, b) for record in run.measured.values() for one in record.processes or ()]
        begun = min(start for start in starts if start is not None)
        ends = {case: float(b.by_case[case].kept["time"].max()) - begun for case in measured_in_both(a, b)}
        decided = {
            row.case for row in decide(a, b, threshold).rows if row.ratio is not None and row.verdict != UNDECIDED
        }
        rows += [case in decided and end <= WITHIN for case, end in ends.items()]
        lengths.append(max(ends.values()))
    took = f"a run took {np.median(lengths):.0f} s in the middle and {max(lengths):.0f} s at most"
    return f"decided within {WITHIN:.0f} s: {share(sum(rows), len(rows))}; {took}"


def _alarms(tables: Iterable[Table]) -> str:
    """Of comparisons of identical code: how many had a case called faster or slower."""
    compared = [[row for row in table.rows if row.ratio is not None] for table in tables]
    alarms = sum(bool({FASTER, SLOWER} & {row.verdict for row in rows}) for rows in compared)
    return f"false alarms in {share(alarms, len(compared))}; {effort([row for rows in compared for row in rows])}"


def compare_fails(old: Run, new: Run, statistic: str, threshold: float) -> bool:
    """Whether `--benchmark-compare-fail=STATISTIC:THRESHOLD` would have failed for some case of these rounds."""
    check = PercentageRegressionCheck(statistic, 100 * threshold)
    first, second = old.by_case, new.by_case
    return any(check.fails(_statistics(second[case]), _statistics(first[case])) for case in measured_in_both(old, new))


def _statistics(record: Record) -> dict[str, float]:
    return statistics_of(record.kept["seconds"].tolist())
