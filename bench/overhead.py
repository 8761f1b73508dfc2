"""What the runner adds to an iteration: its rounds beside a bare loop of the same code, with no harness around it.

python -m bench.overhead

Each pair of processes, a worker and a bare loop, runs in the same environment, pinned to the same core, and takes
turns fit by fit; the worker makes its fit in rounds, as ever. Processes of the same code differ, so there are several
pairs. The answer is the median of the paired ratios, worker to bare loop.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.cases.options import add_options, asked
from bench.cases.plan import plan
from bench.measuring.neighbours import Presence
from bench.studies.overhead import bare, ratios
from bench.support.errors import InputError, Parser
from bench.support.words import number

DEFAULTS = {"backend": "numpy,torch,jax-loop", "dtype": "float32"}


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m bench.overhead", description=__doc__.splitlines()[0])
    add_options(parser.add_argument, ("variant", "backend", "dtype"), DEFAULTS)
    parser.add_argument("--pairs", default="10", metavar="N", help="of processes; default: %(default)s")
    parser.add_argument("--rounds", default="8", metavar="N", help="fits of either of a pair; default: %(default)s")
    parser.add_argument("--bare", metavar="CORES", help=argparse.SUPPRESS)
    words = parser.parse_args(argv)
    try:
        pairs, rounds = number("--pairs", words.pairs, 1), number("--rounds", words.rounds, 2)
        choice = asked(words, **DEFAULTS, device="cpu")
        cases = [planned.case for planned in plan(choice, ["cpu"], lambda case: None)]
        if words.bare is not None:
            bare(cases[0], words.bare)
            return 0
        with Presence(1) as presence:
            for case in cases:
                found = ratios(case, pairs, rounds, presence.cores)
                low, middle, high = statistics.quantiles(found, n=4)
                told = f"quartiles {low:.4f} to {high:.4f}, {len(found)} pairs of fits"
                print(f"{case.id}: {middle:.4f} ({told})", flush=True)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    exits.run(main)
