"""Runs of different times compared, on machines of which the truth is known: see tests/simulated_sessions.py."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from builders import record, rounds
from scipy import stats
from simulated_sessions import BACKENDS, NOTHING, VARIANTS, Machine, Measured, with_control

from bench.statistics import sessions
from bench.statistics.decision import FASTER, SAME, SLOWER, UNDECIDED, Decision
from bench.statistics.sessions import SESSION, SESSION_OF, TRUST, Between, between

THRESHOLD = 0.1

# By two standard deviations either way: processes 20 % off, sessions 10 %. And a machine that is far worse.
USUAL, RESTLESS = Machine(between=0.05, processes=0.1), Machine()
PAIRS = 100


def compared(
    machine: Machine, pairs: int = PAIRS, slower: float = 1.0, one: float = 1.0, told: str = "", threshold: float = 0.1
) -> list[Between]:
    """Pairs of runs of the same code; new ones slower by a factor in all cases, or in one of them, the first. told: of
    the machine, "nothing" or "constant" instead of what it does.
    """
    random, found = np.random.default_rng(1), []
    places = [*itertools.product(range(len(VARIANTS)), range(len(BACKENDS)))]
    factors = dict.fromkeys(places, slower) | {places[0]: slower * one}
    for _ in range(pairs):
        loads = machine.loads(random)
        old, new = machine.run(random, loads), machine.run(random, loads, slower=factors)
        if told:
            old, new = (with_control(run, None if told == "nothing" else 1e-3) for run in (old, new))
        found.append(between([old], new, True, threshold))
    return found


def verdicts(tables: Sequence[Between]) -> Counter[str]:
    return Counter(one.verdict for table in tables for one in table.decisions.values())


def same(tables: Sequence[Between]) -> float:
    """The share of cases."""
    found = verdicts(tables)
    return found[SAME] / found.total()


def alarms(tables: Sequence[Between]) -> int:
    """Tables with any case slower or faster."""
    return sum(bool({SLOWER, FASTER} & {*verdicts([table])}) for table in tables)


def held(tables: Sequence[Between], truth: float) -> tuple[float, float]:
    """The share of tables whose intervals all hold the truth, and of cases whose own do."""
    decided = [[*table.decisions.values()] for table in tables]
    whole = [all(one.ratio.low <= truth <= one.ratio.high for one in table) for table in decided]
    own = [one.own[0] <= truth <= one.own[1] for table in decided for one in table]
    return float(np.mean(whole)), float(np.mean(own))


@pytest.fixture(scope="module", params=[USUAL, RESTLESS], ids=["usual", "restless"])
def identical(request) -> tuple[Machine, list[Between]]:
    """A machine, and pairs of runs on it."""
    return request.param, compared(request.param)


def test_identical_code_is_called_different_in_one_pair_of_a_hundred_at_most(identical):
    _, tables = identical
    assert alarms(tables) <= PAIRS / 100


def test_intervals_hold_the_truth(identical):
    """Which is what allows for all that is not known: 95 % of tables, and 90 % of cases by themselves."""
    _, tables = identical
    whole, own = held(tables, 1.0)
    assert whole >= 0.95 and own >= 0.9
    inside = np.mean([table.mean.low <= 1 <= table.mean.high for table in tables])
    assert inside >= 0.95


def test_most_cases_of_identical_code_are_the_same_where_the_machine_is_as_usual(identical):
    machine, tables = identical
    if machine is USUAL:
        assert same(tables) >= 0.8
    else:  # it decides less, and not wrongly
        assert 0.3 <= same(tables) < 0.8


def test_the_state_of_the_machine_is_told():
    """Of runs on a machine that has one state in each."""
    still = Machine(processes=0, turns=0, layout=0, session=0, round=0, control=0, loadings=0)
    random = np.random.default_rng(3)
    old, new = (still.run(random, still.loads(random)) for _ in range(2))
    truth = np.mean(
        [math.log(b.rounds.seconds[0] / a.rounds.seconds[0]) for a, b in zip(old.values(), new.values(), strict=True)]
    )
    found = between([old], new, True, THRESHOLD)
    assert [*found.states.values()] == pytest.approx([math.exp(truth)] * 2)
    assert [one.ratio.value for one in found.decisions.values()] == pytest.approx([1] * 10)


def test_without_what_controls_tell_hardly_any_case_is_the_same():
    """The checks above can fail: nothing is known of the machine."""
    tables = compared(USUAL, 20, told="nothing")
    assert same(tables) < 0.05 and alarms(tables) == 0
    assert all(table.states == {} and math.isnan(table.correlation) for table in tables)


def test_by_controls_that_do_not_show_the_machine_identical_code_is_called_different():
    """The checks above can fail: it moves, and they say that it does not."""
    tables = compared(RESTLESS, 30, told="constant")
    assert alarms(tables) > 5 and held(tables, 1.0)[0] < 0.8


@pytest.mark.parametrize("truth", [1.1, 1 / 1.1])
def test_a_difference_at_the_threshold_is_called_the_same_or_a_difference_in_one_case_of_twenty_at_most(truth):
    for machine in (USUAL, RESTLESS):
        tables = compared(machine, 30, slower=truth)
        found = verdicts(tables)
        assert max(found[SAME], found[SLOWER] + found[FASTER]) <= 0.05 * found.total()
        assert held(tables, truth)[0] >= 0.95


def test_a_slowdown_of_one_case_is_found():
    tables = compared(USUAL, one=1.2)
    firsts = [next(iter(table.decisions.values())).verdict for table in tables]
    assert firsts.count(SLOWER) >= 0.8 * PAIRS and not {SAME, FASTER} & {*firsts}
    others = [one.verdict for table in tables for one in [*table.decisions.values()][1:]]
    assert not {SLOWER, FASTER} & {*others}


def still(*offs: float, machine: Machine = NOTHING, seed: int = 0) -> list[Measured]:
    """Sessions of which the logs of all cases are so far off."""
    random = np.random.default_rng(seed)
    loads = machine.loads(random)
    return [machine.run(random, loads, session=off) for off in offs]


def width(found: Between) -> float:
    """Of the first case's interval, in logs."""
    return math.log(next(iter(found.decisions.values())).ratio.high / next(iter(found.decisions.values())).ratio.low)


@pytest.mark.parametrize("offs", [(0.0,), (0.0,) * 4, (0.04, -0.04, 0.04, -0.04), (0.01, 0.0, -0.01)])
def test_the_variance_between_sessions_is_what_old_runs_tell_as_far_as_they_do(offs):
    """By hand: all else is nothing here. m sessions have m - 1 df, beside what was measured elsewhere."""
    *olds, new = still(*offs, 0.0)
    (found, *_) = between(olds, new, True, THRESHOLD).decisions.values()
    df = len(offs) - 1
    usual = np.mean([SESSION_OF.get(name, SESSION) ** 2 for name in BACKENDS])
    seen = np.var(offs, ddof=1) / usual if df else 0
    variance = SESSION**2 * (TRUST + df * seen) / (TRUST + df)  # the first case is numpy's
    error = math.sqrt(variance * (1 + 1 / len(offs)))
    reach = stats.t.ppf(1 - 0.025 / 10, TRUST + df) * error
    assert math.log(found.ratio.value) == pytest.approx(-np.mean(offs), abs=1e-9)
    assert math.log(found.ratio.high) - math.log(found.ratio.value) == pytest.approx(reach, rel=1e-3)


def test_between_sessions_eager_torch_and_its_compiled_steps_differ_by_more():
    """Where there is no history, and all else is nothing: each backend has what was measured of it."""
    old, new = still(0.0, 0.0)
    found = between([old], new, True, THRESHOLD).decisions
    t = stats.t.ppf(0.95, TRUST) * math.sqrt(2)
    for case, one in found.items():
        assert math.log(one.own[1]) == pytest.approx(t * SESSION_OF.get(case.backend, SESSION), rel=1e-3)
    assert len({one.own for one in found.values()}) == 2


def test_a_history_of_unlike_sessions_widens_the_interval_and_one_that_agrees_narrows_it():
    """As far as processes tell it apart, which differ by 2 % here."""
    machine = Machine(between=0.05, processes=0.05)
    *agreeing, new = still(0.0, 0.0, 0.0, 0.0, 0.0, machine=machine)
    *unlike, _ = still(0.08, -0.08, 0.08, -0.08, 0.0, machine=machine)
    one, more, less = (width(between(olds, new, True, THRESHOLD)) for olds in (agreeing[:1], agreeing, unlike))
    assert more < 0.9 * one and less > 1.5 * one


def test_in_which_order_old_runs_are_given_makes_no_difference_to_what_is_found():
    olds, new = still(0.01, -0.02, 0.03, machine=USUAL), still(0.0, machine=USUAL, seed=5)[0]
    tables = [between(each, new, True, THRESHOLD) for each in itertools.permutations(olds)]
    for found in tables[1:]:
        for case, one in found.decisions.items():
            first = tables[0].decisions[case]
            assert one.verdict == first.verdict
            assert [one.ratio.low, one.ratio.high] == pytest.approx([first.ratio.low, first.ratio.high], rel=1e-6)


@pytest.mark.parametrize("middle", [0.0, 0.03, 0.17])
def test_so_many_more_processes_decide_and_far_fewer_do_not(middle):
    """Where they go on as they began: half of them 12 % above the middle of their run, half below."""

    def judged(processes: int) -> Decision:
        apart = 0.12 * (-1.0) ** np.arange(processes)
        return next(iter(between([levels(apart)], levels(middle + apart), True, THRESHOLD).decisions.values()))

    few = judged(6)
    assert few.verdict == UNDECIDED and few.more > 4
    assert judged(6 + 2 * math.ceil(few.more / 2)).verdict == (SLOWER if middle > THRESHOLD else SAME)
    assert judged(6 + 2 * math.floor(few.more / 2 * 0.5)).verdict == UNDECIDED


def test_where_the_sessions_leave_too_much_open_no_number_of_processes_decides():
    middle = math.log1p(THRESHOLD) - 1.5 * math.sqrt(2) * SESSION  # t is above 1.6, whatever the df
    for processes in (4, 100):
        apart = 0.06 * (-1.0) ** np.arange(processes)
        (one,) = between([levels(apart)], levels(middle + apart), True, THRESHOLD).decisions.values()
        assert (one.verdict, one.more) == (UNDECIDED, math.inf)


def test_so_many_more_processes_decide_in_the_middle():
    """Of two cases of which three processes decide nothing they decide one, or more: what is undecided by chance alone
    is decided sooner.
    """
    machine = Machine(between=0, processes=0.1, layout=0.06, session=0, loadings=0)
    decided, sooner = [], []
    for seed in range(10):
        random = np.random.default_rng(seed)
        runs = [machine.run(random, machine.loads(random), processes=12) for _ in range(2)]
        tables = {processes: first(runs, processes) for processes in (3, 4, 5, 8, 12)}
        for case, one in tables[3].decisions.items():
            if one.verdict == UNDECIDED and one.more is not None and 2 <= one.more <= 9:
                enough, few = (
                    next(size for size in tables if size >= least) for least in (3 + one.more, 3 + one.more / 4)
                )
                decided.append(tables[enough].decisions[case].decided)
                sooner.append(tables[few].decisions[case].decided)
    assert len(decided) > 20
    assert np.mean(decided) >= 0.5 and np.mean(sooner) < np.mean(decided) - 0.1


def first(runs: Sequence[Measured], processes: int) -> Between:
    """Two runs compared by so many of their processes."""
    old, new = (
        {case: msgspec.structs.replace(one, rounds=one.rounds.only(range(processes))) for case, one in run.items()}
        for run in runs
    )
    return between([old], new, True, THRESHOLD)


def levels(*logs: Sequence[float], control: float | None = 1e-3) -> Measured:
    """A run of which the processes of each case have those logs of seconds."""
    return {
        made.case: made
        for name, each in zip("abcdefgh", logs, strict=False)
        for seconds in [np.exp(np.array(each))[:, None] * np.ones(8)]
        for made in [record(seconds, backend=name, rounds=rounds(seconds.tolist(), control=control))]
    }


def test_without_anything_between_sessions_it_is_students_t_with_pooled_variance(monkeypatch):
    monkeypatch.setattr(sessions, "SESSION", 0.0)
    old, new = [1.0, 1.01, 1.02], [0.9, 0.92, 0.9, 0.91]
    (one,) = between([levels(old)], levels(new), True, 0.05).decisions.values()
    exact = stats.ttest_ind(new, old).confidence_interval(0.95)
    assert [one.ratio.low, one.ratio.high] == pytest.approx([math.exp(exact.low), math.exp(exact.high)])
    own = stats.ttest_ind(new, old).confidence_interval(0.9)
    assert [*one.own] == pytest.approx([math.exp(own.low), math.exp(own.high)])
    assert (one.verdict, one.processes) == (FASTER, 3)


@pytest.mark.parametrize("side", [0, 1])
def test_one_process_decides_nothing_whatever_the_other_cases_have(side):
    random = np.random.default_rng(9)
    logs = 0.001 * random.normal(size=(2, 6, 5)) - 11
    runs = [[list(case) for case in run] for run in logs]
    runs[1][0] = [each + 0.5 for each in runs[1][0]]
    runs[side][0] = runs[side][0][:1]
    one, *others = between([levels(*runs[0])], levels(*runs[1]), True, 0.05).decisions.values()
    assert (one.verdict, one.reason, one.smallest, one.processes) == (UNDECIDED, "one process", math.inf, 1)
    assert math.isnan(one.ratio.low) and one.ratio.value == pytest.approx(math.exp(0.5), rel=0.01)
    assert {each.verdict for each in others} == {SAME}


def test_runs_of_one_process_have_a_mean_without_an_interval():
    found = between([levels([-11.0], [-12.0])], levels([-11.2], [-11.8]), True, 0.05)
    assert found.mean.value == pytest.approx(1) and math.isnan(found.mean.low)
    assert {one.reason for one in found.decisions.values()} == {"one process"}


def test_controls_that_a_process_lacks_tell_nothing_of_any():
    old, new = (still(0.0, machine=USUAL, seed=seed)[0] for seed in (1, 2))
    case, one = next(iter(old.items()))
    lacking = {
        name: [None if process == 2 else value for value, process in zip(values, one.rounds.process, strict=True)]
        for name, values in one.rounds.controls.items()
    }
    old[case] = msgspec.structs.replace(one, rounds=msgspec.structs.replace(one.rounds, controls=lacking))
    found = between([old], new, True, THRESHOLD)
    assert found.states == {} and {one.verdict for one in found.decisions.values()} == {UNDECIDED}
