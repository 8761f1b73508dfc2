"""What the runner adds to an iteration: its rounds beside a bare loop of the same code, with no harness around it.

python -m bench.overhead

Each pair of processes, a worker and a bare loop, runs in the same environment, pinned to the same core, and takes
turns fit by fit; the worker makes its fit in rounds, as ever. Processes of the same code differ, so there are several
pairs. The answer is the median of the paired ratios, worker to bare loop.
"""

import argparse
import importlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench.backend import Backend, Run, State
from bench.backends import backends
from bench.case import Case, Choice, number
from bench.errors import InputError, Parser
from bench.sampling import steps_of_round
from bench.sides import here
from bench.workers import ROOT, WorkerProcess, cores, environment

STEPS = 2000
SECONDS = 300.0


def bare(case: Case) -> None:
    """In a process of its own: time one fit for each line that comes in, and print its seconds per iteration."""
    if (pinned := cores(1)) is not None:
        os.sched_setaffinity(0, pinned)
    backend, problem = backends()[case.backend], case.problem(0, STEPS)
    backend.start(1)
    code = importlib.import_module(f"impls.{case.variant}.{backend.fit}")
    x, y = problem.data()
    inputs, target = code.features(backend.place(x, case.device)), backend.place(y, case.device)
    run = _loop(backend, code, inputs, target, problem.rate)
    scalars = [backend.place(value, case.device) for value in problem.start()]
    for warm_up in itertools.chain([True, True], (False for _ in sys.stdin)):
        state = backend.settle(code.init(scalars, problem.rate), case.device)
        begun = time.perf_counter()
        backend.synchronise(case.device, run(state, STEPS))
        seconds = (time.perf_counter() - begun) / STEPS
        if not warm_up:
            print(repr(seconds), flush=True)


def _loop(backend: Backend, code: Any, inputs: Any, target: Any, rate: float) -> Run:
    """The loop that a user would write. A loop inside the compiler is the backend's own, which the runner calls too."""
    if type(backend).driver is not Backend.driver:
        return backend.driver(code.step, inputs, target, rate)

    def run(state: State, steps: int) -> tuple[State, Any]:
        for _ in range(steps):
            state, loss = code.step(state, inputs, target, rate)
        return state, loss

    return run


@contextmanager
def bare_process(case: Case) -> Iterator[Callable[[], float]]:
    """A bare loop in a new process, as a function that makes one fit and returns its seconds per iteration."""
    with tempfile.TemporaryDirectory() as cache:
        variables = environment(backends()[case.backend], case.device, case.dtype, 1, cache, os.environ)
        words = ["--bare", "--variant", case.variant, "--backend", case.backend, "--dtype", case.dtype]
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.overhead", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **variables},
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
def worker_process(case: Case) -> Iterator[Callable[[], float]]:
    """The same in a worker of the runner, which has converged first, as always: a fit is made in rounds, and left."""
    with tempfile.TemporaryDirectory(prefix="fitbench-", ignore_cleanup_errors=True) as cache:
        variables = environment(backends()[case.backend], case.device, case.dtype, 1, cache, os.environ)
        worker = WorkerProcess(here(), variables)
        flat = {name: getattr(case, name) for name in ("variant", "device", "dtype", "points")}
        worker.ask("start", SECONDS, backend=case.backend, device=case.device, threads=1, cores=cores(1))
        worker.ask("build", SECONDS, **flat, seed=0, steps=STEPS)
        worker.ask("converge", SECONDS)
        pace = worker.ask("round", SECONDS, steps=STEPS, disable_gc=False)["seconds"]
        steps = steps_of_round(pace, STEPS)

        def fit() -> float:
            seconds = done = 0
            while done < STEPS:
                answer = worker.ask("round", SECONDS, steps=steps, disable_gc=False)
                seconds, done = seconds + answer["seconds"] * answer["steps"], answer["done"]
            worker.ask("leave", SECONDS)
            return seconds / STEPS

        yield fit
        worker.close()


def ratios(case: Case, pairs: int, rounds: int) -> list[float]:
    """Worker to bare loop, paired by turn; who goes first alternates."""
    found = []
    for _ in range(pairs):
        with worker_process(case) as worker, bare_process(case) as loop:
            for turn in range(rounds):
                order = (worker, loop) if turn % 2 else (loop, worker)
                seconds = {fit: fit() for fit in order}
                found.append(seconds[worker] / seconds[loop])
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m bench.overhead", description=__doc__.splitlines()[0])
    parser.add_argument("--variant", action="append", default=[], metavar="V", help="repeatable; default: all")
    parser.add_argument("--backend", default="numpy,torch,jax-loop", metavar="B", help="default: %(default)s")
    parser.add_argument("--dtype", default="float32", metavar="T", help="default: %(default)s")
    parser.add_argument("--pairs", default="10", metavar="N", help="of processes; default: %(default)s")
    parser.add_argument("--rounds", default="8", metavar="N", help="fits of either of a pair; default: %(default)s")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    try:
        pairs, rounds = number("--pairs", asked.pairs, 1), number("--rounds", asked.rounds, 2)
        choice = Choice.of(variant=asked.variant, backend=[asked.backend], device=["cpu"], dtype=[asked.dtype])
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    cases = [
        Case(v, b, "cpu", d, choice.points[0]) for v in choice.variants for b in choice.backends for d in choice.dtypes
    ]
    if asked.bare:
        bare(cases[0])
        return 0
    for case in cases:
        found = ratios(case, pairs, rounds)
        low, middle, high = statistics.quantiles(found, n=4)
        print(f"{case.id}: {middle:.4f} (quartiles {low:.4f} to {high:.4f}, {len(found)} pairs of fits)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
