"""Where the seconds of steps go in Python, by cProfile, which makes calls of Python slower than what they call."""

import cProfile
import re
from collections.abc import Callable
from pathlib import Path
from types import CodeType

from bench.anatomy.iteration import shares

GENERATED = re.compile(r"c[a-z2-7]{51}\.py")
GENERATED_ENTRY = "inductor_entry_cpp"


def profile(advance: Callable[[int], object], steps: int) -> dict[str, float]:
    """The fractions of so many steps that the functions of each package took, without what these called."""
    advance(steps)
    profiler = cProfile.Profile()
    profiler.enable()
    advance(steps)
    profiler.disable()
    seconds: dict[str, float] = {}
    for entry in profiler.getstats():
        where = _built_in(entry.code) if isinstance(entry.code, str) else _package(entry.code)
        seconds[where] = seconds.get(where, 0.0) + entry.inlinetime
    return shares(seconds)


def _built_in(name: str) -> str:
    return f"built in: {name.strip('<>').removeprefix('built-in method ').partition(' of ')[0]}"


def _package(code: CodeType) -> str:
    """impls and bench are ours: what their lines call without a function of Python or C between is theirs, as `a * b`
    of two arrays, or a compiled step.
    """
    file, parts = code.co_filename, Path(code.co_filename).parts
    if GENERATED_ENTRY in code.co_name:
        return "the loop that Inductor wrote, with its kernels"
    if GENERATED.fullmatch(Path(file).name):
        return "the module that Inductor wrote, with its kernels"
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    for room, about in (("impls", "the step's own lines"), ("bench", "the loop that calls the step")):
        if room in parts:
            return f"{about}, with the array operations and compiled calls in them"
    return "Python's library"
