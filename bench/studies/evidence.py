"""How often verdicts are wrong, from recorded comparisons of identical code, beside pytest-benchmark's own gate."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from pytest_benchmark.utils import PercentageRegressionCheck

from bench.records.record import Record, Run
from bench.records.writing import statistics_of
from bench.statistics.decision import FASTER, SLOWER, UNDECIDED
from bench.statistics.verdict import Table, decide, measured_in_both
from bench.studies.resplit import false_alarms, found, recorded, share

SIZES = (2, 3, 5, 8, 10, 15, 20)  # processes of a comparison


def evidence(runs: Sequence[tuple[Run, Run]], threshold: float, slowdown: float, times: int) -> Iterator[str]:
    """Line by line, all that the runs tell."""
    firsts = [a for a, _ in runs]
    separate = list(itertools.combinations(firsts, 2))
    yield f"threshold {100 * threshold:.3g} %"
    yield f"a against b, as run: {_alarms(decide(a, b, threshold) for a, b in runs)}"
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
    for size in (size for size in SIZES if size <= logs.shape[1]):
        yield f"{logs.shape[1]} pairs of processes, split anew {times} times into {size} (intervals: of the splits):"
        yield f"  identical code: {false_alarms(logs, size, threshold, times)}"
        for backend in dict.fromkeys(case.backend for case in cases):
            rows = logs[[case.backend == backend for case in cases]]
            together = found(rows, size, threshold, slowdown, times)
            each = [found(row[None], size, threshold, slowdown, max(1, times // len(rows))) for row in rows]
            alone = (sum(pair[0] for pair in each), sum(pair[1] for pair in each))
            told = f"{100 * slowdown:.3g} % in {backend}"
            yield f"  {told}, found together: {share(*together)}; one by one: {share(*alone)}"


def _alarms(tables: Iterable[Table]) -> str:
    """Of comparisons of identical code: how many had a case called faster or slower."""
    verdicts = [[row.verdict for row in table.rows if row.ratio is not None] for table in tables]
    alarms = sum(bool({FASTER, SLOWER} & set(each)) for each in verdicts)
    undecided = float(np.mean([verdict == UNDECIDED for each in verdicts for verdict in each]))
    return f"false alarms in {share(alarms, len(verdicts))}; {100 * undecided:.0f} % of the cases undecided"


def compare_fails(old: Run, new: Run, statistic: str, threshold: float) -> bool:
    """Whether `--benchmark-compare-fail=STATISTIC:THRESHOLD` would have failed for some case of these rounds."""
    check = PercentageRegressionCheck(statistic, 100 * threshold)
    first, second = old.by_case, new.by_case
    return any(check.fails(_statistics(second[case]), _statistics(first[case])) for case in measured_in_both(old, new))


def _statistics(record: Record) -> dict[str, float]:
    return statistics_of(record.kept["seconds"].tolist())
