"""A report of one or more runs: `python -m bench.report [JSON ...] [--output DIR] [--baseline BACKEND]
[--pictures]`.

A run that goes on, or was cut short, is reported by its journal as far as it came: `FILE.json.journal`.
Writes `index.html`, one page that needs no network, `report.md` with the answers, `details.md` with tables and
pictures (PNG and SVG) of all questions, and `tables/*.csv`, in SI units and full precision.
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported
    gc.disable()  # a tenth of the time would go into looking through all records again and again, for next to nothing

from bench.measuring.unfinished import runs_in
from bench.records.reading import REPORTS, newest
from bench.records.record import Run
from bench.reporting import folder, frames
from bench.reporting.baseline import add_baseline
from bench.reporting.report import LONGEST_NAME, write
from bench.support.errors import InputError, Parser


def main(argv: Sequence[str] | None = None) -> int:
    """Make a report from a command line; returns the exit code, 2 for bad input."""
    arguments = _parser().parse_args(argv)
    try:
        runs = frames.labelled(run for path in arguments.json or [newest(REPORTS)] for run in runs_in(path))
        if arguments.output == "":
            raise InputError("--output '': empty; expected a folder")
        output = Path(arguments.output or _beside([*runs.values()]))
        write(runs, output, arguments.baseline, arguments.pictures)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"Wrote the report, its pictures and tables to {output}\nOpen {output / folder.SITE}")
    return 0


def _beside(runs: Sequence[Run]) -> Path:
    """Where the report lies unless told, by the names of the runs, so that it takes the place of no other; of a side of
    a comparison, which is called a.json everywhere, beside it.
    """
    if runs[0].machine.comparison is not None:
        return runs[0].path.parent / "report"
    return REPORTS / "+".join(run.path.stem for run in runs)[:LONGEST_NAME]


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m bench.report",
        description="Turn the JSON of one or more runs, or the journal of one that goes on, into tables and pictures.",
    )
    files = f"runs to report; default: the newest in {REPORTS}/"
    parser.add_argument("json", nargs="*", type=Path, metavar="JSON", help=files)
    folder = f"folder to write into; default: {REPORTS}/ and the names of the JSON; of a comparison: `report` there"
    parser.add_argument("--output", metavar="DIR", help=folder)
    add_baseline(parser)
    parser.add_argument("--pictures", action="store_true", help="draw every picture as PNG and SVG, not the usual ones")
    return parser


if __name__ == "__main__":
    exits.run(main)
