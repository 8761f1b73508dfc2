"""What an iteration of some cases consists of, and what they cost at few points, in workers of their own.

Every case has a process to itself, at its own size and at few points; all take turns on one core. Of several cases,
more fresh processes make rounds at few points, so that what one takes more than another has an interval.
"""

import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bench.backends import backends
from bench.cases.case import Case
from bench.cases.choice import Choice
from bench.measuring.sampling import steps_of_round
from bench.reporting.anatomy import Explanation, taxes, text
from bench.sides.side import Side, here
from bench.statistics.intervals import Interval, median_interval
from bench.support.system import allowed_cores
from bench.support.words import counted
from bench.truth.check import check
from bench.truth.oracle import oracle_of
from bench.truth.problem import Problem
from bench.workers.caches import Caches
from bench.workers.process import WorkerProcess, variables_of
from bench.workers.protocol import Build, Converge, Explain, Explained, Request, Round, Start, Stretch

FEW = 100  # points, at which next to nothing of a step is for them
TURNS, DROPPED = 15, 3  # rounds of a case in a process, and those that warm it up
PROFILED = 0.1  # seconds of steps that are profiled
MOST_PROFILED = 2000  # steps


@dataclass
class Seat:
    """A case in a process of its own. rounds: those that count."""

    case: Case
    choice: Choice
    process: WorkerProcess
    pace: float = 0.0
    rounds: list[Stretch] = field(default_factory=list)

    def ask(self, request: Request[Any]) -> Any:
        return self.process.ask(request, self.choice.case_timeout)

    @property
    def steps(self) -> int:
        """Of a fit of its size."""
        return self.choice.steps_at(self.case.points)

    def begin(self, checked: bool) -> None:
        """Build and compile it. Raises WorkerError, and DisagreementError if it is `checked` and not right."""
        case, choice = self.case, self.choice
        self.ask(Start(case.backend, case.device, choice.threads, None))
        self.ask(Build(case, choice.seed, self.steps))
        if checked:
            problem = Problem.of(case, choice.seed, self.steps)
            check(oracle_of(problem), self.ask(Converge()).checkpoints)
        else:
            self.ask(Round(1, False))
        self.pace = self.read(self.ask(Round(self.steps, False)))

    def round(self) -> Stretch:
        made: Stretch = self.ask(Round(steps_of_round(self.pace, self.steps), False))
        return made

    def explain(self) -> Explained:
        steps = max(1, min(int(PROFILED / self.pace), MOST_PROFILED, self.steps))
        explained: Explained = self.ask(Explain(steps))
        return explained

    def read(self, made: Stretch) -> float:
        """Seconds per iteration. With one thread on the CPU it never waits: then what others took of the core is no
        part of them.
        """
        alone = self.case.device == "cpu" and self.choice.threads == 1
        return min(made.seconds, made.cpu_seconds) if alone else made.seconds

    @property
    def seconds(self) -> list[float]:
        return [self.read(one) for one in self.rounds]


def explained(cases: Sequence[Case], choice: Choice, tell: Callable[[str], None] = lambda line: None) -> str:
    """The explanations of the cases, and of several what each costs more than the first of its backend, and than the
    same variant of the first backend. Raises WorkerError and DisagreementError.
    """
    caches, side = Caches(), here()
    try:
        tell(f"{counted(len(cases), 'case')}, at the size asked for and at {FEW} points")
        few = [_few(case) for case in cases]
        with _seated([*cases, *few], choice, caches, side, checked=True) as seats:
            _take_turns(seats, seed=0)
            parts = [
                text(_explanation(*pair, choice.threads))
                for pair in zip(seats[: len(cases)], seats[len(cases) :], strict=True)
            ]
            rounds = [[seat.seconds for seat in seats[len(cases) :]]]
        if len(cases) > 1:
            for process in range(1, choice.processes):
                tell(f"process {process + 1} of {choice.processes}, at {FEW} points")
                with _seated(few, choice, caches, side, checked=False) as seats:
                    _take_turns(seats, process)
                    rounds.append([seat.seconds for seat in seats])
            parts.append(taxes(few[0].points, choice.processes, _rows(cases, np.array(rounds))))
        return "\n\n\n".join(parts)
    finally:
        caches.close()


def _few(case: Case) -> Case:
    return replace(case, points=min(FEW, case.points))


@contextmanager
def _seated(cases: Sequence[Case], choice: Choice, caches: Caches, side: Side, checked: bool) -> Iterator[list[Seat]]:
    """The cases in processes of their own, begun side by side, then all on the same cores."""
    cores = allowed_cores()
    with ExitStack() as stack:
        seats = [Seat(case, choice, process_of(case, choice, caches, side)) for case in cases]
        for seat in seats:
            stack.callback(seat.process.close)
        with ThreadPoolExecutor(max(1, len(cores) // choice.threads)) as pool:
            list(pool.map(lambda seat: seat.begin(checked), seats))
        for seat in seats:
            seat.process.pin(cores[-choice.threads :])
        yield seats


def process_of(case: Case, choice: Choice, caches: Caches, side: Side) -> WorkerProcess:
    """A process for a case, with the variables of its backend."""

    def variables(cache: str) -> dict[str, str]:
        backend = backends()[case.backend]
        return variables_of(backend, case.device, case.dtype, choice.threads, cache, side.environ())

    folder = caches.folder([case.backend, variables("")], cold=False)
    return WorkerProcess(side, variables(str(folder)))


def _take_turns(seats: Sequence[Seat], seed: int) -> None:
    order, rng = list(seats), random.Random(seed)
    for turn in range(DROPPED + TURNS):
        rng.shuffle(order)
        for seat in order:
            made = seat.round()
            if turn >= DROPPED:
                seat.rounds.append(made)


def _explanation(seat: Seat, few: Seat, threads: int) -> Explanation:
    call = statistics.median(few.read(few.ask(Round(1, False))) for _ in range(TURNS))
    faults = [one.page_faults for one in seat.rounds if one.page_faults is not None]
    return Explanation(
        case=seat.case,
        threads=threads,
        seconds=statistics.median(seat.seconds),
        few=few.case.points,
        few_seconds=statistics.median(few.seconds),
        call_seconds=call,
        page_faults=statistics.median(faults) if faults else None,
        iteration=seat.explain().iteration,
        profile=few.explain().profile,
    )


def _rows(cases: Sequence[Case], seconds: np.ndarray) -> list[tuple[Case, Interval, Interval | None]]:
    """seconds: processes x cases x turns. What a case takes more is paired by process and turn."""
    process = np.repeat(np.arange(seconds.shape[0]), seconds.shape[2])
    first: dict[str, int] = {}
    rows = []
    for place, case in enumerate(cases):
        base = first.setdefault(case.backend, place)
        own = median_interval(seconds[:, place].ravel(), process)
        more = (seconds[:, place] - seconds[:, base]).ravel()
        rows.append((case, own, None if base == place else median_interval(more, process)))
    return rows
