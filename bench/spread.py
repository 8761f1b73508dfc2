"""How far do the ratios between backends differ from run to run? From the records of separate runs.

python -m bench.spread RUN RUN [RUN ...]

Each RUN is the JSON of a `pytest bench`, or the folder of several that are one run together: one a backend, say.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.reporting.baseline import add_baseline
from bench.studies.spread import log_ratios_of, text
from bench.support.errors import InputError, Parser


def main(argv: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(argv)
    try:
        for path in asked.runs:
            if sum(path.resolve() == other.resolve() for other in asked.runs) > 1:
                raise InputError(f"{path}: given twice; expected separate runs")
        print(text([log_ratios_of(path, asked.baseline) for path in asked.runs], asked.baseline))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.spread", description="Spread of the backends' ratios over separate runs.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's JSON, or the folder of its JSONs")
    add_baseline(parser)
    return parser


if __name__ == "__main__":
    exits.run(main)
