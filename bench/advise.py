"""Which backend shall I take? What whole fits cost at my size and for my number of steps, from recorded runs.

python -m bench.advise --points N --steps T [--variant V] [--dtype D] [--device D] [--warm] [RUN.json ...]

The runs are of several sizes, as of `pytest bench --points 100,1000,10000,100000,1000000`, and of this machine.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.cases.options import add_options, choice_of
from bench.records.reading import load, newest_of
from bench.records.record import Run
from bench.reporting.advice import FORMATS
from bench.sides.machine import machine_of
from bench.sides.side import here
from bench.statistics.advice import Asked, advise, enough
from bench.statistics.conditions import elsewhere, since
from bench.support.errors import InputError, Parser

REPORTS = Path("reports")
DEFAULTS = {"variant": "manual", "dtype": "float32", "device": "cpu"}
SIZES = "100,1000,10000,100000,1000000"


def main(argv: Sequence[str] | None = None) -> int:
    """0, or 2 for bad input."""
    words = _parser().parse_args(argv)
    try:
        asked = _asked(words)
        runs = [load(path) for path in words.json] or [_newest(asked)]
        _check(runs, words.force)
        print(FORMATS[words.format](advise(runs, asked, words.warm)))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _asked(words: argparse.Namespace) -> Asked:
    """Raises InputError, also for several values of what there may be one of."""
    given = {name: getattr(words, name) for name in ("variant", "dtype", "device", "points", "steps")}
    axes = (choice := choice_of(**{**DEFAULTS, **{name: word for name, word in given.items() if word}})).axes
    for name in ("dtype", "device", "points"):
        if len(axes[name]) > 1:
            raise InputError(f"--{name} {','.join(map(str, axes[name]))}: several; expected one")
    return Asked(axes["points"][0], choice.steps, axes["variant"], axes["dtype"][0], axes["device"][0])


def _newest(asked: Asked) -> Run:
    """The newest run that tells of any case that is asked for. Raises InputError."""
    for path in newest_of(REPORTS):
        if enough(run := load(path), asked):
            return run
    make = f"pytest bench --points {SIZES} --benchmark-json={REPORTS}/sizes.json"
    told = f"{', '.join(asked.variants)} in {asked.dtype} on {asked.device}"
    raise InputError(f"{REPORTS}: no run there has {told} at three sizes or more; make one with: {make}")


def _check(runs: Sequence[Run], force: bool) -> None:
    """Warn of other software than there is here. Raises InputError for another machine, unless forced."""
    machine = machine_of(here())
    for run in runs:
        if (different := elsewhere(run.machine, machine)) and not force:
            told = f"made on another machine than this: {', '.join(different)}"
            raise InputError(f"{run.path}: {told}; give --force to be told of that one")
        for each in (*different, *since(run.machine, machine)):
            print(f"warning: {run.path}: {each}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.advise", description="Which backend costs the least in all?")
    parser.usage = "%(prog)s --points N --steps T [options] [RUN.json ...]"
    add_options(parser.add_argument, ("variant", "device", "dtype", "points", "steps"), DEFAULTS)
    files = f"runs of several sizes, each case in one of them; default: the newest in {REPORTS}/ that has three sizes"
    parser.add_argument("json", nargs="*", type=Path, metavar="RUN.json", help=files)
    parser.add_argument("--warm", action="store_true", help="the caches of compiled code are: that decides")
    formats = f"{', '.join(FORMATS)}; default: text"
    parser.add_argument("--format", choices=FORMATS, default="text", metavar="F", help=formats)
    parser.add_argument("--force", action="store_true", help="advise by runs of another machine")
    return parser


if __name__ == "__main__":
    exits.run(main)
