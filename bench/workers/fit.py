"""One fit in a worker's process: its data on the device, its steps, its checkpoints."""

import inspect
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from bench.backends.base import Backend, Loop, Tuning, inputs_of
from bench.truth.probes import Probe
from bench.truth.problem import Checkpoint, Problem


class Fit:
    """One case built in this process: data on the device, an implementation's functions, the driver of its steps.

    data: x and y, which are taken out of the list: what the device has a copy of is held by nobody else.
    """

    def __init__(self, backend: Backend, code: Any, device: str, problem: Problem, data: list[np.ndarray]) -> None:
        self.backend, self.code, self.device, self.problem = backend, code, device, problem
        y, x = (backend.place(data.pop(), device) for _ in range(2))
        self.inputs, self.target = inputs_of(code, x, y)
        del x, y
        tuning = Tuning.of(code, problem.points)
        self.compiler_options = backend.compiler_options(device, tuning)
        self.run: Loop = backend.driver(code.step, self.inputs, self.target, problem.rate, tuning)
        self.recompiles = 0
        self.slowdown = 0.0
        self.begin()

    def begin(self, start: np.ndarray | None = None) -> None:
        """Go back to the start, or to another one."""
        self.done = 0
        values = self.problem.start() if start is None else start
        scalars = [self.backend.place(value, self.device) for value in values]
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

    @property
    def reads(self) -> bool:
        """Whether the implementation can read its data and do no more, as that of a yardstick can."""
        return hasattr(self.code, "read")

    def read(self, times: int) -> None:
        """Read the data of the fit so many times."""
        self.code.read(self.inputs, self.target, times)

    @contextmanager
    def counting_recompiles(self) -> Iterator[None]:
        before = self.backend.compilations()
        yield
        self.recompiles += (self.backend.compilations() or 0) - (before or 0)

    def step_on(self) -> bool | None:
        """Make one more step. Returns whether Python ran the implementation's own step for it, as it does until that is
        compiled and no longer: what was traced is other code, or none. None where there is no compiler.
        """
        if self.backend.compilations() is None:
            self.advance(1)
            return None
        original, ran = getattr(inspect.unwrap(self.code.step), "__code__", None), False

        def look(frame: FrameType, event: str, _: Any) -> None:
            nonlocal ran
            ran |= event == "call" and frame.f_code is original

        with self.counting_recompiles():
            sys.setprofile(look)
            try:
                self.advance(1)
            finally:
                sys.setprofile(None)
        return ran

    def probe(self, start: np.ndarray) -> Probe:
        """One step from another start, where an optimiser that keeps second moments has made none yet, or zeros."""
        self.begin(start)
        before = self.backend.floats(self.code.coefficients(self.state))
        self.advance(1)
        after = self.snapshot()
        return Probe([*before, *[0.0] * (len(after) - len(before))], after)

    def dtypes(self) -> dict[str, list[str]]:
        """The floating dtypes of the data, the state and the last step's loss, each by its name; none of a loss that
        there is not yet.
        """
        held = {"inputs": self.inputs, "target": self.target, "state": self.state, "loss": self.loss}
        return {name: sorted(self.backend.dtypes(value)) for name, value in held.items()}

    def snapshot(self) -> list[float]:
        """The state as floats: the parameters, then what the optimiser keeps."""
        scalars = list(self.code.coefficients(self.state))
        if len(scalars) != (expected := self.problem.variant.model.parameters):
            raise ValueError(f"`coefficients` gives {len(scalars)} of {expected} parameters")
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
