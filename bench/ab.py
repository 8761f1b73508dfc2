"""Two environments compared in one run: fresh workers of A and of B, process by process, in turns.

python -m bench.ab --a SPEC --b SPEC [options of pytest bench] [--fail-if-slower 5%] [--output DIR]
python -m bench.ab --self-test [options]

A SPEC is an interpreter or the folder of a venv, a git revision of this repository, `.` for this checkout as it
stands, or environment variables: 'XLA_FLAGS="--a=1 --b=2"'. `python:`, `git:` or `env:` before it says which is meant.
B is judged against A.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.cases.options import add_options, asked, keep_folder
from bench.measuring.comparison import CutShortError, NothingMeasuredError, Plan, measure
from bench.reporting.verdicts import text
from bench.sides.specs import SPECS, resolved
from bench.statistics.gate import add_gate, exit_code, gate_of
from bench.statistics.verdict import Table, decide
from bench.studies.selftest import self_test
from bench.support.errors import InputError, Parser

DEFAULTS = {"cold": "0"}
INTERRUPTED = 130  # as a shell says it of Ctrl-C


def main(argv: Sequence[str] | None = None) -> int:
    """0 no case is slower, 1 some case is or failed, 2 bad input, 3 undecided only; the first and last two as words."""
    words = _parser().parse_args(argv)
    try:
        threshold, gated = gate_of(words)
        output = Path(words.output or f"reports/ab-{datetime.now():%Y-%m-%d-%H%M%S}")
        plan = Plan(
            asked(words, **DEFAULTS), output, words.benchmark_disable_gc, keep_folder(words.cache), words.resume
        )
        if words.self_test:
            if words.resume or words.a or words.b or gated:
                taken = "--a, --b, --resume or --fail-if-slower"
                raise InputError(f"--self-test: compares this checkout with itself and judges nothing; give no {taken}")
            return self_test(plan, threshold, words.repeats, words.slowdown)
        table = _compared(plan, words, threshold)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except NothingMeasuredError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except CutShortError:
        more = "what is whole is in" if words.self_test else "go on with the same options and --resume --output"
        print(f"interrupted; {more} {output}", file=sys.stderr)
        return INTERRUPTED
    print(text(table))
    print(f"\nThe runs: {output / 'a.json'} {output / 'b.json'}")
    return exit_code(table, gated)


def _compared(plan: Plan, words: Any, threshold: float) -> Table:
    for label in ("a", "b"):
        if getattr(words, label) is None:
            raise InputError(f"--{label}: missing; both --a and --b are needed, or --self-test")
    with ExitStack() as stack:
        sides = [stack.enter_context(resolved(label, getattr(words, label))) for label in ("a", "b")]
        a, b = measure(plan, sides)
    return decide(a, b, threshold)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m bench.ab",
        description="Compare two environments by interleaved fresh workers.",
        epilog=SPECS,
    )
    parser.add_argument("--a", metavar="SPEC", help="what to compare with")
    parser.add_argument("--b", metavar="SPEC", help="what is compared")
    parser.add_argument("--output", metavar="DIR", help="folder for a.json and b.json; default: reports/ab-DATE-TIME")
    parser.add_argument("--resume", action="store_true", help="go on with the run of this --output that was ended")
    parser.add_argument("--benchmark-disable-gc", action="store_true", help="no garbage collection in rounds")
    add_gate(parser)
    add_options(parser.add_argument, defaults=DEFAULTS)
    test = parser.add_argument_group("self-test", "A against A, and against A with a planted slowdown, on this machine")
    test.add_argument("--self-test", action="store_true", help="measure the gate's own error rates")
    test.add_argument("--repeats", default="10", metavar="N", help="comparisons of either kind; default: %(default)s")
    test.add_argument("--slowdown", default="10%", metavar="PCT", help="what is planted; default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
