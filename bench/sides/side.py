"""A side: one environment whose workers are measured, here or beside it."""

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from bench.backends import backends
from bench.cases.choice import Choice
from bench.sides import code, git, probe
from bench.support.imports import fit_packages

NEEDS = ("numpy", "psutil")  # of any worker, whatever its backend


@dataclass(frozen=True)
class Side:
    """One environment whose workers are measured: an interpreter, a checkout, and variables on top of ours.

    label: "a" or "b"; "" where there is only one.
    spec: as the user wrote it; "" for this environment.
    python: the interpreter that runs its workers.
    root: the checkout whose bench/ and impls/ they import.
    variables: environment variables on top of ours.
    absent: the packages of NEEDS, of the backends and of the implementations that its interpreter cannot find.
    packages: the distributions that compute, lower-case name and version, sorted.
    commit, dirty: git's state of root; None where it is in no repository.
    threads: of each backend; None for as many as the choice has.
    """

    label: str
    spec: str
    python: str
    root: Path
    variables: tuple[tuple[str, str], ...]
    absent: frozenset[str]
    python_version: str
    packages: tuple[tuple[str, str], ...]
    commit: str | None
    dirty: bool | None
    threads: int | None = None

    def threads_of(self, choice: Choice) -> int:
        """The threads of each backend on this side."""
        return choice.threads if self.threads is None else self.threads

    def environ(self) -> dict[str, str]:
        """The variables that its workers are given, before those that fitbench sets."""
        return {**os.environ, **dict(self.variables)}


@dataclass(frozen=True)
class Place:
    """What a user asked for, before the interpreter was asked what it is."""

    root: Path
    python: str = sys.executable
    variables: tuple[tuple[str, str], ...] = ()


class Interpreter(msgspec.Struct, frozen=True):
    """What bench/sides/probe.py tells of an interpreter; absent: of the packages that it was asked for."""

    python: str
    release: tuple[int, int]
    packages: dict[str, str]
    absent: list[str]


def here() -> Side:
    """This interpreter and checkout. No process is started but git's."""
    return described("", "", Place(code.ROOT), _interpreter(code.ROOT))


@cache
def _interpreter(root: Path) -> Interpreter:
    """This one, which stays what it is."""
    return msgspec.convert(probe.facts(wanted(root)), Interpreter)


def described(label: str, spec: str, place: Place, facts: Interpreter) -> Side:
    """The side at a place."""
    changes = git.answer("status", "--porcelain", cwd=place.root)
    return Side(
        label=label,
        spec=spec,
        python=place.python,
        root=place.root,
        variables=place.variables,
        absent=frozenset(facts.absent),
        python_version=facts.python,
        packages=tuple(facts.packages.items()),
        commit=git.answer("rev-parse", "HEAD", cwd=place.root),
        dirty=None if changes is None else bool(changes),
    )


def wanted(root: Path) -> list[str]:
    """The packages that an interpreter is asked for, which is to run the checkout there."""
    frameworks = (package for one in backends().values() for package in one.packages)
    return list(dict.fromkeys([*NEEDS, *frameworks, *fit_packages(root)]))
