"""Two environments compared in one run: fresh workers of A and of B, process by process, in turns.

python -m bench.ab --a SPEC --b SPEC [options of pytest bench] [--fail-if-slower 5%] [--output DIR]
python -m bench.ab --self-test [options]

A SPEC is an interpreter or the folder of a venv, a git revision of this repository, `.` for this checkout as it
stands, or environment variables: 'XLA_FLAGS="--a=1 --b=2"'. `python:`, `git:` or `env:` before it says which is meant.
B is judged against A, case by case: processes are added until a case is decided. Sides may differ in their threads:
--a . --b . --b-threads 2.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.cases.options import add_options, asked, keep_folder
from bench.measuring.comparison import CutShortError, NothingMeasuredError, Plan, measure
from bench.reporting.verdict_data import add_format, in_format
from bench.sides.specs import SPECS, resolved
from bench.statistics.gate import add_gate, exit_code, gate_of
from bench.statistics.verdict import Table, decide
from bench.studies.selftest import self_test
from bench.support.errors import InputError, Parser
from bench.support.programs import program
from bench.support.system import allowed_cores
from bench.support.words import number

DEFAULTS = {"cold": "0", "processes": "20", "max_time": "2"}  # a tenth of a second of rounds in each process
SELF_TEST = {"repeats": "10", "slowdown": "10%"}  # its options, and what they are by default


def main(argv: Sequence[str] | None = None) -> int:
    """0, 2 for bad input, 1 if a side could not be timed, 130 for Ctrl-C; with --fail-if-slower as exit_code tells."""
    words = _parser().parse_args(argv)
    try:
        threshold, gated = gate_of(words)
        output = _output(words)
        plan = Plan(
            asked(words, **DEFAULTS),
            threshold,
            output,
            words.benchmark_disable_gc,
            keep_folder(words.cache),
            words.resume,
            words.keep_code,
        )
        given = {name: word for name in SELF_TEST if (word := getattr(words, name)) is not None}
        if words.self_test:
            if words.resume or words.a or words.b or words.a_threads or words.b_threads or gated or words.format:
                taken = "--a, --b, --a-threads, --b-threads, --resume, --fail-if-slower or --format"
                raise InputError(f"--self-test: compares this checkout with itself and judges nothing; give no {taken}")
            return self_test(plan, *(SELF_TEST | given).values())
        if given:
            names = " and ".join(f"--{name}" for name in given)
            raise InputError(f"{names}: of --self-test only; give that, or no {names}")
        table = _compared(plan, words)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except NothingMeasuredError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except CutShortError:
        rest = [*(sys.argv[1:] if argv is None else argv), *([] if words.resume else ["--resume"])]
        rest += [] if words.output else ["--output", str(output)]
        command = shlex.join([program("python"), "-m", "bench.ab", *rest])
        more = f"what is whole is in {output}" if words.self_test else f"go on with it: {command}"
        print(f"interrupted; {more}", file=sys.stderr)
        return exits.INTERRUPTED
    code = exit_code(table, gated)
    print(in_format(words.format, table, code), flush=True)
    print(f"The runs: {output / 'a.json'} {output / 'b.json'}", file=sys.stderr)
    return code


def _output(words: Any) -> Path:
    if words.output == "":
        raise InputError("--output '': empty; expected a folder")
    if words.resume and words.output is None:
        raise InputError("--resume: needs the --output of the comparison that was ended")
    return Path(words.output or f"reports/ab-{datetime.now():%Y-%m-%d-%H%M%S}")


def _compared(plan: Plan, words: Any) -> Table:
    for label in ("a", "b"):
        if getattr(words, label) is None:
            raise InputError(f"--{label}: missing; both --a and --b are needed, or --self-test")
    threads = {label: _threads(f"--{label}-threads", getattr(words, f"{label}_threads")) for label in ("a", "b")}
    with ExitStack() as stack:
        sides = [
            replace(stack.enter_context(resolved(label, getattr(words, label))), threads=threads[label])
            for label in ("a", "b")
        ]
        a, b = measure(plan, sides)
    return decide(a, b, plan.threshold)


def _threads(option: str, word: str | None) -> int | None:
    return None if word is None else number(option, word, 1, len(allowed_cores()))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m bench.ab",
        description="Compare two environments by interleaved fresh workers.",
        epilog=SPECS,
    )
    parser.add_argument("--a", metavar="SPEC", help="what to compare with")
    parser.add_argument("--b", metavar="SPEC", help="what is compared")
    for label in ("a", "b"):
        parser.add_argument(f"--{label}-threads", metavar="N", help="threads on that side; default: those of --threads")
    parser.add_argument("--output", metavar="DIR", help="folder for a.json and b.json; default: reports/ab-DATE-TIME")
    parser.add_argument("--resume", action="store_true", help="go on with the run of this --output that was ended")
    parser.add_argument("--benchmark-disable-gc", action="store_true", help="no garbage collection in rounds")
    add_gate(parser)
    add_format(parser)
    add_options(parser.add_argument, defaults=DEFAULTS)
    test = parser.add_argument_group("self-test", "A against A, and against A with a planted slowdown, on this machine")
    test.add_argument("--self-test", action="store_true", help="measure the gate's own error rates")
    usual = {name: word.replace("%", "%%") for name, word in SELF_TEST.items()}
    test.add_argument("--repeats", metavar="N", help=f"comparisons of either kind; default: {usual['repeats']}")
    test.add_argument("--slowdown", metavar="PCT", help=f"what is planted; default: {usual['slowdown']}")
    return parser


if __name__ == "__main__":
    exits.run(main)
