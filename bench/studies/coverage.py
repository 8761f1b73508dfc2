"""Whether intervals hold the truth as often as they say, from one long run: its own figures are the truth for runs of a
few of its processes.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec
import numpy as np
from scipy import stats

from bench.cases.case import Case
from bench.records.record import Record, Run
from bench.statistics.estimate import doubt
from bench.statistics.intervals import Interval, median_interval
from bench.statistics.model import CONFIDENCE, Model, fit
from bench.studies.resplit import share
from bench.support.errors import InputError

NARROW, WIDE = 0.5, 1.0  # quantiles over cases


def coverage(run: Run, size: int, times: int) -> Iterator[str]:
    """Line by line: of so many runs of `size` processes, drawn from a long one, how often their intervals hold its own
    figures. Raises InputError for a run that is too short.
    """
    records = [*run.measured.values()]
    processes = sorted(set.intersection(*({*record.kept["process"].tolist()} for record in records)))
    if len(processes) < 2 * size:
        raise InputError(f"{run.path}: {len(processes)} processes have all cases; expected {2 * size} or more")
    whole, random = fit(records), np.random.default_rng(0)
    drawn = [fit(_only(records, random.choice(processes, size, replace=False).tolist())) for _ in range(times)]
    yield f"{len(processes)} processes of {len(records)} cases, {times} times {size} of them"
    exact = 100 * expected(size, len(processes))
    yield f"exact 95 % intervals would hold the run's own figure in {exact:.1f} %, as it has {size} processes in common"
    yield f"factors taken away: {_counted(' and '.join(one.factors) or 'none' for one in drawn)}"
    yield from _times(whole, drawn)
    yield f"ratios: {_held([_holds(one.ratios[pair], whole.ratios[pair]) for one in drawn for pair in whole.ratios])}"
    yield f"half-widths, net of the machine: {_widths([[each.net for each in one.figures.values()] for one in drawn])}"
    yield f"half-widths, as read: {_widths([_as_read(one) for one in drawn])}"
    unstable = [sum(doubt(one, case) is not None for case in one.nets) for one in drawn]
    yield f"unstable: {np.median(unstable):.0f} of {len(records)} cases in the middle, {max(unstable)} at most"


def expected(size: int, processes: int) -> float:
    """How often exact intervals of so many processes, drawn from all, hold the mean of all: more often than they say,
    since the squared error is smaller by that share (the correction for a finite population).
    """
    reach = stats.norm.ppf((1 + CONFIDENCE) / 2) / math.sqrt(1 - size / processes)
    return float(2 * stats.norm.cdf(reach) - 1)


def _only(records: Sequence[Record], processes: Collection[int]) -> list[Record]:
    return [msgspec.structs.replace(one, rounds=one.rounds and one.rounds.only(processes)) for one in records]


def _times(whole: Model[Case], drawn: Sequence[Model[Case]]) -> Iterator[str]:
    held = {
        case: [_holds(one.figures[case].net, figure.net) for one in drawn] for case, figure in whole.figures.items()
    }
    yield f"times: {_held([each for one in held.values() for each in one])}"
    for axis in ("backend", "variant", "dtype"):
        names = dict.fromkeys(getattr(case, axis) for case in held)
        told = {
            name: float(np.mean([one for case, one in held.items() if getattr(case, axis) == name])) for name in names
        }
        yield f"  by {axis}: {_percents(told)}"


def _holds(found: Interval, truth: Interval) -> bool:
    return found.low <= truth.value <= found.high


def _held(each: Sequence[bool]) -> str:
    return f"the 95 % intervals hold the run's own figure in {share(sum(each), len(each))}"


def _percents(told: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {100 * value:.0f} %" for name, value in told.items())


def _widths(runs: Sequence[Sequence[Interval]]) -> str:
    """Over the cases of a run, in the middle of the runs."""
    each = [np.quantile([one.half_width for one in run], (NARROW, WIDE)) for run in runs]
    middle, widest = 100 * np.median(each, axis=0)
    return f"{middle:.1f} % (median of the cases), {widest:.1f} % (largest)"


def _as_read(model: Model[Case]) -> list[Interval]:
    return [median_interval(one.columns["seconds"], one.columns["process"]) for one in model.nets.values()]


def _counted(names: Iterator[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in Counter(names).most_common())
