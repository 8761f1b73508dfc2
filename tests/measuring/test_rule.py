"""Which cases go on: those that the two runs would leave undecided, if they were written now."""

import numpy as np
import pytest
from builders import AGREEMENT, case, rounds, run_of, start

from bench.cases.case import Case
from bench.cases.options import choice_of
from bench.measuring.assembly import record_of
from bench.measuring.rule import Rule
from bench.records.record import Comparison, Facts, Sample
from bench.statistics.decision import UNDECIDED
from bench.statistics.verdict import decide

LOOKS, PROCESSES = (3, 12), 8
RULE = Rule(0.05, LOOKS)
QUIET, RESTLESS, SLOW = (case(backend=name) for name in ("numpy", "torch", "jax"))
SPREADS = {QUIET: 0.001, RESTLESS: 0.5, SLOW: 0.001}


def sample(one: Case, side: str, process: int, seconds: float) -> Sample:
    made = rounds([[seconds] * 8], process=[process] * 8)
    told = {"failure": None, "facts": Facts(), "agreement": AGREEMENT, "start": start(process), "rounds": made}
    return Sample(side=side, process=process, case=one, **told)


def failed(one: Case, side: str, process: int, transient: bool) -> Sample:
    told = {"facts": Facts(), "agreement": None, "start": start(process), "rounds": None}
    return Sample(side=side, process=process, case=one, failure="told", transient=transient, **told)


def measured(processes: int = PROCESSES) -> dict[Case, list[list[Sample]]]:
    """Both sides of three cases, of which one is a tenth slower and one varies by half from process to process."""
    random = np.random.default_rng(0)
    logs = {
        one: spread * random.normal(size=PROCESSES) + (0.1 if one == SLOW else 0) for one, spread in SPREADS.items()
    }

    def side(one: Case, label: str, logs: np.ndarray) -> list[Sample]:
        return [sample(one, label, i, 1e-5 * float(np.exp(log))) for i, log in enumerate(logs[:processes])]

    return {one: [side(one, "a", 0 * logs[one]), side(one, "b", logs[one])] for one in SPREADS}


def test_all_go_on_until_they_are_looked_at():
    assert RULE.undecided({one: [[], []] for one in SPREADS}) == list(SPREADS)
    assert RULE.undecided(measured(2)) == list(SPREADS)


def test_a_case_that_is_decided_stops_and_one_that_is_to_be_slower_is_confirmed_first():
    assert RULE.undecided(measured(3)) == [RESTLESS, SLOW]
    assert RULE.undecided(measured(4)) == [RESTLESS, SLOW]
    assert RULE.undecided(measured(5)) == [RESTLESS]


@pytest.mark.parametrize("processes", range(1, PROCESSES + 1))
def test_the_records_of_the_samples_come_to_the_same_decisions(processes):
    """Also where one of them was lost, and where another is wrong."""
    samples = measured(processes)
    samples[RESTLESS][0][0] = failed(RESTLESS, "a", 0, transient=True)
    wrong = case(backend="jax-loop")
    samples[wrong] = [[sample(wrong, "a", 0, 1e-5)], [failed(wrong, "b", 0, transient=False)]]
    choice = choice_of(backend=["numpy"], processes="12")
    runs = [
        run_of(
            label,
            [record_of(one, choice, sides[index], timed=True) for one, sides in samples.items()],
            comparison=Comparison("1", label, ".", LOOKS),
        )
        for index, label in enumerate("ab")
    ]
    rows = decide(*runs, 0.05).rows
    undecided = [row.case for row in rows if row.verdict == UNDECIDED]
    if processes == 1:
        undecided.append(RESTLESS)  # which has no process of both sides: it is not compared yet
    assert sorted(RULE.undecided(samples)) == sorted(undecided)


def test_a_case_that_failed_on_a_side_or_is_on_one_side_only_has_no_more_processes_than_it_takes_to_tell():
    samples = measured(2)
    samples[QUIET][1][1] = failed(QUIET, "b", 1, transient=False)
    samples[RESTLESS][0] = [failed(RESTLESS, "a", i, transient=True) for i in range(2)]
    only = case(backend="torch-compile")
    assert RULE.undecided({**samples, only: [[]]}) == [SLOW, only]
    assert RULE.undecided({**samples, only: [[sample(only, "a", 0, 1e-5)]]}) == [SLOW]
