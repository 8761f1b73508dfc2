"""What a comparison decides for whoever waits for it: the options of a gate, and its exit code."""

import argparse
from typing import Any

from bench.statistics.decision import SLOWER, UNDECIDED
from bench.statistics.verdict import FAILED, VANISHED, Table
from bench.support.errors import InputError
from bench.support.words import fraction

THRESHOLD = "5%"


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
