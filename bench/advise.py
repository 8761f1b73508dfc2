"""Which backend shall I take? What whole fits cost at my size and for my number of steps, from recorded runs.

python -m bench.advise --points N --steps T [--variant V] [--dtype D] [--device D] [--warm] [RUN.json ...]

python -m bench.advise --check 10 [--minutes 9] RUN.json      # is it right? whole fits made for real

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
from bench.measuring.neighbours import Presence
from bench.records.reading import REPORTS, load, newest_of
from bench.records.record import Run
from bench.reporting.advice import FORMATS
from bench.sides.machine import machine_of
from bench.sides.side import here
from bench.statistics.advice import Asked, advise, enough
from bench.statistics.conditions import elsewhere, since
from bench.studies.advice import Plan, answers, passes
from bench.studies.advice_table import table, told
from bench.support.errors import InputError, Parser
from bench.support.words import number
from bench.workers.process import WorkerError

SINGLE = ("device", "dtype", "points")
DEFAULTS = {"variant": "manual", "dtype": "float32", "device": "cpu"}
USUAL, MINUTES, SEED = "text", "9", "0"
SIZES = "100,1000,10000,100000,1000000"


def main(argv: Sequence[str] | None = None) -> int:
    """0; 1 where nothing can be told, or a check failed; 2 for bad input."""
    words = _parser().parse_args(argv)
    try:
        asked = _asked(words)
        runs = [load(path) for path in words.json] or [_newest(asked)]
        _hold(runs, words.force)
        if words.check is None and (words.minutes or words.seed):
            raise InputError("--minutes, --seed: of a check; expected --check K with them")
        if words.check is not None:
            return _check(runs, asked, words)
        advice = advise(runs, asked, words.warm)
        print(FORMATS[words.format or USUAL](advice))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0 if any(advice.best(question) for question in advice.questions) else 1


def _check(runs: Sequence[Run], asked: Asked, words: argparse.Namespace) -> int:
    """Make fits for real, and tell what became of the advice: 0 if it is good enough, and else 1. Raises InputError."""
    for name in ("points", "steps", "warm", "format", "force"):
        if getattr(words, name):
            raise InputError(f"--{name}: of no use with --check, which chooses sizes and steps that were not measured")
    count, minutes = number("--check", words.check, 1), number("--minutes", words.minutes or MINUTES, 1)
    plan = Plan.of(runs, asked, count, minutes, number("--seed", words.seed or SEED, 0))
    done = []
    try:
        with Presence(plan.threads) as presence:
            for answer in answers(plan, here(), presence.cores):
                print(told(answer), file=sys.stderr, flush=True)
                done.append(answer)
    except WorkerError as error:  # nothing is shown then
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(table(plan, done))
    return 0 if passes(done) else 1


def _asked(words: argparse.Namespace) -> Asked:
    """Raises InputError, also for several values of what there may be one of."""
    given = {name: getattr(words, name) for name in ("variant", "dtype", "device", "points", "steps")}
    axes = (choice := choice_of(**{**DEFAULTS, **{name: word for name, word in given.items() if word}})).axes
    for name in SINGLE:
        if len(axes[name]) > 1:
            raise InputError(f"--{name} {','.join(map(str, axes[name]))}: several; expected one")
    return Asked(axes["points"][0], choice.steps, axes["variant"], axes["dtype"][0], axes["device"][0])


def _newest(asked: Asked) -> Run:
    """The newest run that tells of any case that is asked for, which is named. Raises InputError."""
    for path in newest_of(REPORTS):
        if enough(run := load(path), asked):
            print(f"told by {path}", file=sys.stderr)
            return run
    make = f"pytest bench --points {SIZES} --benchmark-json={REPORTS}/sizes.json"
    told = f"{', '.join(asked.variants)} in {asked.dtype} on {asked.device}"
    raise InputError(f"{REPORTS}: no run there has {told} at three sizes or more; make one with: {make}")


def _hold(runs: Sequence[Run], force: bool) -> None:
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
    parser.usage = "%(prog)s [--points N] [--steps T] [options] [RUN.json ...]"
    add_options(parser.add_argument, ("variant", *SINGLE, "steps"), DEFAULTS, single=SINGLE)
    files = f"runs of several sizes, each case in one of them; default: the newest in {REPORTS}/ that has three sizes"
    parser.add_argument("json", nargs="*", type=Path, metavar="RUN.json", help=files)
    parser.add_argument("--warm", action="store_true", help="decide by a process with warm caches of compiled code")
    formats = f"{', '.join(FORMATS)}; default: {USUAL}"
    parser.add_argument("--format", choices=FORMATS, metavar="F", help=formats)
    check = "make fits for real at so many sizes that were not measured; exit code 1 if the advice is not right"
    parser.add_argument("--check", metavar="K", help=check)
    parser.add_argument("--minutes", metavar="M", help=f"that the check may take, about; default: {MINUTES}")
    parser.add_argument("--seed", metavar="N", help=f"of the points and the order of the check; default: {SEED}")
    parser.add_argument("--force", action="store_true", help="advise by runs of another machine")
    return parser


if __name__ == "__main__":
    exits.run(main)
