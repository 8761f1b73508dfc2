"""The environments that a comparison takes: a user's words, turned into an interpreter, a checkout and variables.

A git revision is checked out beside the user's checkout, into a folder that goes when the comparison ends.
"""

import json
import os
import platform
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import probe
from bench.backends import backends
from bench.errors import InputError
from bench.scratch import is_left_over, prefix
from bench.workers import ROOT, THREAD_VARIABLES, one_line

LEAST_PYTHON = (3, 11)
NEEDS = ("numpy", "psutil")  # of any worker, whatever its backend
ANSWER_SECONDS = 60.0
KINDS = "an interpreter, a venv's folder, a git revision of this checkout, '.' for it as it stands, or NAME=VALUE words"

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
SCRATCH = "ab"  # the kind of folder that a worktree is
# Set by git for its hooks; they would lead a command to another repository, or to an index in use.
GIT_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


@dataclass(frozen=True)
class Side:
    """One environment whose workers are measured: an interpreter, a checkout, and variables on top of ours.

    label: "a" or "b"; "" where there is only one.
    spec: as the user wrote it; "" for this environment.
    python: the interpreter that runs its workers.
    root: the checkout whose bench/ and impls/ they import.
    variables: environment variables on top of ours.
    absent: the packages of the backends, of NEEDS too, that its interpreter cannot find.
    packages: installed distributions, lower-case name and version, sorted.
    commit, dirty: git's state of root; None where it is in no repository.
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

    def environment(self) -> dict[str, str]:
        """The variables that its workers are given, before those that fitbench sets."""
        return {**os.environ, **dict(self.variables)}


@dataclass(frozen=True)
class _Place:
    """What a user asked for, before the interpreter was asked what it is."""

    root: Path
    python: str = sys.executable
    variables: tuple[tuple[str, str], ...] = ()


def here() -> Side:
    """This interpreter and checkout. No process is started but git's."""
    facts = {
        "python": platform.python_version(),
        "packages": probe.installed(),
        "absent": probe.absent(_asked()),
    }
    return _side("", "", _Place(ROOT), facts)


@contextmanager
def resolved(label: str, spec: str) -> Iterator[Side]:
    """The side that a user's words describe; the worktree of a git revision exists inside `with` only.

    SIGTERM becomes SystemExit while there is a worktree. Raises InputError, which names --LABEL, for words that
    describe nothing and for an interpreter that cannot run workers.
    """
    option = f"--{label} {spec!r}"
    with _place(option, spec) as place:
        yield _side(label, spec, place, _facts(option, place))


def _side(label: str, spec: str, place: _Place, facts: dict[str, Any]) -> Side:
    changes = _git("status", "--porcelain", cwd=place.root)
    return Side(
        label=label,
        spec=spec,
        python=place.python,
        root=place.root,
        variables=place.variables,
        absent=frozenset(facts["absent"]),
        python_version=facts["python"],
        packages=tuple(facts["packages"].items()),
        commit=_git("rev-parse", "HEAD", cwd=place.root),
        dirty=None if changes is None else bool(changes),
    )


# What the words mean


def _place(option: str, spec: str) -> AbstractContextManager[_Place]:
    if not spec.strip():
        raise InputError(f"{option}: empty; allowed: {KINDS}")
    if ASSIGNMENT.match(spec.lstrip()):
        return nullcontext(_Place(ROOT, variables=_variables(option, spec)))
    if spec == ".":
        return nullcontext(_Place(ROOT))
    if python := _interpreter(option, spec):
        return nullcontext(_Place(ROOT, python))
    if commit := _revision(spec):
        return _worktree(option, commit)
    if found := shutil.which(spec):
        return nullcontext(_Place(ROOT, str(Path(found).absolute())))
    raise InputError(f"{option}: no interpreter, venv, git revision or NAME=VALUE; allowed: {KINDS}")


def _variables(option: str, spec: str) -> tuple[tuple[str, str], ...]:
    try:
        words = shlex.split(spec)
    except ValueError as error:
        raise InputError(f"{option}: {str(error).lower()}; allowed: NAME=VALUE words, quoted as for a shell") from None
    for word in words:
        if not ASSIGNMENT.match(word):
            raise InputError(f'{option}: {word!r} is no NAME=VALUE; quote a value that holds spaces: NAME="one two"')
    pairs = dict(word.split("=", 1) for word in words)
    for name in pairs:
        if name in THREAD_VARIABLES:
            raise InputError(f"{option}: {name} is set by --threads; allowed: any variable that no option sets")
    return tuple(pairs.items())


def _interpreter(option: str, spec: str) -> str | None:
    """The interpreter at a path, or in the venv there; None where nothing is. A venv's symlink is not followed."""
    path = Path(spec).absolute()
    mode = _mode(path)
    if not stat.S_ISDIR(mode):
        return str(path) if mode else None
    for python in (path / "bin" / "python", path / "Scripts" / "python.exe"):
        if _mode(python):
            return str(python)
    raise InputError(f"{option}: a folder, but no venv: it has no bin/python; allowed: {KINDS}")


def _mode(path: Path) -> int:
    """What is at a path, as stat tells; 0 where nothing is, or nothing that we may see."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


# What the interpreter is


def _asked() -> list[str]:
    return list(dict.fromkeys([*NEEDS, *(package for one in backends().values() for package in one.packages)]))


def _facts(option: str, place: _Place) -> dict[str, Any]:
    """What bench/probe.py prints there. Raises InputError where workers could not run."""
    facts = _answer(option, place)
    if tuple(facts["release"]) < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        raise InputError(f"{option}: it is Python {facts['python']}; fitbench's workers need {least} or newer")
    if lacking := [name for name in NEEDS if name in facts["absent"]]:
        install = f"{place.python} -m pip install {' '.join(lacking)}"
        raise InputError(
            f"{option}: it has no {', '.join(lacking)}; fitbench's workers need {' and '.join(NEEDS)} ({install})"
        )
    return facts


def _answer(option: str, place: _Place) -> dict[str, Any]:
    command = [place.python, str(Path(probe.__file__).resolve()), *_asked()]
    # A folder with nothing in it: neither a checkout's modules nor a .python-version answer for the interpreter.
    with tempfile.TemporaryDirectory(prefix="fitbench-", ignore_cleanup_errors=True) as empty:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=ANSWER_SECONDS,
                cwd=empty,
                env={**os.environ, **dict(place.variables)},
            )
        except subprocess.TimeoutExpired:
            raise InputError(f"{option}: no answer within {ANSWER_SECONDS:g} s; allowed: a Python") from None
        except OSError as error:
            raise InputError(f"{option}: cannot be run ({error.strerror}); allowed: a Python") from None
    facts = _parsed(done.stdout)
    if facts is None:
        said = _last_line(done.stderr) or _last_line(done.stdout) or "nothing"
        raise InputError(f"{option}: it does not answer as Python does (exit code {done.returncode}; it said: {said})")
    return facts


def _parsed(text: str) -> dict[str, Any] | None:
    """The last line's object, as a site's own modules may print before it; None if it is not what the probe prints."""
    try:
        facts = json.loads(text.strip().rpartition("\n")[2])
    except ValueError:
        return None
    known = isinstance(facts, dict) and facts.keys() >= {"python", "release", "packages", "absent"}
    return facts if known else None


def _last_line(text: str) -> str:
    return one_line(text.strip().rpartition("\n")[2])


# Revisions


def _git_run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name not in GIT_PLACES}
    return subprocess.run(
        ["git", *words],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={**variables, "GIT_OPTIONAL_LOCKS": "0"},  # `status` would rewrite the user's index
        start_new_session=True,  # Ctrl-C is for us: it must not stop the removal of a worktree
    )


def _git(*words: str, cwd: Path) -> str | None:
    """What git answers; None where it fails, or is not installed."""
    try:
        done = _git_run(*words, cwd=cwd)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _revision(spec: str) -> str | None:
    """The commit that the words name, or None."""
    return _git("rev-parse", "--verify", "--quiet", f"{spec}^{{commit}}", cwd=ROOT)


@contextmanager
def _worktree(option: str, commit: str) -> Iterator[_Place]:
    _remove_left_overs()
    with _exit_on_sigterm():
        folder = Path(tempfile.mkdtemp(prefix=prefix(SCRATCH))).resolve()
        try:
            yield _Place(_checked_out(option, commit, folder))
        finally:
            _remove(folder)


def _checked_out(option: str, commit: str, folder: Path) -> Path:
    """The suite in the revision: the folder itself, or a part of it where the repository holds more than the suite."""
    # Without hooks: a checkout that the user did not make is none of their business.
    words = ("-c", f"core.hooksPath={os.devnull}", "worktree", "add", "--detach", str(folder), commit)
    done = _git_run(*words, cwd=ROOT)
    if done.returncode != 0:
        raise InputError(f"{option}: git cannot check it out: {_last_line(done.stderr)}")
    root = folder / (_git("rev-parse", "--show-prefix", cwd=ROOT) or "")
    if not (root / "bench" / "worker.py").is_file():
        raise InputError(f"{option}: there is no bench/worker.py in {commit[:9]}; allowed: a revision that has it")
    return root


def _remove_left_overs() -> None:
    """Of comparisons that were killed before they could remove their worktree."""
    for line in (_git("worktree", "list", "--porcelain", cwd=ROOT) or "").splitlines():
        kind, _, path = line.partition(" ")
        if kind == "worktree" and is_left_over(Path(path), SCRATCH):
            _remove(Path(path))


def _remove(folder: Path) -> None:
    """The folder and what git knows of it, whatever state an interruption left them in."""
    shutil.rmtree(folder, ignore_errors=True)
    _git("worktree", "remove", "--force", "--force", str(folder), cwd=ROOT)  # twice: `add` locks until it is done


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Let SIGTERM raise SystemExit, so that `finally` runs; only Python's main thread can."""
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return

    def leave(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one must not stop the removal
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
