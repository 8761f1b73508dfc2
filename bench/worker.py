"""The process in which one backend runs: it imports that backend's framework and no other, and times inside itself.

It reads one JSON request a line and answers each with one JSON line, so that the other side may be anywhere.
The requests: `start` once; then for each case `build`, `converge`, any number of `round`, `finish`.
"""

import time

BEGUN = time.perf_counter()

import numpy as np  # first, to know what it costs: every framework needs it, and backend `numpy` is little else

NUMPY_SECONDS = time.perf_counter() - BEGUN

import gc
import importlib
import json
import os
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
        self.begin()

    def begin(self) -> None:
        """Go back to the start."""
        scalars = [self.backend.place(value, self.device) for value in self.problem.start()]
        self.state = self.backend.settle(self.code.init(scalars, self.problem.rate), self.device)
        self.loss: Any = None
        self.backend.synchronise(self.device, self.state)

    def advance(self, steps: int) -> None:
        """Make the steps and wait until the device has finished them."""
        self.state, self.loss = self.run(self.state, steps)
        self.backend.synchronise(self.device, (self.state, self.loss))

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
        """At every checkpoint t: the state before step t, the loss that the step saw, and the state after it."""
        self.begin()
        done = 0
        for step in self.problem.checkpoints():
            if step - 1 > done:
                with self.counting_recompiles():
                    self.advance(step - 1 - done)
            before = self.snapshot()
            with self.counting_recompiles():
                self.advance(1)
            after, (loss,) = self.snapshot(), self.backend.floats([self.loss])
            yield {"step": step, "before": before, "loss": loss, "after": after}
            if not np.isfinite(after).all():
                return
            done = step

    def first_not_finite(self, last: int) -> int:
        """The first step after which the coefficients are NaN or infinite, known to be no later than `last`."""
        self.begin()
        for step in range(1, last):
            self.advance(1)
            if not np.isfinite(self.snapshot()).all():
                return step
        return last


class Worker:
    """Answers the requests; each public method is one."""

    backend: Backend
    fit: Fit | None = None

    def start(self, backend: str, device: str | None, threads: int, cores: list[int] | None) -> dict[str, Any]:
        if cores is not None:
            os.sched_setaffinity(0, cores)
        self.backend = backends()[backend]
        begun = time.perf_counter()
        self.backend.start(threads)
        imported = time.perf_counter()
        if device is not None:
            self.backend.warm_up(device)
        return {
            "import_seconds": NUMPY_SECONDS + imported - begun,
            "startup_seconds": time.perf_counter() - imported,
            "devices": self.backend.devices(),
        }

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

    def round(self, disable_gc: bool) -> dict[str, Any]:
        """One timed fit; seconds are per iteration, `state` is where it ended, `next` is one untimed step further."""
        fit = self._fit()
        fit.begin()
        gc.collect()
        steps = fit.problem.steps
        if disable_gc:
            gc.disable()
        with fit.counting_recompiles():
            cpu, begun = time.process_time(), time.perf_counter()
            fit.advance(steps)
            ended, cpu_ended = time.perf_counter(), time.process_time()
        gc.enable()
        state, (loss,) = fit.snapshot(), self.backend.floats([fit.loss])
        fit.advance(1)
        return {
            "seconds": (ended - begun) / steps,
            "cpu_seconds": (cpu_ended - cpu) / steps,
            "state": state,
            "loss": loss,
            "next": fit.snapshot(),
        }

    def finish(self) -> dict[str, Any]:
        """Let go of the case, and tell what it took."""
        fit = self._fit()
        breaks = self._counts()["graph_breaks"]
        compiles = self.backend.compilations() is not None
        answer = {
            "peak_memory_bytes": peak_memory(),
            "recompiles": fit.recompiles if compiles else None,
            "graph_breaks": None if breaks is None else breaks - (self.counts["graph_breaks"] or 0),
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
