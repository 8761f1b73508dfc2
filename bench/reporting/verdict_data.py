"""The table of a comparison for programs: JSON and CSV, in SI units and full precision; docs/ci.md describes them."""

import argparse
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from bench.cases.case import NAMES
from bench.reporting.spreadsheets import csv_of
from bench.reporting.verdicts import counts, markdown, text
from bench.statistics.decision import CONFIDENCE
from bench.statistics.gate import verdict_of
from bench.statistics.intervals import Interval
from bench.statistics.verdict import Row, Table

SCHEMA = 2  # of the JSON; 1 told of the machine by its one control


def data(table: Table, code: int) -> dict[str, Any]:
    """All that is known of a comparison, of which the command ends by `code`. What is unknown or infinite is None."""
    return {
        "schema": SCHEMA,
        "verdict": verdict_of(table),
        "exit_code": code,
        "old": table.old,
        "new": table.new,
        "paired": table.paired,
        "threshold": table.threshold,
        "confidence": CONFIDENCE,
        "counts": counts(table),
        "geometric_mean": table.geometric_mean and _ratio("value", "low", "high", of=table.geometric_mean),
        "machine": dict(table.states),
        "correlation": _known(table.correlation),
        "changed": list(table.changed),
        "unlike": list(table.unlike),
        "cut_short": list(table.cut_short),
        "lost": list(table.lost),
        "together": table.together,
        "cases": [row_data(row) for row in table.rows],
    }


def row_data(row: Row) -> dict[str, Any]:
    """One case, in flat fields: its axes, and what was found."""
    return {
        **row.case.values(),
        "verdict": row.verdict,
        "reason": row.reason,
        "old_seconds": row.old,
        "new_seconds": row.new,
        **_ratio("ratio", "ratio_low", "ratio_high", of=row.ratio),
        "own_low": None if row.own is None else _known(row.own[0]),
        "own_high": None if row.own is None else _known(row.own[1]),
        "smallest_slowdown": _known(row.smallest),
        "old_digits": _known(row.old_digits),
        "new_digits": _known(row.new_digits),
        "processes": row.processes,
        "more_processes": _known(row.more),
        "generated_code": row.code,
    }


def _ratio(*names: str, of: Interval | None) -> dict[str, float | None]:
    values = (None,) * 3 if of is None else (of.value, of.low, of.high)
    return dict(zip(names, map(_known, values), strict=True))


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def as_json(table: Table, code: int) -> str:
    """Strict JSON, in ASCII."""
    return json.dumps(data(table, code), indent=2, allow_nan=False)


def as_csv(table: Table) -> str:
    """A line a case."""
    rows = [row_data(row) for row in table.rows]
    return csv_of(rows, list(rows[0]) if rows else NAMES)


USUAL = "text"
FORMATS: Mapping[str, Callable[[Table, int], str]] = {
    USUAL: lambda table, _: text(table),
    "json": as_json,
    "csv": lambda table, _: as_csv(table),
    "markdown": lambda table, _: markdown(table),
}


def add_format(parser: argparse.ArgumentParser) -> None:
    """Declare the option: what is printed on stdout, where nothing else is."""
    about = f"of the verdicts: {', '.join(FORMATS)}; default: {USUAL}"
    parser.add_argument("--format", choices=FORMATS, metavar="F", help=about)


def in_format(name: str | None, table: Table, code: int) -> str:
    """The comparison in the format that was asked for, if one was."""
    return FORMATS[name or USUAL](table, code)
