"""How long a run will still take, by what its own processes and groups have taken so far."""

import math
import statistics
import time
from collections.abc import Callable, Sequence


def seconds_left(taken: Sequence[Sequence[float]], groups: int, processes: int) -> float | None:
    """Seconds until the end; None where too few groups have ended to tell.

    taken: by process that has begun, the seconds of its groups that have ended; only the last one may go on. That
    and those to come have so many groups; with the first one all workers start, so that it tells nothing of the
    others. What the latest process took is the best that is known: the first of them compiles all that the others
    find compiled.
    """
    ended = [one for one in taken if one]
    later = next((one[1:] for one in reversed(ended) if len(one) > 1), [])
    if not ended or (groups > 1 and not later):
        return None
    first, rest = ended[-1][0], statistics.median(later or [0.0])
    begun = [len(taken[-1]), *[0] * (processes - len(taken))]
    return sum((first if done == 0 else rest) + max(groups - done - 1, 0) * rest for done in begun if done < groups)


def about(seconds: float | None) -> str:
    """So many seconds as the end of a line, rounded up to what anybody wants to know; or nothing."""
    if seconds is None:
        return ""
    if seconds <= 50:
        return f", about {max(10, 10 * math.ceil(seconds / 10))} s left"
    if seconds < 3600:
        return f", about {max(1, round(seconds / 60))} min left"
    return f", about {seconds / 3600:.1f} h left"


class Remaining:
    """What a run has taken so far, as it tells of each group that begins. clock: seconds that never go back."""

    def __init__(self, processes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.processes, self.clock = processes, clock
        self.taken: list[list[float]] = []
        self.groups = 0

    def begin(self, groups: int) -> None:
        """The next process, of so many groups; of none, if it was whole when the run was resumed."""
        if not groups:
            self.processes -= 1
            return
        self.groups = groups
        self.taken.append([])
        self._since = self.clock()

    def done(self) -> None:
        """Its group has ended, and the next one begins."""
        now = self.clock()
        self.taken[-1].append(now - self._since)
        self._since = now

    def left(self) -> str:
        """In words, as the end of a line."""
        return about(seconds_left(self.taken, self.groups, self.processes))
