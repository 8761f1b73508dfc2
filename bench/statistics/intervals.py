"""What the rounds of a case say: medians and ratios, with intervals.

The unit is the process: two processes of the very same code differ for good, so rounds of one say little of the next.
Intervals come from a hierarchical bootstrap, which resamples processes and, within them, rounds. It is corrected for
few processes as Hesterberg (2015, "What Teachers Should Know About the Bootstrap", section 5.3) does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.records.rounds import Columns

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Interval:
    """A value, and an interval that holds the truth with some confidence. NaN ends: nothing is known of it."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """The longer side of the interval, relative to the value, which must be more than 0."""
        return max(self.high - self.value, self.value - self.low) / self.value


def quotient(a: Interval, b: Interval) -> Interval:
    """b / a, of two figures that know nothing of each other; the ends are NaN where those of either are."""
    middle = math.log(b.value / a.value)
    down = math.hypot(math.log(b.value / b.low), math.log(a.high / a.value))
    up = math.hypot(math.log(b.high / b.value), math.log(a.value / a.low))
    return Interval(*(math.exp(each) for each in (middle, middle - down, middle + up)))


def by_process(values: Array, process: Array) -> list[Array]:
    """The values of each process, by ascending number of the process."""
    order = np.argsort(process, kind="stable")
    cuts = np.flatnonzero(np.diff(process[order])) + 1
    return np.split(values[order], cuts) if len(order) else []


def process_medians(values: Array, process: Array) -> Array:
    """The median of each process's values, by ascending number of the process."""
    return np.array([np.median(each) for each in by_process(values, process)])


def median(values: Array, process: Array) -> float:
    """The median over processes of the median of each one's values."""
    return _median(by_process(values, process))


def median_interval(
    seconds: Array, process: Array, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """The median over processes of the median of each one's rounds, in the unit of `seconds`.

    With one process only its rounds are resampled: the interval then says nothing of other processes. With one round
    its ends are NaN. Where processes differ by more than their rounds explain, no interval of this kind can hold the
    truth more often than 1 - 2 / 2^n for n processes: 75 % for three, 94 % for five.
    """
    groups = by_process(seconds, process)
    return interval(_median(groups), _bootstrap(groups, resamples, seed), _units(groups), confidence)


def ratio_interval(a: Columns, b: Columns, confidence: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """The ratio of seconds b / a of two cases of one run, whose columns these are, paired by process and turn.

    Per process the median over shared turns of log(b / a), then the median over processes. Raises ValueError if the
    two share no turn.
    """
    logs, process = log_ratios(a, b)
    if not len(logs):
        raise ValueError("the two cases share no turn of any process")
    groups = by_process(logs, process)
    value, resampled = math.exp(_median(groups)), np.exp(_bootstrap(groups, resamples, seed))
    return interval(value, resampled, _units(groups), confidence)


def log_ratios(a: Columns, b: Columns) -> tuple[Array, Array]:
    """log(b / a) of the seconds of every turn that both have, and the process that each is of."""
    first, second = ({key: i for i, key in enumerate(_turns(columns))} for columns in (a, b))
    shared = sorted(first.keys() & second.keys())
    rows, others = [first[key] for key in shared], [second[key] for key in shared]
    return np.log(b["seconds"][others] / a["seconds"][rows]), a["process"][rows]


def _turns(columns: Columns) -> list[tuple[int, int]]:
    return list(zip(columns["process"].tolist(), columns["turn"].tolist(), strict=True))


def _units(groups: Sequence[Array]) -> int:
    """How many independent units there are: the processes, or with one of them its rounds."""
    return len(groups) if len(groups) > 1 else len(groups[0])


def _median(groups: Sequence[Array]) -> float:
    return float(np.median([np.median(group) for group in groups]))


def _bootstrap(groups: Sequence[Array], resamples: int, seed: int) -> Array:
    """Of so many resamples of processes, and of rounds within each: the median over processes of their medians."""
    random = np.random.default_rng(seed)
    drawn = random.integers(len(groups), size=(resamples, len(groups)))
    # By group, for to look for each group's places would be quadratic; short numbers are sorted in linear time.
    places = np.argsort(drawn.astype(np.uint16), axis=None, kind="stable")
    counts = np.bincount(drawn.ravel(), minlength=len(groups))
    medians = np.empty(drawn.size)
    medians[places] = np.concatenate(
        [resampled_medians(group, int(count), random) for group, count in zip(groups, counts, strict=True)]
    )
    return np.array(np.median(medians.reshape(drawn.shape), axis=1))


def resampled_medians(values: Array, count: int, random: np.random.Generator) -> Array:
    """The medians of so many bootstrap samples of the values.

    No sample is drawn for them: a draw is ordered[floor(n u)] with u uniform, so the median follows from the middle
    order statistics of n uniform numbers. The k-th of them is Beta(k, n - k + 1), and the one below it is the largest
    of k - 1 uniform numbers up to it.
    """
    ordered, n = np.sort(values), len(values)
    middle = random.beta(n // 2 + 1, n - n // 2, count)
    upper = ordered[np.minimum((n * middle).astype(int), n - 1)]
    if n % 2:
        return np.array(upper)
    below = middle * random.random(count) ** (2 / n)
    return np.array((ordered[(n * below).astype(int).clip(max=n - 1)] + upper) / 2)


def interval(value: float, resampled: Array, count: int, confidence: float) -> Interval:
    """Percentiles of resamples of so many units. None is interpolated, since some may be infinite."""
    if count < 2:
        return Interval(value, math.nan, math.nan)
    t = special.stdtrit(count - 1, (1 - confidence) / 2)
    tail = special.ndtr(t * math.sqrt(count / (count - 1)))
    last = len(resampled) - 1
    places = [math.floor(last * tail), math.ceil(last * (1 - tail)), last]
    low, high, most = np.partition(resampled, places)[places].tolist()
    return Interval(value, low, high) if not math.isnan(most) else Interval(value, math.nan, math.nan)
