"""How often verdicts between separate runs of identical code are wrong, and what a planted slowdown makes of them."""

import itertools
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from bench.cases.case import Case
from bench.records.record import Record, Run
from bench.statistics.decision import FASTER, SAME, SLOWER, UNDECIDED
from bench.statistics.sessions import Between, between
from bench.statistics.verdict import by_time, controls_alike
from bench.studies.resplit import share
from bench.support.errors import InputError


def separate(runs: Sequence[Run], threshold: float, slowdown: float, times: int) -> Iterator[str]:
    """Line by line: of every two runs of identical code, the earlier one taken for old. times: how often a case of one
    is slowed down. Raises InputError for runs that share no case, and for a run that is given twice.
    """
    ordered = by_time(runs)
    paths = [run.path.resolve() for run in ordered]
    for run, path in zip(ordered, paths, strict=True):
        if paths.count(path) > 1:
            raise InputError(f"{run.path}: given twice; expected different runs")
    cases = [case for case in ordered[0].measured if all(case in run.measured for run in ordered)]
    if not cases:
        raise InputError(f"{ordered[0].path}: no case was measured in all of these runs")
    measured = [{case: run.measured[case] for case in cases} for run in ordered]
    pairs = list(itertools.combinations(range(len(measured)), 2))
    known = controls_alike(ordered)
    found = {(i, j): between([measured[i]], measured[j], known, threshold) for i, j in pairs}
    verdicts = [[one.verdict for one in each.decisions.values()] for each in found.values()]
    alarms = sum(bool({FASTER, SLOWER} & {*each}) for each in verdicts)
    every = [verdict for each in verdicts for verdict in each]
    yield f"{len(ordered)} runs of {len(cases)} cases, threshold {100 * threshold:.3g} %"
    yield f"pairs of runs with any case called slower or faster: {share(alarms, len(pairs))}"
    yield f"cases called the same: {share(every.count(SAME), len(every))}; undecided: {every.count(UNDECIDED)}"
    yield f"log ratios of the same case: {_spread(list(found.values()))}"
    correlation = np.mean([one.correlation for one in found.values()])
    yield f"correlation of what is left with the core's state: {correlation:.2f}"
    planted = _planted(measured, pairs, cases, known, threshold, slowdown, times)
    yield f"{100 * slowdown:.3g} % planted in one case: {planted}"
    if len(measured) > 3:
        yield f"with three old runs: {_with_history(measured, known, threshold)}"


def _spread(found: Sequence[Between]) -> str:
    logs = 100 * np.log([[one.ratio.value for one in each.decisions.values()] for each in found])
    means = logs.mean(axis=1).std()
    return f"standard deviation {logs.std():.2f} %, largest {np.abs(logs).max():.1f} %; of their means {means:.2f} %"


def _planted(
    measured: Sequence[dict[Case, Record]],
    pairs: Sequence[tuple[int, int]],
    cases: Sequence[Case],
    known: bool,
    threshold: float,
    slowdown: float,
    times: int,
) -> str:
    random, verdicts = np.random.default_rng(0), []
    for _ in range(times):
        old, new = pairs[int(random.integers(len(pairs)))]
        case = cases[int(random.integers(len(cases)))]
        slowed = measured[new] | {case: slower(measured[new][case], slowdown)}
        verdicts.append(between([measured[old]], slowed, known, threshold).decisions[case].verdict)
    return f"found in {share(verdicts.count(SLOWER), times)}, called the same in {verdicts.count(SAME)}"


def _with_history(measured: Sequence[dict[Case, Record]], known: bool, threshold: float) -> str:
    found = [between(measured[i : i + 3], measured[i + 3], known, threshold) for i in range(len(measured) - 3)]
    verdicts = [[one.verdict for one in each.decisions.values()] for each in found]
    alarms = sum(bool({FASTER, SLOWER} & {*each}) for each in verdicts)
    every = [verdict for each in verdicts for verdict in each]
    return f"false alarms in {share(alarms, len(found))}; the same: {share(every.count(SAME), len(every))}"


def slower(record: Record, slowdown: float) -> Record:
    """The record as if each of its rounds had taken longer by this fraction."""
    assert record.rounds is not None
    seconds = [value * (1 + slowdown) for value in record.rounds.seconds]
    cpu = [value * (1 + slowdown) for value in record.rounds.cpu_seconds]
    return msgspec.structs.replace(
        record, rounds=msgspec.structs.replace(record.rounds, seconds=seconds, cpu_seconds=cpu)
    )
