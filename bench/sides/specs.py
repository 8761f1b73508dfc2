"""A user's words for a side: an interpreter, a venv, a git revision, `.` or variables; or an error that says so.

What a checkout holds is not ours to run unless it was asked for: `git:`, `python:` and `env:` say which kind is meant,
and of words that do not, a revision is never taken for a file of that name, nor is a file run that only its name leads
to. A word that may be either is refused.
"""

import os
import re
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from bench.sides import code
from bench.sides.interpreter import facts_of
from bench.sides.revision import revision, worktree
from bench.sides.side import Place, Side, described
from bench.sides.variables import THREADS
from bench.support.errors import InputError

# As told by the help of bench.ab.
SPECS = """SPEC: an interpreter or a venv's folder, a git revision, '.', or 'NAME=VALUE ...'. Which of them is meant may
be said by python:PATH, git:REVISION or env:'NAME=VALUE ...', and must be where a word could be two of them. A file's
name without a folder is looked for on the PATH only: give ./NAME for one that is here."""
KINDS = "an interpreter, a venv's folder, a git revision of this checkout, '.' for it as it stands, or NAME=VALUE words"
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=", re.ASCII)


@contextmanager
def resolved(label: str, spec: str) -> Iterator[Side]:
    """The side that a user's words describe; the worktree of a git revision exists inside `with` only.

    Raises InputError, which names --LABEL, for words that describe nothing and for an interpreter that cannot run
    workers.
    """
    option = f"--{label} {spec!r}"
    with _place(option, spec) as place:
        yield described(label, spec, place, facts_of(option, place))


def _place(option: str, spec: str) -> AbstractContextManager[Place]:
    kind, colon, rest = spec.partition(":")
    if colon and kind in EXPLICIT:
        return EXPLICIT[kind](option, rest)
    if not spec.strip():
        raise InputError(f"{option}: empty; allowed: {KINDS}")
    if ASSIGNMENT.match(spec.lstrip()):
        return _environment(option, spec)
    if spec == ".":
        return nullcontext(Place(code.ROOT))
    path = Path(spec)
    if spec.startswith(PATHS) or path.is_absolute():
        return _python(option, spec)
    commit = revision(spec)
    if _mode(path) and commit:
        raise InputError(f"{option}: a git revision, and here a path as well; allowed: git:{spec} or python:{spec}")
    if commit:
        return worktree(option, commit)
    if stat.S_ISREG(_mode(path)) and path.name == spec:
        raise InputError(
            f"{option}: a file here, which is not run by its name alone; allowed: ./{spec} or python:{spec}"
        )
    return _python(option, spec)


def _environment(option: str, spec: str) -> AbstractContextManager[Place]:
    if not spec.strip():
        raise InputError(f"{option}: empty; allowed: NAME=VALUE words")
    return nullcontext(Place(code.ROOT, variables=_variables(option, spec)))


def _revision(option: str, spec: str) -> AbstractContextManager[Place]:
    if (commit := revision(spec)) is None:
        raise InputError(f"{option}: no git revision of this checkout; allowed: a branch, a tag or a commit of it")
    return worktree(option, commit)


def _python(option: str, spec: str) -> AbstractContextManager[Place]:
    """The side of an interpreter: at a path, in a venv, or on the PATH."""
    path = os.path.expanduser(spec)  # noqa: PTH111 (a `~` that leads nowhere stays, where Path would raise)
    if python := (_interpreter(option, path) if spec.strip() else None) or shutil.which(spec):
        return nullcontext(Place(code.ROOT, str(Path(python).absolute())))
    raise InputError(f"{option}: no interpreter, venv, git revision or NAME=VALUE; allowed: {KINDS}")


EXPLICIT: Mapping[str, Callable[[str, str], AbstractContextManager[Place]]] = {
    "env": _environment,
    "git": _revision,
    "python": _python,
}
PATHS = ("./", "../", "~", "/")


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
        if name in THREADS:
            ours = "--threads, and for one side by --a-threads or --b-threads"
            raise InputError(f"{option}: {name} is set by {ours}; allowed: any variable that no option sets")
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
