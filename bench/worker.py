"""The process in which one backend runs: it imports that backend's framework and no other, and times inside itself.

It reads one JSON request a line and answers each with one JSON line, so that the other side may be anywhere.
The requests: `start` once; then for each case `build`, `converge`, any number of `round` and `leave`, `finish`.
A worker that is asked for `yardstick` alone needs no start.
"""

import time

BEGUN = time.perf_counter()

import numpy as np  # first, to know what it costs: every framework needs it, and backend `numpy` is little else

NUMPY_SECONDS = time.perf_counter() - BEGUN

import gc
import importlib
import json
import os
import statistics
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

import impls
from bench.backend import Backend, Run
from bench.backends import backends
from bench.problem import Problem, digest
from bench.yardstick import yardstick

# Told by `start`, so that a checkout of another revision is not asked what its workers do not understand.
# 1: a round is a whole fit. 2: a round is a stretch of a fit, `leave` ends it.
PROTOCOL = 2
SLOWDOWN = "FITBENCH_SLOWDOWN"  # "0.1" or "jax:0.1": plant a busy wait of that fraction of every round
STEADY_CALLS = 5
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux


def peak_memory() -> int:
    """The largest resident size of this process in bytes, since `forget_peak_memory` where that works."""
    if STATUS.exists():
        lines = STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    used = psutil.Process().memory_info()
    if hasattr(used, "peak_wset"):  # Windows
        return used.peak_wset
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts in bytes


def forget_peak_memory() -> None:
    """Let the peak start again from what is resident now, where the system can."""
    if CLEAR.exists():
        CLEAR.write_text("5")


class Fit:
    """One case built in this process: data on the device, an implementation's functions, the driver of its steps."""

    def __init__(self, backend: Backend, code: Any, device: str, problem: Problem) -> None:
        self.backend, self.code, self.device, self.problem = backend, code, device, problem
        x, y = problem.data()
        self.digest = digest(x, y)
        inputs = code.features(backend.place(x, device))
        target = backend.place(y, device)
        self.run: Run = backend.driver(code.step, inputs, target, problem.rate)
        self.recompiles = 0
        self.slowdown = 0.0
        self.begin()

    def begin(self) -> None:
        """Go back to the start."""
        self.done = 0
        scalars = [self.backend.place(value, self.device) for value in self.problem.start()]
        self.state = self.backend.settle(self.code.init(scalars, self.problem.rate), self.device)
        self.loss: Any = None
        self.backend.synchronise(self.device, self.state)

    def advance(self, steps: int) -> None:
        """Make the steps and wait until the device has finished them."""
        begun = time.perf_counter() if self.slowdown else 0.0
        self.state, self.loss = self.run(self.state, steps)
        self.backend.synchronise(self.device, (self.state, self.loss))
        self.done += steps
        if self.slowdown:
            until = begun + (time.perf_counter() - begun) * (1 + self.slowdown)
            while time.perf_counter() < until:
                pass

    @contextmanager
    def counting_recompiles(self) -> Iterator[None]:
        before = self.backend.compilations()
        yield
        self.recompiles += (self.backend.compilations() or 0) - (before or 0)

    def snapshot(self) -> list[float]:
        """The state as floats: the four coefficients, then the second moments if the variant keeps them."""
        scalars = list(self.code.coefficients(self.state))
        if hasattr(self.code, "second_moments"):
            scalars += self.code.second_moments(self.state)
        return self.backend.floats(scalars)

    def checkpoints(self) -> Iterator[dict[str, Any]]:
        """At every checkpoint t: the state before step t, the loss that the step saw, and the state after it; and the
        seconds per iteration of the steps that led there, None where there were none.
        """
        self.begin()
        for step in self.problem.checkpoints():
            pace = self._pace(step - 1 - self.done)
            before = self.snapshot()
            with self.counting_recompiles():
                self.advance(1)
            after, (loss,) = self.snapshot(), self.backend.floats([self.loss])
            yield {"step": step, "before": before, "loss": loss, "after": after, "pace": pace}
            if not np.isfinite(after).all():
                return

    def _pace(self, steps: int) -> float | None:
        if steps == 0:
            return None
        begun = time.perf_counter()
        with self.counting_recompiles():
            self.advance(steps)
        return (time.perf_counter() - begun) / steps

    def first_not_finite(self, last: int) -> int:
        """The first step after which the coefficients are NaN or infinite, known to be no later than `last`."""
        self.begin()
        for step in range(1, last):
            self.advance(1)
            if not np.isfinite(self.snapshot()).all():
                return step
        return last


def timed(action: Callable[..., None], *arguments: Any) -> float:
    """The seconds that it takes."""
    begun = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - begun


def planted_slowdown(backend: str) -> float:
    """The fraction of a round that is waited after it, by the environment: to test what finds a slower backend."""
    name, _, fraction = os.environ.get(SLOWDOWN, "0").rpartition(":")
    return float(fraction) if name in ("", backend) else 0.0


class Worker:
    """Answers the requests; each public method is one."""

    backend: Backend
    fit: Fit | None = None

    def start(self, backend: str, device: str | None, threads: int, cores: list[int] | None) -> dict[str, Any]:
        if cores is not None:
            os.sched_setaffinity(0, cores)
        self.backend = backends()[backend]
        self.slowdown = planted_slowdown(backend)
        begun = time.perf_counter()
        self.backend.start(threads)
        imported = time.perf_counter()
        if device is not None:
            self.backend.warm_up(device)
        return {
            "import_seconds": NUMPY_SECONDS + imported - begun,
            "startup_seconds": time.perf_counter() - imported,
            "devices": self.backend.devices(),
            "protocol": PROTOCOL,
        }

    def yardstick(self, cores: list[int] | None) -> dict[str, Any]:
        """The seconds of a fixed computation, on the core where the others are timed."""
        if cores is not None:
            os.sched_setaffinity(0, cores)
        return {"seconds": yardstick()}

    def build(self, variant: str, device: str, dtype: str, points: int, seed: int, steps: int) -> dict[str, Any]:
        forget_peak_memory()
        self.counts = self._counts()
        problem = Problem(impls.variants()[variant], dtype, points, seed, steps)
        begun = time.perf_counter()
        code = importlib.import_module(f"impls.{variant}.{self.backend.fit}")
        self.fit = Fit(self.backend, code, device, problem)
        return {
            "build_seconds": time.perf_counter() - begun,
            "digest": self.fit.digest,
            "device_name": self.backend.devices()[device],
            **self.backend.facts(),
        }

    def converge(self) -> dict[str, Any]:
        """The first call, then a whole fit with its checkpoints."""
        fit = self._fit()
        begun = time.perf_counter()
        fit.advance(1)
        first_call = time.perf_counter() - begun
        cache_hits = self._counts()["cache_hits"]
        checkpoints = list(fit.checkpoints())
        last = checkpoints[-1]
        finite = bool(np.isfinite(last["after"]).all())
        # What compiling and importing left behind is not this fit's garbage: the collector need not walk it again.
        gc.collect()
        gc.freeze()
        return {
            "first_call_seconds": first_call,
            "cache_hits": None if cache_hits is None else cache_hits - (self.counts["cache_hits"] or 0),
            "checkpoints": checkpoints,
            "not_finite_at": None if finite else fit.first_not_finite(last["step"]),
        }

    def round(self, steps: int, disable_gc: bool) -> dict[str, Any]:
        """The fit's next steps, timed: at most as many as it has left. Seconds are per iteration.

        A fit that has been left, or has come to its end, begins anew.
        """
        fit = self._fit()
        if fit.done in (0, fit.problem.steps):
            fit.begin()
            gc.collect()
        steps = min(steps, fit.problem.steps - fit.done)
        fit.slowdown = self.slowdown
        if disable_gc:
            gc.disable()
        with fit.counting_recompiles():
            cpu, begun = time.process_time(), time.perf_counter()
            fit.advance(steps)
            ended, cpu_ended = time.perf_counter(), time.process_time()
        gc.enable()
        fit.slowdown = 0.0
        return {
            "time": time.time(),
            "steps": steps,
            "seconds": (ended - begun) / steps,
            "cpu_seconds": (cpu_ended - cpu) / steps,
            "done": fit.done,
        }

    def leave(self) -> dict[str, Any]:
        """Where the timed fit stands at its next checkpoint, to be checked, and one step further. It begins anew then.

        The steps until that checkpoint are not timed, nor is the one further.
        """
        fit = self._fit()
        step = next(step for step in fit.problem.checkpoints() if step >= fit.done)
        if step > fit.done:
            fit.advance(step - fit.done)
        state, (loss,) = fit.snapshot(), self.backend.floats([fit.loss])
        fit.advance(1)
        further = fit.snapshot()
        fit.begin()
        return {"step": step, "state": state, "loss": loss, "next": further}

    def finish(self) -> dict[str, Any]:
        """Let go of the case, and tell what it took; and what its start and one call take now that all is compiled."""
        fit = self._fit()
        breaks = self._counts()["graph_breaks"]
        compiles = self.backend.compilations() is not None
        answer = {
            "peak_memory_bytes": peak_memory(),
            "recompiles": fit.recompiles if compiles else None,
            "graph_breaks": None if breaks is None else breaks - (self.counts["graph_breaks"] or 0),
            "steady_build_seconds": statistics.median(timed(fit.begin) for _ in range(STEADY_CALLS)),
            "steady_call_seconds": statistics.median(timed(fit.advance, 1) for _ in range(STEADY_CALLS)),
        }
        self.fit = None
        return answer

    def _fit(self) -> Fit:
        if self.fit is None:
            raise RuntimeError("no case is built in this worker")
        return self.fit

    def _counts(self) -> dict[str, int | None]:
        return {"graph_breaks": self.backend.graph_breaks(), "cache_hits": self.backend.cache_hits()}


def serve() -> None:
    """Answer requests until the other side closes the stream. What a framework prints goes to stderr, not between."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        method: Callable[..., dict[str, Any]] = getattr(worker, request.pop("request"))
        try:
            answer = method(**request)
        except Exception as error:  # whatever a framework raises becomes the reason of a failed case
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    serve()
