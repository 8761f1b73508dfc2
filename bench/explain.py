"""What one iteration consists of, and where its time goes; of several variants, what each costs more than the first.

python -m bench.explain --variant manual --backend jax-loop
python -m bench.explain --variant manual,autograd --backend torch,jax
python -m bench.explain --diff OLD.json NEW.json     # whose generated code changed, and how
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.cases.options import add_options, asked
from bench.measuring.runner import Runner
from bench.records.reading import load
from bench.reporting.code_changes import changes
from bench.studies.asking import runnable, runner_of
from bench.studies.explaining import explained
from bench.support.errors import InputError, Parser
from bench.support.terminal import Progress
from bench.truth.check import DisagreementError
from bench.workers.process import WorkerError

OPTIONS = ("variant", "backend", "device", "dtype", "points", "threads", "processes", "seed", "case_timeout")
DEFAULTS = {"device": "cpu", "dtype": "float32", "processes": "5", "cold": "0"}
SINGLE = ("device", "dtype", "points")  # axes of which one is explained at a time


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, 1 if a case is wrong or cannot run here, 2 for bad input."""
    try:
        words = _parser().parse_args(argv)
        if words.diff is not None:
            return _diff(words)
        runner = runner_of(words, DEFAULTS, SINGLE)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return _explain(runner)


def _explain(runner: Runner) -> int:
    cases = runnable(runner)
    if not cases:
        return 1
    progress = Progress()
    try:
        told = explained(cases, runner.choice, progress.tell)
    except (WorkerError, DisagreementError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    finally:
        progress.clear()
    print(told)
    return 0


def _diff(words: argparse.Namespace) -> int:
    old, new = (load(path) for path in words.diff)
    chosen = asked(words).axes if words.variant or words.backend else {}
    names = {name: chosen[name] for name in ("variant", "backend") if getattr(words, name)}
    print(changes(old, new, lambda case: all(getattr(case, name) in allowed for name, allowed in names.items())))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.explain", description="What one iteration consists of.")
    about = "two runs: of which cases the generated code changed, and how, as far as --keep-code kept it"
    parser.add_argument("--diff", nargs=2, type=Path, metavar=("OLD", "NEW"), help=about)
    add_options(parser.add_argument, OPTIONS, DEFAULTS)
    return parser


if __name__ == "__main__":
    exits.run(main)
