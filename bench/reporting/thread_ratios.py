"""What more threads bring, of rows of `frames.cases`: runs that gave a case different numbers of threads, compared."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.cases.case import Case
from bench.records.record import MEASURED, Run
from bench.reporting.columns import Columns
from bench.statistics.conditions import unlike
from bench.statistics.verdict import decide

THREAD_SPEEDUP: Columns = {
    "thread_speedup": "how many times faster than with the fewest",
    "thread_speedup_low": "the lower end of its interval, 95 % for all cases of the two runs together",
    "thread_speedup_high": "the upper end",
}
THREADS: Columns = {
    "fewest_threads": "the fewest that the case was timed with",
    "fewest_run": "the run that had them",
    "fewest_seconds": "its `seconds`",
    **THREAD_SPEEDUP,
}
THRESHOLD = 0.05  # of verdicts, which are not told here
Row = dict[str, Any]


def compare_threads(rows: Iterable[Row], runs: Mapping[str, Run]) -> None:
    """Give the rows of a case that was timed with several numbers of threads their speedup, relative to the fewest.

    The sides of one A/B run are paired by process; what lies between other runs is what sessions differ by. Runs that
    differ in more than threads, in the machine, the software or the code, are not compared.
    """
    pairs: dict[tuple[str, str], list[tuple[Row, Row]]] = {}
    for each in _by_case(rows).values():
        fewest = min(each, key=lambda row: row["threads"])
        for row in each:
            if row["threads"] > fewest["threads"] and _alike(runs[fewest["run"]], runs[row["run"]]):
                pairs.setdefault((fewest["run"], row["run"]), []).append((fewest, row))
    for (old, new), those in pairs.items():
        ratios = {one.case: one.ratio for one in decide(runs[old], runs[new], THRESHOLD).rows}
        for fewest, row in those:
            about = (fewest["threads"], old, fewest["seconds"])
            row |= dict(zip(THREADS, about, strict=False))
            fewest |= dict(zip(THREADS, (*about, 1.0, 1.0, 1.0), strict=True))
            if (ratio := ratios[row["record"].case]) is not None:
                row |= dict(zip(THREAD_SPEEDUP, (1 / ratio.value, 1 / ratio.high, 1 / ratio.low), strict=True))


def _by_case(rows: Iterable[Row]) -> dict[Case, Sequence[Row]]:
    """The timed rows of which it is known how many threads they had."""
    found: dict[Case, list[Row]] = {}
    for row in rows:
        if row["outcome"] == MEASURED and row["threads"] is not None:
            found.setdefault(row["record"].case, []).append(row)
    return dict(found)


def _alike(old: Run, new: Run) -> bool:
    """Whether threads are all that two runs differ in, as far as they tell."""
    one, other = old.machine, new.machine
    if one.comparison and other.comparison and one.comparison == other.comparison:
        return False  # one side, given twice
    same = (one.code, one.python, one.packages) == (other.code, other.python, other.packages)
    return same and not unlike(old, new, ("threads",))
