"""What a backend is: the abstract class that each file of `bench/backends/` fills in.

Importing this module, or any backend's, imports no framework: that happens in `start`, which only workers call.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from bench.anatomy import python_profile
from bench.anatomy.graph import Graph
from bench.anatomy.iteration import Iteration

State = Any  # what an implementation's init() makes and its step() passes on
Step = Callable[[State, Any, Any, float], tuple[State, Any]]
Loop = Callable[[State, int], tuple[State, Any]]


@dataclass(frozen=True)
class Tuning:
    """What an implementation asks of whoever compiles and repeats its step; nothing, in the idiomatic ones.

    compiler_options: of XLA, Inductor or Numba, beside the backend's own. unroll: how many steps torch-compile-loop
    makes in one turn of its loop. loop: makes so many steps in place of the backend's own loop,
    (state, inputs, target, rate, steps) -> (state, loss).
    """

    compiler_options: Mapping[str, Any] = field(default_factory=dict)
    unroll: int = 1
    loop: Callable[[State, Any, Any, float, int], tuple[State, Any]] | None = None

    @classmethod
    def of(cls, code: ModuleType, points: int) -> "Tuning":
        """That of a fit file, for a fit of so many points."""
        unroll = getattr(code, "unroll", None)
        options = getattr(code, "COMPILER_OPTIONS", {})
        return cls(options, 1 if unroll is None else unroll(points), getattr(code, "loop", None))


PLAIN = Tuning()


def inputs_of(code: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """What an implementation's step reads of the data: its inputs, and the target."""
    return (code.features(x), y) if hasattr(code, "features") else code.pack(x, y)


class Backend(ABC):
    """One way to run a fit. Class attributes are read by the parent, which has no framework; methods from `start`
    on are called in a worker of its own, whose environment was set from `variables` before Python started.

    name: as users write it, "torch-compile".
    rung: orders the backends in tables and pictures; ties go by name.
    packages: what must be importable, whatever the variant; what an implementation imports beside it is its own need.
    extra: the extra of this distribution that installs them.
    fit: the file in each variant's folder, without .py.
    switches: environment variables that can turn its compiler off, to be named where a step was not compiled.
    """

    name: ClassVar[str]
    rung: ClassVar[int]
    packages: ClassVar[tuple[str, ...]]
    extra: ClassVar[str]
    fit: ClassVar[str]
    switches: ClassVar[tuple[str, ...]] = ()

    def missing(
        self, device: str, absent_here: Container[str], given: Mapping[str, str], needs: Iterable[str] = ()
    ) -> str | None:
        """Why this backend cannot run on this machine, with the command that would mend it, or None.

        `absent_here` holds the packages that the interpreter which would run it cannot import, `given` the environment
        variables that it would run under, `needs` the packages that the implementation imports.
        """
        absent = [package for package in dict.fromkeys([*self.packages, *needs]) if package in absent_here]
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

    def compiler_options(self, device: str, tuning: Tuning = PLAIN) -> dict[str, Any]:
        """What its compiler is told on top of its defaults; nothing where there is none."""
        return dict(tuning.compiler_options)

    def driver(self, step: Step, inputs: Any, target: Any, rate: float, tuning: Tuning = PLAIN) -> Loop:
        """A function that makes a number of steps and returns the state after them and the last step's loss."""
        loop = tuning.loop
        if loop is not None:
            return lambda state, steps: loop(state, inputs, target, rate, steps)

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

    @abstractmethod
    def dtypes(self, value: Any) -> set[str]:
        """The floating dtypes, as NumPy names them, of all that nested values hold: of gradients too, where they lie
        beside their parameters. A Python float is a float64. What is no number, or a whole one, has none.
        """

    def compilations(self) -> int | None:
        """How many times the compiler has run in this process; None where there is no compiler."""
        return None

    def graph_breaks(self) -> int | None:
        """How many times a graph was broken in this process; None where the compiler has no such notion."""
        return None

    def generated(self) -> dict[str, str]:
        """The texts that the compiler generated for the fit that was built last, once that has been called, with what
        it was told: each by a name that a file may have, and normalised (`bench.anatomy.texts`). None where there is no
        compiler. Nothing is compiled for it, or counted.
        """
        return {}

    def iteration(self, fit: Any) -> Iteration:
        """What one iteration consists of, of a fit that was built last and has been called, with its data and `state`
        (`bench.workers.fit`). What is compiled or run for it counts for nothing.
        """
        return Iteration("nothing is told by this backend", [])

    def graph(self, fit: Any) -> list[Graph]:
        """The graphs of one step that the framework itself builds, of a fit that was built last; a note where it builds
        none. What is compiled or run for it counts for nothing, and the fit is of no use afterwards.
        """
        return [Graph(self.name, [], [], notes=["nothing is told by this backend"])]

    def profile(self, fit: Any, steps: int) -> dict[str, float]:
        """Where the seconds of so many steps go, as fractions of all."""
        return python_profile.profile(fit.advance, steps)

    def cache_hits(self) -> int | None:
        """How many compilations were served from a cache on disk in this process; None where there is no such cache."""
        return None


def leaves(value: Any, parts: Callable[[Any], Iterable[Any] | None] = lambda value: None) -> Iterator[Any]:
    """What nested values hold in the end. `parts` are those of a framework's own containers, None of anything else."""
    open_, seen = [value], set[int]()
    while open_:
        one = open_.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        held = parts(one)
        if held is None:
            held = _held(one)
        if held is None:
            yield one
        else:
            open_ += held


def _held(value: Any) -> Iterable[Any] | None:
    """What a container or a plain object holds; None of an array, a number or a function."""
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, (list, tuple, set, frozenset)):
        return value
    if hasattr(value, "__dict__") and not hasattr(value, "dtype") and not callable(value):
        return vars(value).values()
    return None


def dtype_of(number: Any) -> str | None:
    """The floating dtype of one of NumPy's arrays or scalars, or of Python's numbers; None of anything else."""
    if isinstance(number, (np.ndarray, np.generic, float, complex)):
        dtype = np.asarray(number).dtype
        return dtype.name if dtype.kind in "fc" else None
    return None
