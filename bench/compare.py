"""Is anything slower than it was? Two runs compared, case by case, in text for a terminal.

python -m bench.compare OLD.json NEW.json [--threshold 5%] [--fail-if-slower 5%] [--force]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.support import exits

if __name__ == "__main__":
    exits.guard()  # also while the rest is imported

from bench.records.reading import load
from bench.reporting.verdicts import text
from bench.statistics.conditions import unlike
from bench.statistics.gate import add_gate, exit_code, gate_of
from bench.statistics.verdict import decide
from bench.support.errors import InputError, Parser


def main(argv: Sequence[str] | None = None) -> int:
    """0, or 2 for bad input; with --fail-if-slower also 1 and 3, as exit_code tells."""
    asked = _parser().parse_args(argv)
    try:
        threshold, gated = gate_of(asked)
        if asked.old.resolve() == asked.new.resolve():
            raise InputError(f"{asked.new}: given twice; expected two runs")
        old, new = load(asked.old), load(asked.new)
        differences = unlike(old, new)
        if differences and not asked.force:
            what = f"{old.path} and {new.path} are unlike: {', '.join(differences)}"
            raise InputError(f"{what}; give --force to compare them all the same")
        table = decide(old, new, threshold)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(text(table))
    if differences:
        print(f"compared although unlike: {', '.join(differences)}")
    return exit_code(table, gated)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.compare", description="Is NEW slower than OLD, case by case?")
    parser.add_argument("old", type=Path, metavar="OLD.json", help="a run of `pytest bench --benchmark-json=OLD.json`")
    parser.add_argument("new", type=Path, metavar="NEW.json", help="the run that is judged")
    add_gate(parser)
    parser.add_argument("--force", action="store_true", help="compare runs of unlike machines or settings")
    return parser


if __name__ == "__main__":
    exits.run(main)
