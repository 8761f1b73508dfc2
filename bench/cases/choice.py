"""What a user asked for, checked, and whether this machine has the memory for it."""

from collections.abc import Mapping
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

    def check_memory(self, sides: int) -> None:
        """Raises InputError if what it takes to measure so many sides together is not available."""
        free = available_memory()
        variants, backends, dtypes, sizes = (self.axes[name] for name in ("variant", "backend", "dtype", "points"))
        problems = len(variants) * len(dtypes) * len(sizes)
        if (exact := self.steps * STEP_BYTES * problems) > free:
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
