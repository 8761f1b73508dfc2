"""One fit in a worker's process: its data on the device, its steps, its checkpoints."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from bench.backends.base import Backend, Loop
from bench.truth.problem import Checkpoint, Problem, digest


class Fit:
    """One case built in this process: data on the device, an implementation's functions, the driver of its steps."""

    def __init__(self, backend: Backend, code: Any, device: str, problem: Problem) -> None:
        self.backend, self.code, self.device, self.problem = backend, code, device, problem
        x, y = problem.data()
        self.digest = digest(x, y)
        inputs = code.features(backend.place(x, device))
        target = backend.place(y, device)
        self.run: Loop = backend.driver(code.step, inputs, target, problem.rate)
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
        """The state as floats: the parameters, then what the optimiser keeps."""
        scalars = list(self.code.coefficients(self.state))
        if (kept := self.problem.variant.optimiser.keeps) is not None:
            scalars += getattr(self.code, kept)(self.state)
        return self.backend.floats(scalars)

    def checkpoints(self) -> Iterator[Checkpoint]:
        """The fit, from its start, at every checkpoint; it ends where the state is no longer finite."""
        self.begin()
        for step in self.problem.checkpoints():
            pace = self._pace(step - 1 - self.done)
            before = self.snapshot()
            with self.counting_recompiles():
                self.advance(1)
            after, (loss,) = self.snapshot(), self.backend.floats([self.loss])
            yield Checkpoint(step, before, loss, after, pace)
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
