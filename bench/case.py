"""The cases: what was asked for, checked, and every combination of it, each with the reason if it will not run."""

import itertools
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

import impls
from bench.backends import backends
from bench.errors import InputError
from bench.problem import DTYPES, Problem
from bench.sides import Side

LEAST_POINTS = 4  # a cubic has four coefficients
# Arrays of N numbers that a worker holds at its peak, measured with a million points: features, temporaries, the tape.
ARRAYS = 32
STEP_BYTES = 4096  # that the exact trajectory and its bound keep of each step, measured with 20 000 steps


@dataclass(frozen=True, order=True)
class Case:
    """variant x backend x device x dtype x points."""

    variant: str
    backend: str
    device: str
    dtype: str
    points: int

    @property
    def id(self) -> str:
        return f"{self.variant}-{self.backend}-{self.device}-{self.dtype}-{self.points}"

    @property
    def group(self) -> str:
        """The cases that are compared with each other: all but the backend."""
        return f"{self.variant}-{self.device}-{self.dtype}-{self.points}"

    def problem(self, seed: int, steps: int) -> Problem:
        return Problem(impls.variants()[self.variant], self.dtype, self.points, seed, steps)


@dataclass(frozen=True)
class Choice:
    """What a user asked for, checked. An empty `devices` means every device seen.

    processes: fresh workers of a backend, the first `cold` of them with empty compile caches. precision: the half-width
    of a median's interval, relative to it, at which its rounds end. max_time: the seconds of rounds that a case may
    take in all its processes. case_timeout: the seconds that it may take in one, whatever it does.
    """

    variants: tuple[str, ...]
    backends: tuple[str, ...]
    devices: tuple[str, ...]
    dtypes: tuple[str, ...]
    points: tuple[int, ...]
    steps: int
    processes: int
    cold: int
    precision: float
    max_time: float
    threads: int
    seed: int
    case_timeout: float

    @classmethod
    def of(
        cls,
        *,
        variant: Sequence[str] = (),
        backend: Sequence[str] = (),
        device: Sequence[str] = (),
        dtype: Sequence[str] = (),
        points: Sequence[str] = (),
        steps: str = "2000",
        processes: str = "1",
        cold: str | None = None,
        precision: str = "1%",
        max_time: str = "2",
        threads: str = "1",
        seed: str = "0",
        case_timeout: str = "300",
    ) -> "Choice":
        """From the words of a command line: lists may hold commas. Raises InputError, which names the option."""
        return cls(
            variants=_names("--variant", variant, impls.variants()),
            backends=_names("--backend", backend, backends()),
            devices=_devices(device),
            dtypes=_names("--dtype", dtype, DTYPES),
            points=tuple(number("--points", word, LEAST_POINTS) for word in _words(points)) or (2000,),
            steps=number("--steps", steps, 1),
            processes=number("--processes", processes, 1),
            cold=min(2, int(processes)) if cold is None else number("--cold", cold, 0, int(processes)),
            precision=fraction("--precision", precision),
            max_time=seconds("--max-time", max_time),
            threads=number("--threads", threads, 1, len(allowed_cores())),
            seed=number("--seed", seed, 0),
            case_timeout=number("--case-timeout", case_timeout, 1),
        )

    def check_memory(self, sides: int) -> None:
        """Raises InputError if what it takes to measure so many sides together is not available."""
        free = available_memory()
        problems = len(self.variants) * len(self.dtypes) * len(self.points)
        if (exact := self.steps * STEP_BYTES * problems) > free:
            raise InputError(
                f"--steps {self.steps}: the exact trajectories would need about {exact / 2**30:.3g} GiB, "
                f"and {free / 2**30:.3g} GiB are available"
            )
        points, dtype = max(self.points), max(self.dtypes, key=lambda name: np.dtype(name).itemsize)
        # The backends of a group hold their data at the same time, on every side.
        workers = len(self.backends) * sides
        needed = points * np.dtype(dtype).itemsize * ARRAYS * workers
        if needed > free:
            raise InputError(
                f"--points {points}: would need about {needed / 2**30:.3g} GiB for {workers} worker(s) "
                f"in {dtype}, and {free / 2**30:.3g} GiB are available"
            )


def _words(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for value in values for word in value.split(",")))


def _names(option: str, values: Sequence[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """The names asked for, in the order in which they are shown everywhere; all of them if none was."""
    asked, known = _words(values), tuple(allowed)
    for word in asked:
        if word not in known:
            raise InputError(f"{option} {word!r}: unknown; allowed: {', '.join(known)}")
    return tuple(name for name in known if name in asked) if asked else known


def _devices(values: Sequence[str]) -> tuple[str, ...]:
    devices = _words(values)
    for device in devices:
        if not device:
            raise InputError(f"--device {device!r}: empty; allowed: cpu, or another that a backend sees")
    return devices


def number(option: str, word: str, least: int, most: int | None = None) -> int:
    """The whole number that an option was given. Raises InputError for another word, and outside of least to most."""
    allowed = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"
    try:
        value = int(word)
    except ValueError:
        raise InputError(f"{option} {word!r}: not a whole number; allowed: {allowed}") from None
    if value < least or (most is not None and value > most):
        raise InputError(f"{option} {value}: out of range; allowed: {allowed}")
    return value


def fraction(option: str, word: str) -> float:
    """The fraction of 1 that an option was given, as "5%" or "0.05". Raises InputError outside of 0 to 1."""
    allowed = "more than 0% and less than 100%, as in 5% or 0.05"
    try:
        value = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        raise InputError(f"{option} {word!r}: not a percentage; allowed: {allowed}") from None
    if not 0 < value < 1:
        raise InputError(f"{option} {word}: out of range; allowed: {allowed}")
    return value


def seconds(option: str, word: str) -> float:
    """The seconds that an option was given. Raises InputError unless they are more than 0 and finite."""
    try:
        value = float(word)
    except ValueError:
        raise InputError(f"{option} {word!r}: not a number; allowed: seconds, more than 0") from None
    if not 0 < value < math.inf:
        raise InputError(f"{option} {word}: out of range; allowed: seconds, more than 0")
    return value


def allowed_cores() -> list[int]:
    """The cores on which this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def available_memory() -> int:
    """Bytes that can be had: what the system has left, or less where a container says so."""
    limit = Path("/sys/fs/cgroup/memory.max")
    free = psutil.virtual_memory().available
    if limit.exists() and (word := limit.read_text().strip()).isdigit():
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        free = min(free, int(word) - used)
    return free


@dataclass(frozen=True)
class Planned:
    """A case, and why it will not be run, or None."""

    case: Case
    reason: str | None


def plan(choice: Choice, seen: Mapping[str, Iterable[str]], everywhere: Sequence[str], side: Side) -> list[Planned]:
    """Every case of the choice, group by group. `seen` maps each backend to the devices that it sees on this side,
    `everywhere` has those that any backend sees on any side.

    Raises InputError for a device that no backend sees.
    """
    for device in choice.devices:
        if device not in everywhere:
            raise InputError(f"--device {device!r}: no backend sees it; allowed: {', '.join(everywhere)}")
    cases = itertools.product(
        choice.dtypes, choice.devices or everywhere, choice.points, choice.variants, choice.backends
    )
    return [
        Planned(case := Case(variant, backend, device, dtype, points), _reason(case, seen, side))
        for dtype, device, points, variant, backend in cases
    ]


def _reason(case: Case, seen: Mapping[str, Iterable[str]], side: Side) -> str | None:
    backend = backends()[case.backend]
    reason = backend.unfit(case.device, case.dtype) or backend.missing(case.device, side.absent, side.environment())
    module = Path(*type(backend).__module__.split(".")).with_suffix(".py")
    if reason is None and not (side.root / module).exists():
        reason = f"{case.backend} is not in this revision: there is no {module}"
    path = Path("impls", case.variant, f"{backend.fit}.py")
    if reason is None and not (side.root / path).exists():
        reason = f"{case.variant} is not written for {case.backend}: there is no {path}"
    if reason is None and case.device not in seen[case.backend]:
        reason = f"{case.backend} sees no {case.device} here, only {', '.join(seen[case.backend])}"
    return reason
