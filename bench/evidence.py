"""How often are verdicts wrong? From recorded comparisons of identical code, beside pytest-benchmark's own gate.

python -m bench.evidence DIR [DIR ...]

Each DIR holds the a.json and b.json of one `python -m bench.ab --a . --b .`, all of the same options but the seed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.studies.evidence import evidence
from bench.studies.resplit import loaded
from bench.support.errors import InputError, Parser
from bench.support.words import fraction, number


def main(argv: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(argv)
    try:
        times, threshold = number("--times", asked.times, 1), fraction("--threshold", asked.threshold)
        slowdown = fraction("--slowdown", asked.slowdown)
        for line in evidence(loaded(asked.folders), threshold, slowdown, times):
            print(line, flush=True)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.evidence", description="Error rates from recorded runs of identical code.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="of a bench.ab of identical code")
    parser.add_argument("--times", default="1000", metavar="N", help="splits; default: %(default)s")
    parser.add_argument("--threshold", default="5%", metavar="PCT", help="default: %(default)s")
    parser.add_argument("--slowdown", default="10%", metavar="PCT", help="what is planted; default: %(default)s")
    return parser


if __name__ == "__main__":
    exits.run(main)
