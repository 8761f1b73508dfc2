"""What a user asked for, checked, and whether this machine has the memory and the time for it."""

import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.cases.case import Case
from bench.support.errors import InputError
from bench.support.system import available_memory
from bench.support.words import counted

# No run may hold more, since no report can show it.
MOST_PROCESSES = 200  # of a case
MOST_VALUES = 50  # on any axis of a run: a colour, a row or a picture each
STEP_BYTES = 4096  # that the exact trajectory and its bound keep of each step, measured with 20 000 steps

# What the exact fit and its bound take on one core, in seconds for a step and for a step squared: measured up to
# 16 000 steps with RMSprop, which takes longest.
STEP_SECONDS, SQUARE_SECONDS = 5e-4, 1e-8
MOST_EXACT_SECONDS = 3600.0
WORTH_TELLING = 60.0  # seconds that pass before anything is measured

# Seconds for a step and point on one core where points rule: measured with a million of them, from compiled loops in
# float32 to eager ones in float64 (4 to 43 ns beside other programs), with a margin at the lower end.
LEAST_POINT_SECONDS, MOST_POINT_SECONDS = 1e-9, 4e-8
FEWEST_STEPS = 5  # of a fit, at any size, unless fewer are asked for: what shows a wrong fit, as tests tell
STEPS_AROUND = 40  # that a case makes in a process beside its fit: the first call, probes, rounds, further steps


@dataclass(frozen=True)
class Choice:
    """What to measure: every combination of the values on the axes, and how.

    axes: by axis of the case, its values; no device means every device seen. steps: of a fit, or as many as take about
    fit_time seconds in the slowest backend, if that is less. processes: fresh workers of a backend, the first `cold` of
    them with empty compile caches. precision: the half-width of a median's interval, relative to it, at which its
    rounds end. max_time: the seconds of rounds that a case may take in all its processes. case_timeout: those that it
    may take in one, whatever it does.
    """

    axes: Mapping[str, tuple[Any, ...]]
    steps: int
    fit_time: float
    processes: int
    cold: int
    precision: float
    max_time: float
    threads: int
    seed: int
    case_timeout: float

    def steps_at(self, points: int) -> int:
        """The iterations of a fit of so many points: fewer where it would take long.

        They follow from the size alone, so that all backends, dtypes and threads of any run have the same, as well as a
        run that is resumed.
        """
        affordable = int(self.fit_time / (MOST_POINT_SECONDS * points))
        return min(self.steps, max(affordable, FEWEST_STEPS))

    @property
    def _fits(self) -> list[int]:
        """The steps of each exact fit."""
        of_each_size = len(self.axes["variant"]) * len(self.axes["dtype"])
        return [self.steps_at(points) for points in self.axes["points"]] * of_each_size

    @property
    def _exact_seconds(self) -> float:
        """What the exact fits will take, about."""
        return sum(STEP_SECONDS * steps + SQUARE_SECONDS * steps**2 for steps in self._fits)

    def _case_seconds(self, points: int) -> tuple[float, float]:
        """The least and the most that a case of so many points will take in a process, about, on the cpu."""
        work = (self.steps_at(points) + STEPS_AROUND) * points / self.threads
        return LEAST_POINT_SECONDS * work, MOST_POINT_SECONDS * work

    def check_time(self, devices: Iterable[str]) -> None:
        """Raises InputError for what would take hours before anything is measured, or cannot be measured at all.

        devices: those of the cases that are to be run; how fast others than the cpu are, nobody knows here.
        """
        if (seconds := self._exact_seconds) > MOST_EXACT_SECONDS:
            most = bisect.bisect_right(
                range(self.steps), MOST_EXACT_SECONDS, key=lambda steps: replace(self, steps=steps)._exact_seconds
            )
            raise InputError(
                f"--steps {self.steps}: {counted(len(self._fits), 'exact fit')} of so many would take about "
                f"{seconds / 3600:.3g} h; allowed: at most {most - 1} steps, about {MOST_EXACT_SECONDS / 3600:.3g} h"
            )
        points = max(self.axes["points"], key=self._case_seconds)
        least, _ = self._case_seconds(points)
        if least > self.case_timeout and all(device.partition(":")[0] == "cpu" for device in devices):
            raise InputError(
                f"--points {points}: {self._case(points)} takes at least about {least:.0f} s, "
                f"and --case-timeout is {self.case_timeout} s; raise it, or lower --points or --fit-time"
            )

    def _case(self, points: int) -> str:
        return f"a case with fits of {self.steps_at(points)} steps"

    def foreseen(self) -> Iterator[str]:
        """What will take long, each in one line, with what can be done about it; and where fits are shorter."""
        if (seconds := self._exact_seconds) > WORTH_TELLING:
            told = f"{counted(len(self._fits), 'exact fit')} of so many"
            yield f"--steps {self.steps}: {told} take about {seconds / 60:.0f} min"
        all_steps = {points: self.steps_at(points) for points in self.axes["points"]}
        if shorter := {points: steps for points, steps in all_steps.items() if steps < self.steps}:
            told = ", ".join(f"{steps} at {points} points" for points, steps in shorter.items())
            yield f"--fit-time {self.fit_time:g}: fits have fewer than {self.steps} steps: {told}"
        points = max(self.axes["points"], key=self._case_seconds)
        least, most = self._case_seconds(points)
        if most > self.case_timeout:
            yield (
                f"--points {points}: {self._case(points)} may take from {least:.0f} to {most:.0f} s on the cpu, "
                f"and cases that take longer than --case-timeout {self.case_timeout} fail; "
                "raise it, or lower --points or --fit-time"
            )

    def check_memory(self, needed: Mapping[Case, int]) -> None:
        """Raises InputError if what it takes to measure some case is not available.

        needed: by case that is to be run, the bytes that its data take on all sides together. Cases that do not fit
        together hold theirs one after the other.
        """
        free = available_memory()
        if (exact := sum(self._fits) * STEP_BYTES) > free:
            raise InputError(
                f"--steps {self.steps}: the exact trajectories would need about {exact / 2**30:.3g} GiB, "
                f"and {free / 2**30:.3g} GiB are available"
            )
        largest = max(needed, key=needed.__getitem__, default=None)
        if largest is not None and needed[largest] > free:
            raise InputError(
                f"--points {largest.points}: {largest.id} would need about {needed[largest] / 2**30:.3g} GiB, "
                f"and {free / 2**30:.3g} GiB are available"
            )
