"""Two environments compared in one run: fresh workers of A and of B, process by process, in turns.

python -m bench.ab --a SPEC --b SPEC [options of pytest bench] [--fail-if-slower 5%] [--output DIR]
python -m bench.ab --self-test [options]

A SPEC is an interpreter or the folder of a venv, a git revision of this repository, `.` for this checkout as it
stands, or environment variables: 'XLA_FLAGS="--a=1 --b=2"'. B is judged against A.
"""

import argparse
import itertools
import json
import sys
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.backends import backends
from bench.case import Choice
from bench.compare import add_gate, exit_code, gate_of, text
from bench.document import document
from bench.errors import InputError, Parser
from bench.files import write_atomically
from bench.journal import Journal
from bench.machine import describe
from bench.options import add_options, choice_of, keep_folder
from bench.record import MEASURED, Run, load
from bench.runner import Runner, journal_key
from bench.selftest import self_test
from bench.sides import Side, resolved
from bench.verdict import Table, decide
from bench.workers import environment

MERGED = ("XLA_FLAGS",)  # ours are added to those given
INTERRUPTED = 130  # as a shell says it of Ctrl-C


@dataclass(frozen=True)
class Plan:
    """What to measure, and where to leave it. A JSON a side, and until both are written a journal, are in `output`."""

    choice: Choice
    output: Path
    disable_gc: bool = False
    cache: Path | None = None
    resume: bool = False


class CutShortError(Exception):
    """Ctrl-C: what was measured is in the JSON of either side and in the journal."""


class NothingMeasuredError(Exception):
    """A side has no case that could be timed; the message says why."""


def measure(plan: Plan, sides: Sequence[Side]) -> tuple[Run, Run]:
    """Measure both sides and write their JSON. Raises InputError, CutShortError and NothingMeasuredError."""
    for side in sides:
        _has_effect(plan.choice, side)
    if not plan.resume and any((plan.output / f"{side.label}.json").exists() for side in sides):
        raise InputError(f"--output {plan.output}: a comparison is there already; give another folder, or delete it")
    runner = Runner(plan.choice, sides, True, plan.disable_gc, plan.cache, tell, warn)
    runner.select(planned.case for planned in runner.planned)
    machines = {side.label: describe(side) for side in sides}  # before the load on it is our own
    path = plan.output / "ab.json.journal"
    if plan.resume:
        runner.journal = Journal.resume(path, journal_key(runner))
    else:
        _make(plan.output)
        runner.journal = Journal.begin(path, journal_key(runner))
    runner.run()
    told = {"id": uuid.uuid4().hex}
    for side in sides:
        about = {"comparison": {**told, "side": side.label, "spec": side.spec}}
        machine = {**machines[side.label], "other_runs": sorted(runner.presence.seen), **about}
        records = {case: runner.so_far(case, label=side.label) for case in runner.selected}
        write_atomically(plan.output / f"{side.label}.json", json.dumps(document(records, machine)))
    if runner.interrupted:
        runner.journal.close()
        raise CutShortError
    runner.journal.discard()
    return _checked(plan, sides)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output {folder}: cannot be made ({error.strerror}); expected a folder") from None


def _has_effect(choice: Choice, side: Side) -> None:
    """Raises InputError for a variable that workers would be given another value of: both sides would be the same."""
    given = dict(side.variables)
    for name, dtype, device in itertools.product(choice.backends, choice.dtypes, choice.devices or ("cpu",)):
        ours = environment(backends()[name], device, dtype, choice.threads, "", given)
        for variable in set(given) & set(ours) - set(MERGED):
            raise InputError(f"--{side.label} {side.spec!r}: {variable} is set by fitbench itself, for {name}")


def _checked(plan: Plan, sides: Sequence[Side]) -> tuple[Run, Run]:
    """Both runs, read back. A side of which nothing was timed is a failed comparison, never a "same"."""
    a, b = (load(plan.output / f"{side.label}.json") for side in sides)
    for side, run in zip(sides, (a, b), strict=True):
        if not any(record.outcome == MEASURED for record in run.records):
            reasons = dict.fromkeys(f"{record.outcome}: {record.reason}" for record in run.records)
            raise NothingMeasuredError(f"--{side.label} {side.spec!r}: no case was timed; {next(iter(reasons))}")
    return a, b


def main(argv: Sequence[str] | None = None) -> int:
    """0 no case is slower, 1 some case is or failed, 2 bad input, 3 undecided only; the first and last two as asked."""
    asked = _parser().parse_args(argv)
    try:
        threshold, gated = gate_of(asked)
        output = Path(asked.output or f"reports/ab-{datetime.now():%Y-%m-%d-%H%M%S}")
        plan = Plan(choice_of(asked), output, asked.benchmark_disable_gc, keep_folder(asked.cache), asked.resume)
        if asked.self_test:
            if asked.resume or asked.a or asked.b or gated:
                taken = "--a, --b, --resume or --fail-if-slower"
                raise InputError(f"--self-test: compares this checkout with itself and judges nothing; give no {taken}")
            return self_test(plan, threshold, asked, measure)
        table = _compared(plan, asked, threshold)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except NothingMeasuredError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except CutShortError:
        more = "what is whole is in" if asked.self_test else "go on with the same options and --resume --output"
        print(f"interrupted; {more} {output}", file=sys.stderr)
        return INTERRUPTED
    print(text(table))
    print(f"\nThe runs: {output / 'a.json'} {output / 'b.json'}")
    return exit_code(table, gated)


def _compared(plan: Plan, asked: Any, threshold: float) -> Table:
    for label in ("a", "b"):
        if getattr(asked, label) is None:
            raise InputError(f"--{label}: missing; both --a and --b are needed, or --self-test")
    with ExitStack() as stack:
        sides = [stack.enter_context(resolved(label, getattr(asked, label))) for label in ("a", "b")]
        a, b = measure(plan, sides)
    return decide(a, b, threshold)


def tell(line: str) -> None:
    """What is being measured, on the same line of a terminal; nothing where there is none."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def warn(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m bench.ab",
        description="Compare two environments by interleaved fresh workers.",
        epilog="SPEC: an interpreter or a venv's folder, a git revision, '.', or 'NAME=VALUE ...'",
    )
    parser.add_argument("--a", metavar="SPEC", help="what to compare with")
    parser.add_argument("--b", metavar="SPEC", help="what is compared")
    parser.add_argument("--output", metavar="DIR", help="folder for a.json and b.json; default: reports/ab-DATE-TIME")
    parser.add_argument("--resume", action="store_true", help="go on with the run of this --output that was ended")
    parser.add_argument("--benchmark-disable-gc", action="store_true", help="no garbage collection in rounds")
    add_gate(parser)
    add_options(parser.add_argument, cold="0")
    test = parser.add_argument_group("self-test", "A against A, and against A with a planted slowdown, on this machine")
    test.add_argument("--self-test", action="store_true", help="measure the gate's own error rates")
    test.add_argument("--repeats", default="10", metavar="N", help="comparisons of either kind; default: %(default)s")
    test.add_argument("--slowdown", default="10%", metavar="PCT", help="what is planted; default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
