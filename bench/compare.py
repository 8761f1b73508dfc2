"""Is anything slower than it was? Two runs compared, case by case.

python -m bench.compare OLD.json NEW.json [--threshold 5%] [--fail-if-slower 5%] [--format json] [--force]
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.records.reading import load
from bench.reporting.verdict_data import add_format, in_format
from bench.statistics.conditions import ACROSS, unlike
from bench.statistics.gate import add_gate, exit_code, gate_of
from bench.statistics.verdict import decide
from bench.support.errors import InputError, Parser
from bench.support.words import names


def main(argv: Sequence[str] | None = None) -> int:
    """0, or 2 for bad input; with --fail-if-slower also 1 and 3, as exit_code tells."""
    asked = _parser().parse_args(argv)
    try:
        threshold, gated = gate_of(asked)
        if asked.old.resolve() == asked.new.resolve():
            raise InputError(f"{asked.new}: given twice; expected two runs")
        across = names("--across", asked.across, ACROSS) if asked.across else ()
        old, new = load(asked.old), load(asked.new)
        differences = unlike(old, new, across)
        if differences and not asked.force:
            what = f"{old.path} and {new.path} are unlike: {', '.join(differences)}"
            raise InputError(f"{what}; give --force to compare them all the same")
        table = replace(decide(old, new, threshold), unlike=tuple(differences))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    code = exit_code(table, gated)
    print(in_format(asked.format, table, code))
    return code


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.compare", description="Is NEW slower than OLD, case by case?")
    parser.add_argument("old", type=Path, metavar="OLD.json", help="a run of `pytest bench --benchmark-json=OLD.json`")
    parser.add_argument("new", type=Path, metavar="NEW.json", help="the run that is judged")
    add_gate(parser)
    add_format(parser)
    helps = f"what is compared and so may differ: {', '.join(ACROSS)}; repeatable or comma-separated"
    parser.add_argument("--across", action="append", metavar="NAME", help=helps)
    parser.add_argument("--force", action="store_true", help="compare runs of unlike machines or settings")
    return parser


if __name__ == "__main__":
    exits.run(main)
