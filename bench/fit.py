"""One fit, as a tutorial would run it: the loss at every checkpoint, then the equation, beside the exact answer.

python -m bench.fit --variant manual --backend torch
"""

import argparse
import sys
from collections.abc import Sequence

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.backends import backends
from bench.cases.options import add_options, asked
from bench.cases.variants import variants
from bench.measuring.runner import Runner
from bench.records.record import AGREED
from bench.sides.side import here
from bench.support.errors import InputError, Parser
from bench.truth.oracle import oracle_of
from bench.truth.problem import Problem

OPTIONS = ("device", "dtype", "points", "steps", "fit_time", "seed")
DEFAULTS = {"device": "cpu", "dtype": "float32"}


def parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.fit", description="One fit, checked against the exact one.")
    parser.add_argument("--variant", required=True, action="append", metavar="V", help=", ".join(variants()))
    parser.add_argument("--backend", required=True, action="append", metavar="B", help=", ".join(backends()))
    add_options(parser.add_argument, OPTIONS, DEFAULTS, single=OPTIONS)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 if the fit agrees with the exact one, 1 if it fails or cannot run here, 2 for bad input."""
    try:
        words = parser().parse_args(argv)
        runner = Runner(asked(words, **DEFAULTS), [here()], timed=False, warn=warn)
        if len(runner.planned) > 1:
            raise InputError("one fit takes one of each; use `pytest bench` for several")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return run(runner)


def warn(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr)


def run(runner: Runner) -> int:
    """Run the one case of the runner and print what it did."""
    case = runner.planned[0].case
    runner.select([case])
    record = runner.record(case)
    if runner.interrupted:
        raise KeyboardInterrupt
    if record.outcome != AGREED:
        print(f"{record.outcome}: {record.reason}", file=sys.stderr)
        return 1
    for step, loss in record.losses or []:
        print(f"{step} {loss!r}")
    oracle, agreement = oracle_of(Problem.of(case, record.seed, record.steps)), record.agreement
    equation = oracle.problem.variant.model.equation
    assert agreement is not None
    print("Result:", equation(record.coefficients or []))
    print("Exact: ", equation([float(value) for value in oracle.state(record.steps)[: oracle.parameters]]))
    print(
        f"Digits: {agreement.digits:.1f} at worst, in {agreement.worst_name} at step {agreement.worst_step}; "
        f"held to the exact trajectory up to step {agreement.horizon}"
        + (", to one-step replay beyond" if agreement.replayed else "")
    )
    return 0


if __name__ == "__main__":
    exits.run(main)
