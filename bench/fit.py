"""One fit, as a tutorial would run it: the loss every 100 steps, then the equation, beside the exact answer.

python -m bench.fit --variant manual --backend torch
"""

import argparse
import sys
from collections.abc import Sequence

import impls
from bench.backends import backends
from bench.case import Choice
from bench.errors import InputError, Parser
from bench.oracle import PARAMETERS
from bench.problem import DTYPES
from bench.record import AGREED
from bench.runner import Runner, truth
from bench.sides import here


def parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.fit", description="One fit, checked against the exact one.")
    parser.add_argument("--variant", required=True, metavar="V", help=", ".join(impls.variants()))
    parser.add_argument("--backend", required=True, metavar="B", help=", ".join(backends()))
    parser.add_argument("--device", default="cpu", metavar="D", help="default: %(default)s")
    parser.add_argument("--dtype", default="float32", metavar="T", help=f"{', '.join(DTYPES)}; default: %(default)s")
    parser.add_argument("--points", default="2000", metavar="N", help="default: %(default)s")
    parser.add_argument("--steps", default="2000", metavar="N", help="default: %(default)s")
    parser.add_argument("--seed", default="0", metavar="N", help="default: %(default)s")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 if the fit agrees with the exact one, 1 if it fails or cannot run here, 2 for bad input."""
    asked = parser().parse_args(argv)
    try:
        choice = Choice.of(
            variant=[asked.variant],
            backend=[asked.backend],
            device=[asked.device],
            dtype=[asked.dtype],
            points=[asked.points],
            steps=asked.steps,
            seed=asked.seed,
        )
        runner = Runner(choice, [here()], timed=False)
        if len(runner.planned) > 1:
            raise InputError("one fit takes one of each; use `pytest bench` for several")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return run(runner)


def run(runner: Runner) -> int:
    """Run the one case of the runner and print what it did."""
    case = runner.planned[0].case
    runner.select([case])
    record = runner.record(case)
    if record.outcome != AGREED:
        print(f"{record.outcome}: {record.reason}", file=sys.stderr)
        return 1
    for step, loss in record.losses or []:
        print(f"{step:.0f} {loss!r}")
    bound, _ = truth(case.problem(record.seed, record.steps))
    model, agreement = bound.problem.variant.model, record.agreement or {}
    print("Result:", model.equation(record.coefficients or []))
    print("Exact: ", model.equation([float(value) for value in bound.trajectory.states[-1][:PARAMETERS]]))
    print(
        f"Digits: {agreement['digits']:.1f} at worst, in {agreement['worst_name']} at step {agreement['worst_step']}; "
        f"held to the exact trajectory up to step {agreement['horizon']}"
        + (", to one-step replay beyond" if agreement["replayed"] else "")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
