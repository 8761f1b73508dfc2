"""Is anything slower than it was? Two runs compared, case by case; or several old ones with a new one.

python -m bench.compare OLD.json [OLDER.json ...] NEW.json [--fail-if-slower 5%] [--format json] [--force]
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
from bench.records.slowing import slowed
from bench.reporting.verdict_data import add_format, in_format
from bench.statistics.conditions import ACROSS, unlike
from bench.statistics.gate import add_gate, exit_code, gate_of
from bench.statistics.verdict import by_time, decide
from bench.support.errors import InputError, Parser
from bench.support.words import names


def main(argv: Sequence[str] | None = None) -> int:
    """0, or 2 for bad input; with --fail-if-slower also 1 and 3, as exit_code tells."""
    asked = _parser().parse_args(argv)
    try:
        threshold, gated = gate_of(asked)
        across = names("--across", asked.across, ACROSS) if asked.across else ()
        *olds, new = runs = [load(path) for path in _different(asked.runs)]
        olds = by_time(olds)
        found = {old.path: unlike(old, new, across) for old in olds}
        for path, differences in found.items():
            if differences and not asked.force:
                what = f"{path} and {new.path} are unlike: {', '.join(differences)}"
                raise InputError(f"{what}; give --force to compare them all the same")
        differing = tuple(dict.fromkeys(each for differences in found.values() for each in differences))
        table = replace(decide(olds, new, threshold), unlike=differing)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for run in runs:
        if (told := slowed(run.machine.environment)) is not None:
            print(f"warning: {run.path}: {told}", file=sys.stderr)
    code = exit_code(table, gated)
    print(in_format(asked.format, table, code))
    return code


def _different(paths: Sequence[Path]) -> Sequence[Path]:
    """Raises InputError unless there are two runs or more, all different."""
    if len(paths) < 2:
        raise InputError(f"{paths[0]}: is alone; expected OLD.json and NEW.json")
    for i, path in enumerate(paths):
        if path.resolve() in [other.resolve() for other in paths[:i]]:
            raise InputError(f"{path}: given twice; expected different runs")
    return paths


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench.compare", description="Is NEW slower than OLD, case by case?")
    parser.usage = "%(prog)s [options] OLD.json [OLDER.json ...] NEW.json"
    runs = "runs of `pytest bench --benchmark-json=FILE`: one old one or more, and last the one that is judged"
    parser.add_argument("runs", type=Path, nargs="+", metavar="JSON", help=runs)
    add_gate(parser)
    add_format(parser)
    helps = f"what is compared and so may differ: {', '.join(ACROSS)}; repeatable or comma-separated"
    parser.add_argument("--across", action="append", metavar="NAME", help=helps)
    parser.add_argument("--force", action="store_true", help="compare runs of unlike machines or settings")
    return parser


if __name__ == "__main__":
    exits.run(main)
