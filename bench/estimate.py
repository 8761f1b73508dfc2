"""What the rounds of a case say: medians and ratios with intervals, whether its processes agree, and break-even.

The unit is the process: two processes of the very same code differ for good, so rounds of one say little of the next.
Intervals come from a hierarchical bootstrap, which resamples processes and, within them, rounds. It is corrected for
few processes as Hesterberg (2015, "What Teachers Should Know About the Bootstrap", section 5.3) does.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench import units
from bench.record import Record

Array = npt.NDArray[Any]
Columns = Mapping[str, Array]

INTEGERS = ("process", "turn", "place", "steps")
BLOCK_SECONDS = 0.1  # rounds nearer than this share the machine's noise, which is correlated over some 0.05 s
APART = 0.05  # processes that differ by less are not worth a line
SIGNIFICANT = 0.01  # for processes to differ
TREND = 0.05  # for a drift among processes that do differ; five in order are enough for it


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


@dataclass(frozen=True)
class Unstable:
    """Why a case has no one figure. kind: "modes" or "drift"; modes: the two, in seconds per iteration."""

    kind: str
    text: str
    modes: tuple[float, float]


def kept(record: Record) -> dict[str, Array]:
    """The columns of the rounds that are not warm-up; a yardstick that was not measured is NaN."""
    rounds = record.rounds or {}
    rows = [i for i, warming in enumerate(rounds.get("warm_up", ())) if not warming]
    kinds = {name: int if name in INTEGERS else bool if name == "warm_up" else float for name in rounds}
    return {name: np.array([values[i] for i in rows], dtype=kinds[name]) for name, values in rounds.items()}


def process_medians(values: Array, process: Array) -> Array:
    """The median of each process's values, by ascending number of the process."""
    return np.array([np.median(values[process == each]) for each in np.unique(process)])


def median_interval(
    seconds: Array, process: Array, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """The median over processes of the median of each one's rounds, in the unit of `seconds`.

    With one process only its rounds are resampled: the interval then says nothing of other processes. With one round
    its ends are NaN. Where processes differ by more than their rounds explain, no interval of this kind can hold the
    truth more often than 1 - 2 / 2^n for n processes: 75 % for three, 94 % for five.
    """
    groups = [seconds[process == each] for each in np.unique(process)]
    return _interval(_median(groups), _bootstrap(groups, resamples, seed), _units(groups), confidence)


def ratio_interval(a: Columns, b: Columns, confidence: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """The ratio of seconds b / a of two cases of one run, whose columns these are, paired by process and turn.

    Per process the median over shared turns of log(b / a), then the median over processes. Raises ValueError if the
    two share no turn.
    """
    logs, process = log_ratios(a, b)
    if not len(logs):
        raise ValueError("the two cases share no turn of any process")
    groups = [logs[process == each] for each in np.unique(process)]
    value, resampled = math.exp(_median(groups)), np.exp(_bootstrap(groups, resamples, seed))
    return _interval(value, resampled, _units(groups), confidence)


def log_ratios(a: Columns, b: Columns) -> tuple[Array, Array]:
    """log(b / a) of the seconds of every turn that both have, and the process that each is of."""
    first, second = ({key: i for i, key in enumerate(_turns(columns))} for columns in (a, b))
    shared = sorted(first.keys() & second.keys())
    rows, others = [first[key] for key in shared], [second[key] for key in shared]
    return np.log(b["seconds"][others] / a["seconds"][rows]), a["process"][rows]


def unstable(seconds: Array, process: Array, time: Array) -> Unstable | None:
    """The evidence that a case's processes disagree, or None. seconds per iteration; time: when a round ended, in s.

    The medians of the processes are split at their largest gap (of logs). They disagree if the halves are APART, and
    the two processes beside the gap differ by Mann and Whitney's test on medians of blocks of BLOCK_SECONDS, by a p
    that is corrected for all pairs of processes. They drift if no gap is half of the whole range, and Kendall's tau of
    medians and order is significant, and the first and the last differ likewise.
    """
    numbers = np.unique(process)
    if len(numbers) < 2:
        return None
    numbers = np.array(sorted(numbers, key=lambda each: time[process == each].min()))
    medians = np.array([np.median(seconds[process == each]) for each in numbers])
    blocks = [_blocks(seconds[process == each], time[process == each]) for each in numbers]
    order = np.argsort(medians, kind="stable")
    gaps = np.diff(np.log(medians[order]))
    split = int(np.argmax(gaps)) + 1
    if 2 * gaps[split - 1] <= gaps.sum() and (drift := _drift(medians, blocks)):
        return drift
    low, high = medians[order[:split]], medians[order[split:]]
    pairs = math.comb(len(numbers), 2)
    if _differ(blocks[order[split - 1]], blocks[order[split]], pairs):
        return _modes(low, high)
    return None


def _modes(low: Array, high: Array) -> Unstable | None:
    modes = float(np.median(low)), float(np.median(high))
    if (apart := modes[1] / modes[0] - 1) < APART:
        return None
    text = (
        f"{len(low)} of {len(low) + len(high)} processes at {units.seconds(modes[0])}, "
        f"{len(high)} at {units.seconds(modes[1])}: {units.significant(100 * apart, 2)} % apart"
    )
    return Unstable("modes", text, modes)


def _drift(medians: Array, blocks: Sequence[Array]) -> Unstable | None:
    change = medians[-1] / medians[0] - 1
    trend = stats.kendalltau(np.arange(len(medians)), medians)
    if abs(change) < APART or not trend.pvalue < TREND or not _differ(blocks[0], blocks[-1], 1):
        return None
    size = f"{'+' if change > 0 else '-'}{units.significant(100 * abs(change), 2)} %"
    evidence = f"Kendall's tau {trend.statistic:.2g}, p {trend.pvalue:.2g}"
    text = f"drifts by {size} from the first process to the last ({evidence})"
    return Unstable("drift", text, (float(medians[0]), float(medians[-1])))


def break_even(
    cold_a: Array,
    seconds_a: Array,
    cold_b: Array,
    seconds_b: Array,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The iterations after which a, dearer to start and faster to go on, has cost as little as b.

    cold_*: by process, the seconds before the second iteration; seconds_*: by process, the median of seconds per
    iteration. (cold_a - cold_b) / (seconds_b - seconds_a), of medians. 0 where a is not dearer to start; infinite where
    it is, and not faster either. The ends of the interval are NaN with fewer than two processes on any side.
    """
    sides = [np.asarray(side, dtype=float) for side in (cold_a, seconds_a, cold_b, seconds_b)]
    value = float(_crossing(*(np.array([np.median(side)]) for side in sides))[0])
    if (count := min(map(len, sides))) < 2:
        return Interval(value, math.nan, math.nan)
    random = np.random.default_rng(seed)
    return _interval(value, _crossing(*(_medians(side, resamples, random) for side in sides)), count, confidence)


def _crossing(cold_a: Array, seconds_a: Array, cold_b: Array, seconds_b: Array) -> Array:
    dearer, faster = cold_a - cold_b, seconds_b - seconds_a
    crossing = np.divide(dearer, faster, out=np.full(dearer.shape, math.inf), where=faster > 0)
    return np.where(dearer > 0, crossing, 0.0)


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
    medians = np.empty(drawn.shape)
    for number, group in enumerate(groups):
        chosen = drawn == number
        medians[chosen] = _medians(group, int(chosen.sum()), random)
    return np.array(np.median(medians, axis=1))


def _medians(values: Array, count: int, random: np.random.Generator) -> Array:
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


def _interval(value: float, resampled: Array, count: int, confidence: float) -> Interval:
    """Percentiles of resamples of so many units. None is interpolated, since some may be infinite."""
    if count < 2:
        return Interval(value, math.nan, math.nan)
    t = stats.t.ppf((1 - confidence) / 2, count - 1)
    tail = stats.norm.cdf(t * math.sqrt(count / (count - 1)))
    low, high = np.quantile(resampled, tail, method="lower"), np.quantile(resampled, 1 - tail, method="higher")
    return Interval(value, float(low), float(high))


def _blocks(seconds: Array, time: Array) -> Array:
    """The medians of the rounds that ended in the same BLOCK_SECONDS."""
    return process_medians(seconds, np.floor(time / BLOCK_SECONDS))


def _differ(one: Array, other: Array, pairs: int) -> bool:
    return bool(pairs * stats.mannwhitneyu(one, other).pvalue < SIGNIFICANT)
