"""What the commands ask that look at single cases instead of measuring: which cases, and whether they can run here."""

import argparse
import sys
from collections.abc import Collection, Mapping

from bench.backends import backends
from bench.cases.case import Case
from bench.cases.options import asked
from bench.cases.variants import variants
from bench.measuring.runner import Runner
from bench.sides.side import here
from bench.support.errors import InputError

MOST_CASES = 8  # that are looked at beside each other: each has a process or two


def runner_of(words: argparse.Namespace, defaults: Mapping[str, str], single: Collection[str]) -> Runner:
    """Of the cases that were asked for, by variant and backend. Raises InputError, also for several values of an axis
    of which one is looked at at a time.
    """
    for name, known in (("variant", variants), ("backend", backends)):
        if not getattr(words, name):
            raise InputError(f"--{name}: missing; allowed: {', '.join(known())}")
    runner = Runner(asked(words, **defaults), [here()], timed=False)
    for name in single:
        if len(runner.choice.axes[name]) > 1:
            raise InputError(f"--{name}: takes one here")
    if len(runner.planned) > MOST_CASES:
        raise InputError(f"{len(runner.planned)} cases; allowed: at most {MOST_CASES} beside each other")
    return runner


def runnable(runner: Runner) -> list[Case]:
    """The cases that can run here; of each other one a line on stderr says why it cannot."""
    for planned in runner.planned:
        if planned.reason is not None:
            print(f"skipped {planned.case.id}: {planned.reason}", file=sys.stderr)
    return [planned.case for planned in runner.planned if planned.reason is None]
