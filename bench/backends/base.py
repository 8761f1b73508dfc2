"""What a backend is: the abstract class that each file of `bench/backends/` fills in.

Importing this module, or any backend's, imports no framework: that happens in `start`, which only workers call.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Mapping
from typing import Any, ClassVar

import numpy as np

State = Any  # what an implementation's init() makes and its step() passes on
Step = Callable[[State, Any, Any, float], tuple[State, Any]]
Loop = Callable[[State, int], tuple[State, Any]]


class Backend(ABC):
    """One way to run a fit. Class attributes are read by the parent, which has no framework; methods from `start`
    on are called in a worker of its own, whose environment was set from `variables` before Python started.

    name: as users write it, "torch-compile".
    rung: orders the backends in tables and pictures; ties go by name.
    packages: what must be importable.
    extra: the extra of this distribution that installs them.
    fit: the file in each variant's folder, without .py.
    """

    name: ClassVar[str]
    rung: ClassVar[int]
    packages: ClassVar[tuple[str, ...]]
    extra: ClassVar[str]
    fit: ClassVar[str]

    def missing(self, device: str, absent_here: Container[str], given: Mapping[str, str]) -> str | None:
        """Why this backend cannot run on this machine, with the command that would mend it, or None.

        `absent_here` holds the packages that the interpreter which would run it cannot import, `given` the environment
        variables that it would run under.
        """
        absent = [package for package in self.packages if package in absent_here]
        if absent:
            command = f"pip install --constraint constraints.txt --editable '.[{self.extra}]'"
            return f"{', '.join(absent)} not installed; {command}"
        return None

    def unfit(self, device: str, dtype: str) -> str | None:
        """Why this combination makes no sense, or None."""
        return None

    def variables(
        self, device: str, dtype: str, threads: int, cache: str, given: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Environment variables of the worker, on top of those `given`; `cache` is a folder for compiled code."""
        return {}

    @abstractmethod
    def start(self, threads: int) -> None:
        """Import the framework and apply the settings that are made by calls."""

    @abstractmethod
    def devices(self) -> dict[str, str]:
        """The devices that the framework sees, "cpu" or "cuda:1", each with the name of the hardware."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What is really in force: `threads`, as the framework counts them, and `matmul_precision`."""

    def warm_up(self, device: str) -> None:
        """Do what the first use of the device and of the compiler costs once a process, whatever is computed."""
        return None

    @abstractmethod
    def place(self, array: np.ndarray | np.generic, device: str) -> Any:
        """The array or scalar on the device, in its own dtype."""

    def settle(self, state: State, device: str) -> State:
        """The state as later steps will see it, if init() may have left parts of it elsewhere."""
        return state

    def driver(self, step: Step, inputs: Any, target: Any, rate: float) -> Loop:
        """A function that makes a number of steps and returns the state after them and the last step's loss."""

        def run(state: State, steps: int) -> tuple[State, Any]:
            loss = None
            for _ in range(steps):
                state, loss = step(state, inputs, target, rate)
            return state, loss

        return run

    def synchronise(self, device: str, values: Any) -> None:
        """Return when the device has finished computing the values."""
        return None

    @abstractmethod
    def floats(self, scalars: Any) -> list[float]:
        """Scalars on the device as Python floats, exactly."""

    def compilations(self) -> int | None:
        """How many times the compiler has run in this process; None where there is no compiler."""
        return None

    def graph_breaks(self) -> int | None:
        """How many times a graph was broken in this process; None where the compiler has no such notion."""
        return None

    def cache_hits(self) -> int | None:
        """How many compilations were served from a cache on disk in this process; None where there is no such cache."""
        return None
