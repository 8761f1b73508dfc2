"""A run for the tools that track benchmarks over commits: what each of them reads, from the same figures as the report.

A figure is that of the record's `estimate`, per iteration, with its 95 % interval. docs/ci.md describes the formats.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bench.records.record import MEASURED, Estimate, Record, Run
from bench.reporting import units
from bench.statistics.estimate import estimated
from bench.support.errors import InputError, printable

NANO = 1e9
DIGITS = 4  # of the ends of an interval in words


def timed(run: Run) -> list[tuple[Record, Estimate]]:
    """The cases that have a figure, with it; those of older files are estimated anew.

    Raises InputError for a run that holds a case twice, and for one without a figure.
    """
    known = list(run.by_case.values())
    whole = all(one.estimate is not None for one in run.measured.values())
    found = [(one, one.estimate) for one in (known if whole else estimated(known)) if one.outcome == MEASURED]
    if not found:
        raise InputError(f"{run.path}: no case was timed; expected a run with timings")
    return [(one, figure) for one, figure in found if figure is not None]


def untimed(run: Run) -> Iterator[str]:
    """What became of each case that has no figure, in a line."""
    for one in run.records:
        if one.outcome != MEASURED:
            yield f"{one.case.id}: {one.outcome}" + (f" ({printable(one.reason)})" if one.reason else "")


def github(run: Run) -> str:
    """What github-action-benchmark reads with `tool: customSmallerIsBetter`: nanoseconds per iteration."""
    entries = [
        {
            "name": one.case.id,
            "unit": "ns/iteration",
            "value": NANO * figure.seconds,
            **({} if (ends := _ends(figure)) is None else {"range": f"95 % interval {_words(ends)}"}),
            "extra": _extra(one, figure),
        }
        for one, figure in timed(run)
    ]
    return json.dumps(entries, indent=2, allow_nan=False)


def bencher(run: Run) -> str:
    """Bencher Metric Format: the latency of an iteration, in nanoseconds."""
    metrics = {one.case.id: {"latency": _latency(figure)} for one, figure in timed(run)}
    return json.dumps(metrics, indent=2, allow_nan=False)


def _latency(figure: Estimate) -> dict[str, float]:
    ends = _ends(figure)
    about = {} if ends is None else dict(zip(("lower_value", "upper_value"), ends, strict=True))
    return {"value": NANO * figure.seconds, **about}


def _ends(figure: Estimate) -> tuple[float, float] | None:
    """Of the interval, in nanoseconds; None where nothing is known of it."""
    return None if figure.low is None or figure.high is None else (NANO * figure.low, NANO * figure.high)


def _words(ends: tuple[float, float]) -> str:
    return " to ".join(units.significant(end, DIGITS) for end in ends)


def _extra(record: Record, figure: Estimate) -> str:
    """What a reader of a chart wants to know of a point on it."""
    agreement = record.agreement
    assert agreement is not None  # of what was timed
    lines = [f"{len(figure.process_seconds)} processes", f"{agreement.digits:.1f} digits of agreement"]
    return "\n".join(
        [*lines, *(["unstable: the processes differ by more than the machine explains"] * figure.unstable)]
    )


DOCUMENTS: Mapping[str, Callable[[Run], Any]] = {"github": github, "bencher": bencher}  # one JSON each
