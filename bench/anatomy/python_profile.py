"""Where the seconds of steps go in Python, by cProfile, which makes calls of Python slower than what they call."""

import cProfile
import pstats
import re
from collections.abc import Callable
from pathlib import Path

from bench.anatomy.iteration import shares

GENERATED = re.compile(r"c[a-z2-7]{51}\.py")
GENERATED_ENTRY = "inductor_entry_cpp"
BUILT_IN = "~"  # in place of a file, as cProfile writes it


def profile(advance: Callable[[int], object], steps: int) -> dict[str, float]:
    """The fractions of so many steps that the functions of each package took, without what these called."""
    advance(steps)
    profiler = cProfile.Profile()
    profiler.enable()
    advance(steps)
    profiler.disable()
    seconds: dict[str, float] = {}
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        where = _package(file, name)
        seconds[where] = seconds.get(where, 0.0) + own
    return shares(seconds)


def _package(file: str, name: str) -> str:
    """impls and bench are ours: what their lines call without a function of Python or C between is theirs, as `a * b`
    of two arrays, or a compiled step.
    """
    parts = Path(file).parts
    if GENERATED_ENTRY in name:
        return "the loop that Inductor wrote, with its kernels"
    if file == BUILT_IN:
        return f"built in: {name.strip('<>').removeprefix('built-in method ').partition(' of ')[0]}"
    if GENERATED.fullmatch(Path(file).name):
        return "the module that Inductor wrote, with its kernels"
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    for room, about in (("impls", "the step's own lines"), ("bench", "the loop that calls the step")):
        if room in parts:
            return f"{about}, with the array operations and compiled calls in them"
    return "Python's library"
