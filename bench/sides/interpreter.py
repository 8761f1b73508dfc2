"""Another interpreter, asked what it is by bench/sides/probe.py."""

import os
import subprocess
import tempfile
from pathlib import Path

import msgspec

from bench.sides import probe
from bench.sides.side import NEEDS, Interpreter, Place, wanted
from bench.support.errors import InputError, last_line

LEAST_PYTHON = (3, 11)
ANSWER_SECONDS = 60.0


def facts_of(option: str, place: Place) -> Interpreter:
    """What bench/sides/probe.py prints there. Raises InputError where workers could not run."""
    facts = _answer(option, place)
    if facts.release < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        raise InputError(f"{option}: it is Python {facts.python}; fitbench's workers need {least} or newer")
    if lacking := [name for name in NEEDS if name in facts.absent]:
        install = f"{place.python} -m pip install {' '.join(lacking)}"
        raise InputError(
            f"{option}: it has no {', '.join(lacking)}; fitbench's workers need {' and '.join(NEEDS)} ({install})"
        )
    return facts


def _answer(option: str, place: Place) -> Interpreter:
    command = [place.python, str(Path(probe.__file__).resolve()), *wanted(place.root)]
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
        said = last_line(done.stderr) or last_line(done.stdout) or "nothing"
        raise InputError(f"{option}: it does not answer as Python does (exit code {done.returncode}; it said: {said})")
    return facts


def _parsed(text: str) -> Interpreter | None:
    """The last line's object, as a site's own modules may print before it; None if it is not what the probe prints."""
    try:
        return msgspec.json.decode(text.strip().rpartition("\n")[2], type=Interpreter)
    except (msgspec.DecodeError, RecursionError):
        return None
