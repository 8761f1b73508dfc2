"""What a user asked for, checked, and whether this machine has the memory and the time for it."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.support.errors import InputError
from bench.support.system import available_memory

# Arrays of N numbers that a worker holds at its peak, measured with a million points: features, temporaries, the tape.
ARRAYS = 32
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


@dataclass(frozen=True)
class Choice:
    """What to measure: every combination of the values on the axes, and how.

    axes: by axis of the case, its values; no device means every device seen. processes: fresh workers of a backend,
    the first `cold` of them with empty compile caches. precision: the half-width of a median's interval, relative to
    it, at which its rounds end. max_time: the seconds of rounds that a case may take in all its processes.
    case_timeout: the seconds that it may take in one, whatever it does.
    """

    axes: Mapping[str, tuple[Any, ...]]
    steps: int
    processes: int
    cold: int
    precision: float
    max_time: float
    threads: int
    seed: int
    case_timeout: float

    @property
    def _problems(self) -> int:
        """How many exact fits there are."""
        return math.prod(len(self.axes[name]) for name in ("variant", "dtype", "points"))

    @property
    def _exact_seconds(self) -> float:
        """What the exact fits will take, about."""
        return self._problems * (STEP_SECONDS * self.steps + SQUARE_SECONDS * self.steps**2)

    @property
    def _fit_seconds(self) -> tuple[float, float]:
        """The least and the most that the largest fit will take, about, in a backend on the cpu."""
        work = self.steps * max(self.axes["points"]) / self.threads
        return LEAST_POINT_SECONDS * work, MOST_POINT_SECONDS * work

    def check_time(self, devices: Iterable[str]) -> None:
        """Raises InputError for what would take hours before anything is measured, or cannot be measured at all.

        devices: those of the cases that are to be run; how fast others than the cpu are, nobody knows here.
        """
        if (seconds := self._exact_seconds) > MOST_EXACT_SECONDS:
            budget, linear = MOST_EXACT_SECONDS / self._problems, STEP_SECONDS
            most = int((math.sqrt(linear**2 + 4 * SQUARE_SECONDS * budget) - linear) / (2 * SQUARE_SECONDS))
            raise InputError(
                f"--steps {self.steps}: {self._problems} exact fit(s) of so many would take about "
                f"{seconds / 3600:.3g} h; allowed: at most {most} steps, about {MOST_EXACT_SECONDS / 3600:.3g} h"
            )
        least, _ = self._fit_seconds
        if least > self.case_timeout and all(device.partition(":")[0] == "cpu" for device in devices):
            raise InputError(
                f"--points {max(self.axes['points'])}: a fit of {self.steps} steps takes at least about {least:.0f} s, "
                f"and --case-timeout is {self.case_timeout} s; raise it, or lower --points or --steps"
            )

    def foreseen(self) -> Iterator[str]:
        """What will take long, each in one line, with what can be done about it."""
        if (seconds := self._exact_seconds) > WORTH_TELLING:
            yield f"--steps {self.steps}: {self._problems} exact fit(s) of so many take about {seconds / 60:.0f} min"
        least, most = self._fit_seconds
        if most > self.case_timeout:
            yield (
                f"--points {max(self.axes['points'])}: a fit of {self.steps} steps may take from {least:.0f} to "
                f"{most:.0f} s on the cpu, and cases that take longer than --case-timeout {self.case_timeout} fail; "
                "raise it, or lower --points or --steps"
            )

    def check_memory(self, sides: int) -> None:
        """Raises InputError if what it takes to measure so many sides together is not available."""
        free = available_memory()
        backends, dtypes, sizes = (self.axes[name] for name in ("backend", "dtype", "points"))
        if (exact := self.steps * STEP_BYTES * self._problems) > free:
            raise InputError(
                f"--steps {self.steps}: the exact trajectories would need about {exact / 2**30:.3g} GiB, "
                f"and {free / 2**30:.3g} GiB are available"
            )
        points, dtype = max(sizes), max(dtypes, key=lambda name: np.dtype(name).itemsize)
        # The backends of a group hold their data at the same time, on every side.
        workers = len(backends) * sides
        needed = points * np.dtype(dtype).itemsize * ARRAYS * workers
        if needed > free:
            raise InputError(
                f"--points {points}: would need about {needed / 2**30:.3g} GiB for {workers} worker(s) "
                f"in {dtype}, and {free / 2**30:.3g} GiB are available"
            )
