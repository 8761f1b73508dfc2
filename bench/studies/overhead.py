"""A worker's rounds beside a bare loop of the same code: pairs of processes on one core, in turns fit by fit."""

import importlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.backends import backends
from bench.backends.base import Backend, Loop, State, Tuning, inputs_of
from bench.cases.case import Case
from bench.measuring.sampling import steps_of_round
from bench.sides import code
from bench.sides.side import here
from bench.truth.problem import Problem
from bench.workers.process import WorkerProcess, variables_of
from bench.workers.protocol import Build, Converge, Leave, Round, Start

STEPS = 2000
SECONDS = 300.0


def bare(case: Case, cores: str) -> None:
    """In a process of its own: time one fit for each line that comes in, and print its seconds per iteration.

    cores: to be pinned to, separated by commas; none where processes cannot be pinned.
    """
    if cores:
        os.sched_setaffinity(0, map(int, cores.split(",")))
    backend, problem = backends()[case.backend], Problem.of(case, 0, STEPS)
    backend.start(1)
    fit = importlib.import_module(f"impls.{case.variant}.{backend.fit}")
    x, y = problem.data()
    inputs, target = inputs_of(fit, backend.place(x, case.device), backend.place(y, case.device))
    run = _loop(backend, fit, inputs, target, problem)
    scalars = [backend.place(value, case.device) for value in problem.start()]
    for warm_up in itertools.chain([True, True], (False for _ in sys.stdin)):
        state = backend.settle(fit.init(scalars, problem.rate), case.device)
        begun = time.perf_counter()
        backend.synchronise(case.device, run(state, STEPS))
        seconds = (time.perf_counter() - begun) / STEPS
        if not warm_up:
            print(repr(seconds), flush=True)


def _loop(backend: Backend, fit: Any, inputs: Any, target: Any, problem: Problem) -> Loop:
    """The loop that a user would write. A loop inside the compiler is the backend's own, which the runner calls too."""
    rate, tuning = problem.rate, Tuning.of(fit, problem.points)
    if type(backend).driver is not Backend.driver or tuning.loop is not None:
        return backend.driver(fit.step, inputs, target, rate, tuning)

    def run(state: State, steps: int) -> tuple[State, Any]:
        for _ in range(steps):
            state, loss = fit.step(state, inputs, target, rate)
        return state, loss

    return run


@contextmanager
def bare_process(case: Case, cores: list[int] | None) -> Iterator[Callable[[], float]]:
    """A bare loop in a new process, as a function that makes one fit and returns its seconds per iteration."""
    with tempfile.TemporaryDirectory() as cache:
        variables = variables_of(backends()[case.backend], case.device, case.dtype, 1, cache, os.environ)
        words = [
            "--bare",
            ",".join(map(str, cores or ())),
            "--variant",
            case.variant,
            "--backend",
            case.backend,
            "--dtype",
            case.dtype,
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.overhead", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=code.ROOT,
            env={**os.environ, **variables},
            start_new_session=True,  # Ctrl-C is for us, who tell of it; it ends when we do
        )
        assert process.stdin is not None and process.stdout is not None
        sink, source = process.stdin, process.stdout

        def fit() -> float:
            print(file=sink, flush=True)
            return float(source.readline())

        yield fit
        sink.close()
        process.wait()


@contextmanager
def worker_process(case: Case, cores: list[int] | None) -> Iterator[Callable[[], float]]:
    """The same in a worker of the runner, which has converged first, as always: a fit is made in rounds, and left."""
    with tempfile.TemporaryDirectory(prefix="fitbench-", ignore_cleanup_errors=True) as cache:
        variables = variables_of(backends()[case.backend], case.device, case.dtype, 1, cache, os.environ)
        worker = WorkerProcess(here(), variables)
        worker.ask(Start(case.backend, case.device, 1, cores), SECONDS)
        worker.ask(Build(case, 0, STEPS), SECONDS)
        worker.ask(Converge(), SECONDS)
        steps = steps_of_round(worker.ask(Round(STEPS, False), SECONDS).seconds, STEPS)

        def fit() -> float:
            seconds, done = 0.0, 0
            while done < STEPS:
                made = worker.ask(Round(steps, False), SECONDS)
                seconds, done = seconds + made.seconds * made.steps, made.done
            worker.ask(Leave(), SECONDS)
            return seconds / STEPS

        yield fit
        worker.close()


def ratios(case: Case, pairs: int, rounds: int, cores: list[int] | None) -> list[float]:
    """Worker to bare loop, both on these cores, paired by turn; who goes first alternates."""
    found = []
    for _ in range(pairs):
        with worker_process(case, cores) as worker, bare_process(case, cores) as loop:
            for turn in range(rounds):
                order = (worker, loop) if turn % 2 else (loop, worker)
                seconds = {fit: fit() for fit in order}
                found.append(seconds[worker] / seconds[loop])
    return found
