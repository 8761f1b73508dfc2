"""When a process has made enough rounds of a case: the end of its warm-up, and the end of its measuring.

A round is as many steps as take about ROUND_SECONDS, or the whole fit where that is shorter. On shared machines the
speed changes by tens of per cent within some 50 ms; rounds as short as this, in turns, meet the same state of it.
"""

import math
from collections.abc import Iterable, Sequence

import scipy  # its parts are imported when they are first used: some take most of a second

from bench.records.rounds import Rounds, Row
from bench.statistics.states import own_half_width
from bench.truth.problem import Checkpoint

ROUND_SECONDS = 5e-3
BLOCK = 8  # rounds of which a warm-up test compares the first half with the second, and the fewest that are kept
SIGNIFICANT = 0.05

# Where rounds are much shorter than 5 ms, for a fit of few steps, what goes on around them takes longer than they do.
WALL = 2.0  # times its share of time that a case may take in a process with all that
MOST_ROUNDS = 1000  # of a case in a process: 5 s of rounds, and more would tell nothing more of other processes


def steps_of_round(pace: float, steps: int) -> int:
    """How many steps a round has, for a fit of so many that takes `pace` seconds per iteration."""
    rounds = max(1, round(pace * steps / ROUND_SECONDS))
    return math.ceil(steps / rounds)


def pace_of(checkpoints: Sequence[Checkpoint]) -> float | None:
    """Seconds per iteration of a fit, by the stretches between its checkpoints: the median of the longer ones, since
    stretches of a few steps tell more of what goes on around them. None where there are none.
    """
    begins = [0, *(one.step for one in checkpoints)]
    stretches = [(one.step - begin - 1, one.pace) for begin, one in zip(begins, checkpoints, strict=False)]
    longest = max((steps for steps, _ in stretches), default=0)
    paces = sorted(pace for steps, pace in stretches if pace is not None and 2 * steps >= longest)
    return paces[len(paces) // 2] if paces else None


def is_warm(seconds: Iterable[float]) -> bool:
    """Whether rounds have stopped getting faster: their first half is not slower than their second (Mann-Whitney)."""
    values = list(seconds)
    half = len(values) // 2
    slower = scipy.stats.mannwhitneyu(values[:half], values[half:], alternative="greater", method="exact")
    return bool(slower.pvalue >= SIGNIFICANT)


class Sampler:
    """The rounds of one case in one process.

    precision: the half-width, relative to it, of the interval of this process's own figure at which the rounds end;
    share: the seconds of rounds after which they end whatever the interval, or WALL times as many on the clock.
    """

    def __init__(self, process: int, precision: float, share: float) -> None:
        self.process, self.precision, self.share = process, precision, share
        self.rows: list[Row] = []
        self.warm_up: int | None = None  # rounds before it was over
        self.precise = False
        self._spent = self._passed = 0.0

    def pass_time(self, seconds: float) -> None:
        """What a round took on the clock, with all that goes with it: the worker's answer, and the check."""
        self._passed += seconds

    def add(self, row: Row) -> None:
        """A round that was made; decides whether it ended the warm-up, and whether the interval is narrow enough."""
        self.rows.append(row)
        self._spent += row.seconds * row.steps
        count = len(self.rows)
        if count % BLOCK:
            return
        if self.warm_up is None:
            self.warm_up = count - BLOCK if is_warm(each.seconds for each in self.rows[-BLOCK:]) else None
        else:
            self.precise = is_precise(self.rounds().kept, self.precision)

    @property
    def done(self) -> bool:
        late = self._spent >= self.share or self._passed >= WALL * self.share
        enough = len(self.rows) - (self.warm_up or 0) >= BLOCK
        return self.precise or (late and enough) or len(self.rows) >= MOST_ROUNDS

    def rounds(self) -> Rounds:
        """The rounds as a record keeps them. If no test ended the warm-up, the last block is kept all the same."""
        return Rounds.of(self.rows, max(0, len(self.rows) - BLOCK) if self.warm_up is None else self.warm_up)


def is_precise(kept: Rounds, precision: float) -> bool:
    """Whether a process's own figure, net of the machine, is known to within the precision from its kept rounds."""
    return own_half_width(kept.arrays()) <= precision
