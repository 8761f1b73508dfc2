"""Is the advice right? Whole fits, at sizes that were not measured, made for real beside what was predicted of them.

A real fit is a process of its own: import, startup, build, and all its steps in one stretch, the first of which
compiles. One with empty caches leaves them to those with warm ones. The processes of all cases and points are shuffled.
"""

import math
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.backends import backends
from bench.cases.case import Case
from bench.records.record import Run
from bench.sides.side import Side
from bench.statistics.advice import Asked, costs_of
from bench.statistics.cold_start import EMPTY, WARM
from bench.statistics.cost import Cost
from bench.statistics.states import TAKEN
from bench.support.errors import InputError
from bench.support.scratch import Scratch
from bench.workers.process import WorkerError, WorkerProcess, variables_of
from bench.workers.protocol import Build, Leave, Round, Start

STATES = (EMPTY, WARM)
LONGEST = 5.0  # seconds that the iterations of any fit may be predicted to take
STEPS, RANGE = 200_000, 100  # the most of a fit, and over the least
REPEATS, REPEAT_SECONDS = 3, 3.0  # of a fit that takes no longer than that; others are made once
OVERHEAD = 0.7  # seconds of a process that no fit pays for
FAR = 3.0  # times the cheapest: what is dearer may be left out where time is short
DEADLINE = 600.0
NEAR, SHARE = 0.2, 0.1  # how far off a prediction may be, and how much dearer than the best what is named
ENOUGH = 0.9


@dataclass(frozen=True)
class Point:
    points: int
    steps: int


@dataclass(frozen=True)
class Answer:
    """What a case was predicted to cost at a point, in a state of the caches, and what it did, in seconds, as a record
    counts them; beside: of its process, what is not counted; undisturbed: with the CPU seconds of its steps, if
    these had to share their core with another program, which the figures of a run leave out too.
    """

    point: Point
    state: str
    backend: str
    predicted: float
    real: float
    beside: float
    undisturbed: float

    @property
    def near(self) -> bool:
        return abs(math.log(self.real / self.predicted)) <= math.log(1 + NEAR)


def chosen(costs: Sequence[Cost], count: int, seed: int) -> list[Point]:
    """So many points: sizes spread over those that were measured, but none of them, and numbers of steps of which the
    slowest case takes no longer than LONGEST.
    """
    draw = random.Random(seed)
    measured = {size for cost in costs for size in cost.growth.sizes}
    low, high = (math.log(end(size for size in measured)) for end in (min, max))
    found = []
    for i in range(count):
        size = _rounded(math.exp(low + (high - low) * (i + draw.random()) / count))
        size = _rounded(1.1 * size) if size in measured else size
        pace = max(float(cost.growth.seconds(size)) for cost in costs if cost.growth.sizes[-1] >= size)
        most = min(STEPS, LONGEST / pace)
        found.append(Point(size, max(_rounded(most / RANGE ** draw.random()), 1)))
    return found


def _rounded(value: float) -> int:
    """To two digits, as a user would ask for."""
    digits = math.floor(math.log10(value)) - 1
    return round(round(value / 10**digits) * 10**digits)


Job = tuple[Point, Cost]


@dataclass(frozen=True)
class Plan:
    """The jobs, in the order in which they are made, and those that there is no time for."""

    jobs: Sequence[Job]
    left_out: Sequence[Job]
    threads: int

    @classmethod
    def of(cls, runs: Sequence[Run], asked: Asked, count: int, minutes: float, seed: int) -> "Plan":
        """All cases of a variant at so many points, shuffled. Of those that are FAR from the cheapest some are left out
        where all would take longer than so many minutes. Raises InputError for several variants, and where nothing is
        predicted.
        """
        if len(asked.variants) > 1:
            raise InputError(f"--variant {','.join(asked.variants)}: several; --check takes one")
        costs = [one for one in costs_of(runs, asked) if {*STATES} <= {*one.befores}]
        if not costs:
            raise InputError(
                f"{asked.variants[0]}: no case was timed at three sizes, with empty caches and with warm ones"
            )
        points, draw = chosen(costs, count, seed), random.Random(seed)
        every = [(point, cost) for point in points for cost in costs if _predicted(cost, point, WARM) > 0]
        draw.shuffle(every)
        made = _within(60 * minutes, every)
        timed = [one for run in runs for case, one in run.measured.items() if asked.about(case)]
        return cls(made, [job for job in every if job not in made], max(one.threads or 1 for one in timed))


def _within(seconds: float, every: Sequence[Job]) -> list[Job]:
    """Without as many of those that are FAR as there is no time for: of the backend that takes the longest, one."""
    made, far = list(every), [job for job in every if _is_far(job, every)]
    while sum(map(_seconds, made)) > seconds and far:
        total: dict[str, float] = {}
        for job in made:
            total[job[1].case.backend] = total.get(job[1].case.backend, 0.0) + _seconds(job)
        last = max(far, key=lambda job: total[job[1].case.backend])
        made.remove(last)
        far.remove(last)
    return made


def _predicted(cost: Cost, point: Point, state: str) -> float:
    """NaN where nothing is."""
    return float(cost.seconds(point.points, point.steps, state))


def _is_far(job: Job, every: Sequence[Job]) -> bool:
    point, cost = job
    cheapest = min(_predicted(one, point, WARM) for other, one in every if other == point)
    return _predicted(cost, point, WARM) > FAR * cheapest


def _repeats(cost: Cost, point: Point, state: str) -> int:
    return REPEATS if _predicted(cost, point, state) <= REPEAT_SECONDS else 1


def _seconds(job: Job) -> float:
    """What it will take, about."""
    point, cost = job
    return sum(_repeats(cost, point, state) * (_predicted(cost, point, state) + OVERHEAD) for state in _states(cost))


def _states(cost: Cost) -> tuple[str, ...]:
    """In which it is made; one that keeps no compiled code is the same in all."""
    return STATES if cost.cached else (WARM,)


def answers(plan: Plan, side: Side, cores: list[int] | None) -> Iterator[Answer]:
    """What becomes of the jobs, one after the other. Raises WorkerError for a fit that fails."""
    for point, cost in plan.jobs:
        case = replace(cost.case, points=point.points)
        with Scratch("advice") as folder:
            for state in _states(cost):
                made = []
                for number in range(_repeats(cost, point, state)):
                    # One with warm caches finds what the first with empty ones left; each of those has a new folder.
                    cache = folder / f"{number if state == EMPTY else 0}"
                    cache.mkdir(exist_ok=True)
                    made.append(fit(case, point.steps, side, plan.threads, str(cache), cores))
                real, beside, taken = (statistics.median(each) for each in zip(*made, strict=True))
                undisturbed = real - taken if case.device == "cpu" and plan.threads == 1 else real
                for each in (state,) if cost.cached else STATES:
                    yield Answer(point, each, case.backend, _predicted(cost, point, each), real, beside, undisturbed)


def fit(case: Case, steps: int, side: Side, threads: int, cache: str, cores: list[int] | None) -> tuple[float, ...]:
    """The seconds of one fit in a process of its own, those of the process that are not the fit's, and those of its
    steps that others took on its core.

    Raises WorkerError, also for one whose coefficients are not finite.
    """
    begun = time.perf_counter()
    variables = variables_of(backends()[case.backend], case.device, case.dtype, threads, cache, os.environ)
    worker = WorkerProcess(side, variables)
    try:
        started = worker.ask(Start(case.backend, case.device, threads, cores), DEADLINE)
        built = worker.ask(Build(case, 0, steps), DEADLINE)
        made = worker.ask(Round(steps, False), DEADLINE)
        left = worker.ask(Leave(), DEADLINE)
        wall = time.perf_counter() - begun
    finally:
        worker.close()
    if not all(map(math.isfinite, left.state)):
        raise WorkerError(f"{case.id}: its coefficients are not finite after {steps} steps")
    paid = started.import_seconds + built.import_seconds + started.startup_seconds + built.build_seconds
    seconds = paid + made.seconds * made.steps
    taken = (made.seconds - made.cpu_seconds) * made.steps if made.cpu_seconds < TAKEN * made.seconds else 0.0
    return seconds, wall - seconds, taken


@dataclass(frozen=True)
class Verdict:
    """Of one point and state: which backend was named and which was the best, and what the named one cost over that."""

    point: Point
    state: str
    named: str
    best: str
    more: float

    @property
    def right(self) -> bool:
        return self.more <= 1 + SHARE


def verdicts(found: Sequence[Answer]) -> list[Verdict]:
    """The named one is the cheapest of those that were predicted and made."""
    groups: dict[tuple[Point, str], list[Answer]] = {}
    for one in found:
        groups.setdefault((one.point, one.state), []).append(one)
    ordered = sorted(groups, key=lambda key: (key[0].points, key[0].steps, key[1]))
    return [_verdict(*key, groups[key]) for key in ordered]


def _verdict(point: Point, state: str, answers: Sequence[Answer]) -> Verdict:
    named = min(answers, key=lambda one: one.predicted)
    best = min(answers, key=lambda one: one.real)
    return Verdict(point, state, named.backend, best.backend, named.real / best.real)


def passes(found: Sequence[Answer]) -> bool:
    """Whether nine of ten predictions are near, and nine of ten named ones right."""
    near, right = [one.near for one in found], [one.right for one in verdicts(found)]
    return bool(found) and all(sum(each) >= ENOUGH * len(each) for each in (near, right))
