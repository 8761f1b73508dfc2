"""What a comparison decides for whoever waits for it: the options of a gate, and its exit code."""

import argparse
from typing import Any

from bench.statistics.decision import SLOWER, UNDECIDED
from bench.statistics.verdict import FAILED, NOT_COMPARED, VANISHED, Table
from bench.support.errors import InputError
from bench.support.words import fraction

THRESHOLD = "5%"
PASS, FAIL = "pass", "fail"
CODES = {PASS: 0, FAIL: 1, UNDECIDED: 3}


def add_gate(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what is slower, and whether that fails."""
    helps = f"by how much a case must differ to be called slower or faster; default: {THRESHOLD.replace('%', '%%')}"
    parser.add_argument("--threshold", metavar="PCT", help=helps)
    parser.add_argument(
        "--fail-if-slower",
        metavar="PCT",
        help="this threshold, and exit codes: 0 none is slower, 1 one is or failed, 3 some undecided or not compared",
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
    """With a gate that of its verdict; without one 0."""
    return CODES[verdict_of(table)] if gate else 0


def verdict_of(table: Table) -> str:
    """Of all cases: FAIL if one is slower or failed; else UNDECIDED if one is, or was not compared, or none was."""
    verdicts = {row.verdict for row in table.rows}
    if verdicts & {SLOWER, FAILED}:
        return FAIL
    undecided = verdicts & {UNDECIDED, VANISHED, NOT_COMPARED} or table.cut_short
    return UNDECIDED if undecided or all(row.ratio is None for row in table.rows) else PASS
