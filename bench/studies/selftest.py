"""The gate's own error rates on this machine: how often it cries wolf on identical code, and what it finds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.measuring.comparison import Plan, measure
from bench.sides.side import here
from bench.statistics.decision import FASTER, SLOWER, UNDECIDED
from bench.statistics.verdict import Row, Table, decide
from bench.studies.resplit import effort, false_alarms, found, loaded, recorded, share
from bench.support.words import fraction, number
from bench.workers.serving import SLOWDOWN

TIMES = 1000


@dataclass
class Tally:
    """What came of comparisons of which the truth is known."""

    runs: int = 0
    alarming: int = 0  # comparisons with any false verdict
    false: int = 0  # cases of identical code that were called faster or slower
    planted: int = 0  # cases with a planted slowdown
    found: int = 0
    rows: list[Row] = field(default_factory=list)  # cases of identical code
    lines: list[str] = field(default_factory=list)


def self_test(plan: Plan, repeats_word: str, slowdown_word: str) -> int:
    """Run it, print it; 0. Raises InputError, and what `measure` raises. The words are those of the options.

    A against A, and A against A with one backend slowed down, the backends in turn; both as often as asked.
    """
    repeats, slowdown = number("--repeats", repeats_word, 1), fraction("--slowdown", slowdown_word)
    same, planted, backends = Tally(), Tally(), plan.choice.axes["backend"]
    a, b = replace(here(), label="a", spec="."), replace(here(), label="b", spec=".")
    for repeat in range(repeats):
        backend = backends[repeat % len(backends)]
        variables = ((SLOWDOWN, f"{backend}:{slowdown}"),)
        slower = replace(b, variables=variables, spec="=".join(variables[0]))
        for name, tally, side, hurt in (("same", same, b, ""), ("planted", planted, slower, backend)):
            step = plan.part(f"{name}-{repeat + 1:02d}", plan.choice.seed + repeat)
            _count(tally, decide(*measure(step, [a, side]), plan.threshold), hurt)
            print(f"{name} {repeat + 1}: {tally.lines[-1]}", flush=True)
    print(_text(same, planted, slowdown, plan.threshold))
    print(_resplit(plan, [plan.output / f"same-{repeat + 1:02d}" for repeat in range(repeats)], slowdown))
    return 0


def _resplit(plan: Plan, folders: Sequence[Path], slowdown: float) -> str:
    """The same rates from the recorded processes of identical code, split anew many times."""
    cases, logs = recorded(loaded(folders))
    most, times = min(plan.choice.processes, logs.shape[1]), max(1, TIMES // len(cases))
    lines = [
        f"the recorded processes of identical code, split anew {TIMES} times into at most {most}, until decided "
        "(intervals: of the splits):",
        f"  {false_alarms(logs, most, plan.threshold, TIMES)}",
    ]
    for backend in dict.fromkeys(case.backend for case in cases):
        slowed = np.array([case.backend == backend for case in cases])
        lines.append(
            f"  slowed in {backend}: {share(*found(logs, slowed, most, plan.threshold, slowdown, times))} found"
        )
    return "\n".join(lines)


def _count(tally: Tally, table: Table, hurt: str) -> None:
    decided = [row for row in table.rows if row.ratio is not None]
    slowed = [row for row in decided if hurt and row.case.backend == hurt]
    rest = [row for row in decided if row not in slowed]
    false = [row for row in rest if row.verdict in (FASTER, SLOWER)]
    undecided = sum(row.verdict == UNDECIDED for row in rest)
    found = sum(row.verdict == SLOWER for row in slowed)
    tally.runs += 1
    tally.alarming += bool(false)
    tally.false += len(false)
    tally.rows += rest
    tally.planted += len(slowed)
    tally.found += found
    told = [f"{len(rest)} of identical code, {len(false)} false, {undecided} undecided"]
    told += [f"{found} of {len(slowed)} slowed in {hurt} found"] if hurt else []
    tally.lines.append("; ".join(told))


def _text(same: Tally, planted: Tally, slowdown: float, threshold: float) -> str:
    alarms, comparisons = same.alarming + planted.alarming, same.runs + planted.runs
    rows, false = same.rows + planted.rows, same.false + planted.false
    return "\n".join(
        [
            f"threshold {threshold:.3g}, planted slowdown {slowdown:.3g}",
            f"comparisons with a false alarm: {share(alarms, comparisons)}",
            f"cases of identical code called faster or slower: {share(false, len(rows))}",
            f"cases of identical code: {effort(rows)}",
            f"slowed cases found: {share(planted.found, planted.planted)}",
        ]
    )
