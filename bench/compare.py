"""Is anything slower than it was? Two runs compared, case by case, in text for a terminal.

python -m bench.compare OLD.json NEW.json [--threshold 5%] [--fail-if-slower 5%] [--force]
"""

import argparse
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench import units
from bench.case import fraction
from bench.decision import CONFIDENCE, FASTER, SAME, SLOWER, UNDECIDED
from bench.errors import InputError, Parser
from bench.estimate import Interval
from bench.record import Run, load
from bench.verdict import APPEARED, FAILED, VANISHED, Row, Table, about, are_sides, by_case, decide, measured_in_both

THRESHOLD = "5%"
MACHINE = ("cpu", "cores", "physical_cores", "affinity", "governor", "os")
SETTINGS = ("threads", "cores", "steps", "seed")  # of the records
LARGEST = 1e4  # no ratio beyond it is told
TITLES = ("case", "old", "new", "new / old", "verdict", "digits")


def add_gate(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what is slower, and whether that fails."""
    helps = f"by how much a case must differ to be called slower or faster; default: {THRESHOLD.replace('%', '%%')}"
    parser.add_argument("--threshold", metavar="PCT", help=helps)
    parser.add_argument(
        "--fail-if-slower",
        metavar="PCT",
        help="this threshold, and exit codes: 0 no case is slower, 1 one is or failed, 3 some undecided or vanished",
    )


def gate_of(asked: Any) -> tuple[float, bool]:
    """The threshold, as a fraction of 1, and whether exit codes were asked for. Raises InputError."""
    words = {"--threshold": asked.threshold, "--fail-if-slower": asked.fail_if_slower}
    given = {option: fraction(option, word) for option, word in words.items() if word is not None}
    if len(set(given.values())) > 1:
        told = " and ".join(f"{option} {words[option]}" for option in given)
        raise InputError(f"{told} contradict each other; give one, or both alike")
    return next(iter(given.values()), fraction("--threshold", THRESHOLD)), asked.fail_if_slower is not None


def exit_code(table: Table, gate: bool) -> int:
    """With a gate: 1 if a case is slower or failed, else 3 if one is undecided or vanished, else 0. Without one 0."""
    verdicts = {row.verdict for row in table.rows}
    if not gate:
        return 0
    return 1 if verdicts & {SLOWER, FAILED} else 3 if verdicts & {UNDECIDED, VANISHED} else 0


def text(table: Table) -> str:
    """The table for a terminal: a line a case that is in both runs, then what holds for all, and the other cases."""
    cells = [_cells(row) for row in table.rows if row.ratio is not None]
    parts = [f"old: {table.old}\nnew: {table.new}"]
    if cells:
        align = ("left", "right", "right", "left", "left", "left")
        # Without disable_numparse, "5.30" would be printed as 5.3.
        parts.append(tabulate(cells, TITLES, "simple", colalign=align, disable_numparse=True))
    return "\n\n".join([*parts, "\n".join(_summary(table))])


def _cells(row: Row) -> tuple[str, ...]:
    assert row.old is not None and row.new is not None and row.ratio is not None
    verdict = f"{row.verdict} ({_undecided(row)})" if row.verdict == UNDECIDED else row.verdict
    digits = " -> ".join("?" if one is None else f"{one:.1f}" for one in (row.old_digits, row.new_digits))
    return row.case.id, units.seconds(row.old), units.seconds(row.new), _ratio(row.ratio), verdict, digits


def _undecided(row: Row) -> str:
    if row.reason is not None:
        return row.reason
    assert row.smallest is not None
    if row.smallest > LARGEST:
        return "could have shown nothing"
    return f"could have shown {units.significant(100 * row.smallest, 2)} %"


def _ratio(ratio: Interval) -> str:
    """ "1.012 (0.9804 to 1.045)"; without what is not known."""
    if math.isnan(ratio.value):
        return "unknown"
    known = "" if math.isnan(ratio.low) else f" ({_end(ratio.low)} to {_end(ratio.high)})"
    return f"{units.significant(ratio.value, 4)}{known}"


def _end(value: float) -> str:
    """One end of an interval, which may be far out where next to nothing is known."""
    return "0" if value < 1 / LARGEST else "infinity" if value > LARGEST else units.significant(value, 4)


def _summary(table: Table) -> Iterator[str]:
    counts = {verdict: sum(row.verdict == verdict for row in table.rows) for verdict in (SLOWER, FASTER, SAME)}
    counts |= {verdict: sum(row.verdict == verdict for row in table.rows) for verdict in (UNDECIDED, FAILED)}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count or verdict == SLOWER)
    paired = "ratios are paired by process and turn, and need not be those of the two medians"
    kind = paired if table.paired else "two separate runs"
    confidence = f"{100 * CONFIDENCE:.0f} % confidence in all together"
    yield f"{told}; threshold {100 * table.threshold:.3g} %; {confidence}; {kind}"
    if table.geometric_mean is not None:
        yield f"geometric mean of new / old: {_ratio(table.geometric_mean)}"
    if table.drift is not None:
        yield f"the machine's own yardstick, new / old: {table.drift:.3f}; the intervals hold with it and without it"
    yield from (f"changed: {change}" for change in table.changed)
    for verdict in (FAILED, APPEARED, VANISHED):
        yield from (f"{verdict}: {row.case.id}: {row.reason}" for row in table.rows if row.verdict == verdict)


def unlike(old: Run, new: Run) -> list[str]:
    """What makes two runs' times differ whatever the code does, with both values: "threads 1 and 2"."""
    first, second = _conditions(old, new), _conditions(new, old)
    if are_sides(old, new):  # whose variables are what is compared
        first, second = ({**conditions, "environment": {}} for conditions in (first, second))
    pairs = [(name, first[name], second[name]) for name in first if name != "environment"]
    variables = first["environment"], second["environment"]
    pairs += [(name, *(one.get(name, "unset") for one in variables)) for name in sorted({*variables[0], *variables[1]})]
    return [f"{name} {_told(one)} and {_told(other)}" for name, one, other in pairs if one != other]


def _conditions(run: Run, other: Run) -> dict[str, Any]:
    """The machine and the settings of a run, of the latter those of the cases that both measured."""
    told, records = about(run), by_case(run)
    machine = {"machine's cores" if name == "cores" else name: told.get(name) for name in MACHINE}
    cases = measured_in_both(run, other)
    settings = {
        "pinned cores" if name == "cores" else name: _distinct(getattr(records[case], name) for case in sorted(cases))
        for name in SETTINGS
    }
    return {**machine, **settings, "environment": told.get("environment") or {}}


def _distinct(values: Iterable[Any]) -> list[str]:
    return sorted(set(map(_told, values)))


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_told, value)) or "none"
    return "unknown" if value is None else str(value)


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
    sys.exit(main())
