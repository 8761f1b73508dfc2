"""How often are verdicts and intervals wrong? From recorded runs of identical code.

python -m bench.evidence DIR [DIR ...]        # verdicts of ab, beside pytest-benchmark's own gate
python -m bench.evidence RUN.json RUN.json ...    # verdicts of compare, between all pairs of separate runs
python -m bench.evidence LONG.json            # intervals: those of runs of --processes, drawn from one of many

Each DIR holds the a.json and b.json of one `python -m bench.ab --a . --b .`, all of the same options but the seed.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.records.reading import load
from bench.studies.coverage import coverage
from bench.studies.evidence import evidence
from bench.studies.resplit import loaded
from bench.studies.separate import separate
from bench.support.errors import InputError, Parser
from bench.support.words import fraction, number


def main(argv: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(argv)
    try:
        times, threshold = number("--times", asked.times, 1), fraction("--threshold", asked.threshold)
        slowdown = fraction("--slowdown", asked.slowdown)
        for line in _lines(asked.paths, number("--processes", asked.processes, 2), threshold, slowdown, times):
            print(line, flush=True)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _lines(paths: Sequence[Path], size: int, threshold: float, slowdown: float, times: int) -> Iterator[str]:
    """What can be told of them. Raises InputError."""
    if any(path.is_dir() for path in paths):
        return evidence(loaded(paths), threshold, slowdown, times)
    runs = [load(path) for path in paths]
    if len(runs) == 1:
        return coverage(runs[0], size, times)
    return separate(runs, threshold, slowdown, times)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.evidence", description="Error rates from recorded runs of identical code.")
    paths = "folders of bench.ab, separate runs, or one run of many processes, all of identical code"
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=paths)
    parser.add_argument("--times", default="1000", metavar="N", help="splits, draws; default: %(default)s")
    parser.add_argument("--processes", default="3", metavar="N", help="of a run that is drawn; default: %(default)s")
    parser.add_argument("--threshold", default="5%", metavar="PCT", help="default: %(default)s")
    parser.add_argument("--slowdown", default="10%", metavar="PCT", help="what is planted; default: %(default)s")
    return parser


if __name__ == "__main__":
    exits.run(main)
