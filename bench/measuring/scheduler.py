"""Jobs that are not timed, side by side: each on cores of its own, those of one worker one after the other.

A job's work mostly waits for the process that does it, so threads do here. What is made of its answer, the oracle's
judgement, is done by whoever called, one after the other: it may take long, and Ctrl-C ends it.
"""

import math
import queue
import statistics
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass

LOOK_SECONDS = 1.0  # between two looks at whether somebody pressed Ctrl-C, where waiting cannot be interrupted

Cores = list[int] | None  # to be pinned to; None where processes cannot be pinned


def nothing() -> None:
    return None


@dataclass(frozen=True)
class Job:
    """line: whose it is, for a worker does one at a time; work: what is done on the cores that it is given, and beside
    how many others at most; judge: what is made of it afterwards; abandon: lets work that goes on end soon; holds: the
    bytes of memory that the work takes until it is done.
    """

    line: Hashable
    work: Callable[[Cores, int], None]
    judge: Callable[[], None] = nothing
    abandon: Callable[[], None] = nothing
    holds: int = 0


class Scheduler:
    """Runs jobs; it remembers how long those of a line took, so that the longest line is never the last to begin.

    places: the cores that jobs may have now, each list for one of them; there is always one.
    """

    def __init__(self, places: Callable[[], Sequence[Cores]]) -> None:
        self.places = places
        self._took: dict[Hashable, list[float]] = {}

    def run(
        self,
        jobs: Iterable[Job],
        abandon: Callable[[], None] = nothing,
        most: int | None = None,
        room: float = math.inf,
    ) -> None:
        """Return when all is done and judged; of a line in the order given. At most so many go side by side, and no
        more than hold so many bytes together, unless it is one alone.

        Raises what a job raises, and KeyboardInterrupt: then `abandon` must let all work that goes on end soon.
        """
        everything = list(jobs)
        run = _Run(everything, self.places, self._took, most, room)
        threads = [threading.Thread(target=run.help, daemon=True) for _ in range(run.helpers())]
        try:
            for thread in threads:
                thread.start()
            run.judge()
        except BaseException:
            run.stop()
            abandon()
            for job in everything:
                job.abandon()
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:
                    thread.join()


class _Run:
    """Jobs that go on now. Its helpers, a thread for each place, take the next job whenever they are free."""

    def __init__(
        self,
        jobs: Sequence[Job],
        places: Callable[[], Sequence[Cores]],
        took: dict[Hashable, list[float]],
        most: int | None,
        room: float,
    ) -> None:
        self.room = room
        self.waiting = list(jobs)
        self.places, self.took, self.most = places, took, most
        self.left = len(self.waiting)  # to be judged
        self.busy: dict[Hashable, Cores] = {}
        self.held: dict[Hashable, int] = {}  # bytes, by line that is busy
        self.working = 0  # helpers
        self.changed = threading.Condition()
        self.done: queue.Queue[tuple[Job, BaseException | None]] = queue.Queue()

    def helpers(self) -> int:
        lines = len({job.line for job in self.waiting})
        self.working = min(lines, len(self.places()), self.most or lines)
        return self.working

    def stop(self) -> None:
        with self.changed:
            self.waiting.clear()
            self.changed.notify_all()

    def judge(self) -> None:
        """In the thread that called, until nothing is left."""
        while self.left:
            try:
                job, error = self.done.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            job.judge()
            self.left -= 1

    def help(self) -> None:
        """What a helper does."""
        while (taken := self._take()) is not None:
            job, cores, beside = taken
            begun, error = time.monotonic(), None
            try:
                job.work(cores, beside)
            except BaseException as raised:  # it is raised again where the judging is done
                error = raised
            with self.changed:
                self.took.setdefault(job.line, []).append(time.monotonic() - begun)
                del self.busy[job.line], self.held[job.line]
                self.changed.notify_all()
            self.done.put((job, error))

    def _take(self) -> tuple[Job, Cores, int] | None:
        """The next job, its cores and how many others go on beside it at most; None where a helper is not needed."""
        with self.changed:
            while self.waiting:
                free = [place for place in self.places() if place is None or place not in self.busy.values()]
                if not free and self.working > 1:  # another run has taken cores meanwhile
                    break
                job = longest(self.waiting, self._blocked(), self.took)
                if job is None:  # those that wait are of workers that are busy, or there is no memory for them
                    self.changed.wait()
                    continue
                self.waiting.remove(job)
                self.busy[job.line] = free[0] if free else self.places()[0]
                self.held[job.line] = job.holds
                return job, self.busy[job.line], self.working - 1
            self.working -= 1
            return None

    def _blocked(self) -> set[Hashable]:
        """The lines that are busy, and those whose next job would hold more than what goes on has left room for."""
        left = self.room - sum(self.held.values())
        following = {job.line: job for job in reversed(self.waiting)}
        return {*self.busy, *(line for line, job in following.items() if self.busy and job.holds > left)}


def longest(waiting: Sequence[Job], busy: Collection[Hashable], took: dict[Hashable, list[float]]) -> Job | None:
    """The first waiting job of the idle line that will take longest, by what its jobs took so far; one of which nothing
    is known comes before all others. None where no line is idle.
    """
    lines = dict.fromkeys(job.line for job in waiting if job.line not in busy)
    if not lines:
        return None
    counts = {line: sum(job.line == line for job in waiting) for line in lines}
    seconds = {line: counts[line] * statistics.fmean(took[line]) if took.get(line) else float("inf") for line in lines}
    line = max(lines, key=seconds.__getitem__)
    return next(job for job in waiting if job.line == line)
