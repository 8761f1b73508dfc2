"""Data that are looked at after each process: published boundaries, and simulations of which the truth is known."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy import special, stats

from bench.statistics.decision import CONFIDENCE, ERROR, FASTER, SAME, SLOWER, UNDECIDED, Decision, judged, paired
from bench.statistics.intervals import Interval
from bench.statistics.sequential import CONFIRMING, HASTE, Looks, _Course, levels, sequential

CASES, THRESHOLD, SPREAD = 30, 0.05, 0.025
LOOKS = Looks.up_to(20)
Noise = Callable[[np.random.Generator], np.ndarray]


def most(share: float, total: int) -> float:
    """The largest count that is compatible with a share of at most so much."""
    return stats.binom.ppf(0.999, total, share)


def normal(random: np.random.Generator) -> np.ndarray:
    return SPREAD * random.normal(size=(CASES, LOOKS.last))


def uneven(random: np.random.Generator) -> np.ndarray:
    """Each case with a spread of its own, from half to twice as much: Smyth's prior of 8 df."""
    return normal(random) * np.sqrt(8 / random.chisquare(8, (CASES, 1)))


def heavy(random: np.random.Generator) -> np.ndarray:
    """Student's t with 3 df, of the same variance."""
    return SPREAD / math.sqrt(3) * random.standard_t(3, (CASES, LOOKS.last))


NOISES = pytest.mark.parametrize("noise", [normal, uneven, heavy])


def tables(noise: Noise, count: int, ratio: float = 1.0, threshold: float = THRESHOLD) -> Iterator[list[Decision]]:
    """So many comparisons of cases whose true ratio that is."""
    random = np.random.default_rng(0)
    for _ in range(count):
        yield sequential(math.log(ratio) + noise(random), threshold, LOOKS)


def alarming(table: list[Decision]) -> bool:
    return any(one.verdict in (SLOWER, FASTER) for one in table)


def test_boundaries_are_those_that_are_published():
    """The example of R's gsDesign (Anderson), whose sfHSD has -4 for its default."""
    found = -special.ndtri(levels(0.025, Looks(1, 3), -4.0))
    assert found == pytest.approx([3.0107, 2.5465, 1.9992], abs=6e-5)


def test_a_single_look_has_the_whole_error():
    assert levels(0.01, Looks(7, 7), 4.0) == pytest.approx((0.01,))


@pytest.mark.parametrize("looks", [Looks(3, 20), Looks(3, 200)])
def test_sums_cross_their_boundaries_as_often_as_stated_and_a_fixed_one_more_often(looks):
    random, total = np.random.default_rng(1), 20_000
    n = np.arange(1, looks.last + 1)
    p = special.ndtr(-np.cumsum(random.normal(size=(total, looks.last)), axis=1) / np.sqrt(n))[:, looks.first - 1 :]
    crossed = int((p < levels(0.05, looks, 4.0)).any(axis=1).sum())
    assert stats.binomtest(crossed, total, 0.05).pvalue > 0.001
    assert (p < 0.05).any(axis=1).mean() > 0.15


def missed(noise: Noise, level: Callable[[int], float]) -> int:
    """Of 200 tables, those with an interval that lacks the truth at any look; all cases have all processes."""
    random, count = np.random.default_rng(2), 0
    for _ in range(200):
        logs = noise(random)
        count += any(
            not one.ratio.low <= 1 <= one.ratio.high
            for n in range(LOOKS.first, LOOKS.last + 1)
            for one in judged(logs[:, :n], THRESHOLD, *np.full((2, CASES), level(n)), range(CASES))
        )
    return count


@pytest.mark.parametrize("noise", [normal, heavy])
def test_the_intervals_of_a_table_hold_the_truth_at_all_looks_together(noise):
    """With a fixed interval, looked at as often, they do not: that is what the levels are for."""
    error = (1 - CONFIDENCE) / 2 / CASES
    by_look = levels(error, LOOKS, HASTE)
    assert missed(noise, lambda n: by_look[n - LOOKS.first]) <= most(1 - CONFIDENCE, 200)
    if noise is normal:
        assert missed(noise, lambda n: error) > most(2 * (1 - CONFIDENCE), 200)


@NOISES
def test_identical_code_is_seldom_called_different(noise):
    """By next to no threshold, which else would hide most false alarms."""
    assert sum(map(alarming, tables(noise, 150, threshold=1e-4))) <= most(1 - CONFIDENCE, 150)
    assert sum(map(alarming, tables(noise, 500))) <= 1  # of 15 000 cases, at the threshold that is the default


@NOISES
def test_a_difference_at_the_threshold_is_seldom_called_the_same_and_seldom_called_a_difference(noise):
    found = list(tables(noise, 200, 1 + THRESHOLD))
    assert sum(one.verdict == SAME for table in found for one in table) <= most(ERROR, 200 * CASES)
    assert sum(one.verdict == SLOWER for table in found for one in table) <= most(ERROR, 200 * CASES)


def test_looked_at_after_each_process_fixed_intervals_are_wrong_too_often():
    """The naive rule, in the same simulation: it exceeds what it states two times and more."""
    random, same, alarms = np.random.default_rng(0), 0, 0
    for _ in range(100):
        at_threshold, identical = (shift + normal(random) for shift in (math.log1p(THRESHOLD), 0.0))
        looks = range(LOOKS.first, LOOKS.last + 1)
        decided = [[one.verdict == SAME for one in paired(at_threshold[:, :n], THRESHOLD)] for n in looks]
        same += int(np.any(decided, axis=0).sum())
        alarms += any(alarming(paired(identical[:, :n], 1e-4)) for n in looks)
    assert same > 2 * ERROR * 100 * CASES
    assert alarms > 2 * (1 - CONFIDENCE) * 100


@NOISES
def test_identical_code_is_decided_after_few_processes(noise):
    every = [one for table in tables(noise, 100) for one in table]
    assert np.mean([one.verdict == SAME for one in every]) > 0.98
    assert np.mean([one.processes for one in every]) < 5


@NOISES
def test_ten_per_cent_is_found(noise):
    assert np.mean([one.verdict == SLOWER for table in tables(noise, 60, 1.10) for one in table]) > 0.95


def test_what_a_case_has_after_it_was_decided_counts_for_nothing():
    """So a record of what was measured leads to the decisions that stopped it."""
    random = np.random.default_rng(3)
    logs = uneven(random) + np.where(np.arange(CASES) < 10, math.log(1.1), 0.0)[:, None]
    decided = sequential(logs, THRESHOLD, LOOKS)
    assert {one.verdict for one in decided} == {SAME, SLOWER}
    stopped = [
        [value if i < one.processes else math.nan for i, value in enumerate(row)]
        for row, one in zip(logs, decided, strict=True)
    ]
    assert sequential(np.array(stopped), THRESHOLD, LOOKS) == decided
    assert len({one.processes for one in decided}) > 3


def test_cases_that_are_decided_still_tell_what_others_vary_by():
    """A case whose three processes agree by luck is judged by the variance of those that have stopped."""
    random = np.random.default_rng(4)
    logs = np.concatenate(
        [0.001 * random.normal(size=(19, 20)), np.full((1, 20), 0.01) * [(-1) ** i for i in range(20)]]
    )
    last = sequential(logs, 0.009, LOOKS)[-1]
    alone = sequential(logs[-1:], 0.009, LOOKS)[0]
    assert last.processes < alone.processes


def course(*values: float, cases: int = 1) -> Decision:
    """One case that was measured so often, all but without noise."""
    wiggle = 1e-3 * np.array([1.0, -1.0, 0.5, -0.5] * 5)[: len(values)]
    return sequential(np.tile(np.array(values) + wiggle, (cases, 1)), THRESHOLD, LOOKS)[0]


SLOW = (0.2,) * 3


@pytest.mark.parametrize("sign", [1, -1])
def test_slower_and_faster_are_said_once_fresh_processes_agree(sign):
    values = [sign * value for value in (*SLOW, 0.2, 0.2, 0.2)]
    found = course(*values)
    assert (found.verdict, found.processes) == (SLOWER if sign > 0 else FASTER, 3 + CONFIRMING)


def test_until_they_are_measured_it_is_undecided():
    for fresh in range(CONFIRMING):
        found = course(*SLOW, *(0.2,) * fresh)
        assert found.verdict == UNDECIDED
        assert found.reason == f"slower in 3 processes, and {fresh} of the 2 that confirm it were measured"


def test_fresh_processes_that_do_not_agree_leave_it_undecided_and_say_so():
    found = course(*SLOW, 0.0, 0.0)
    assert (found.verdict, found.reason) == (
        UNDECIDED,
        "slower in 3 processes, but not in the 2 that were to confirm it",
    )
    # Whatever is found later has to be confirmed anew.
    calm = course(*SLOW, *(0.0,) * 17)
    assert calm.verdict == UNDECIDED and calm.processes == 20


@pytest.mark.parametrize(
    ("found", "fresh", "decided", "refuted"),
    [(SLOWER, SLOWER, True, False), (SLOWER, SAME, False, True), (UNDECIDED, SLOWER, False, False)],
)
def test_what_confirms_is_both_the_fresh_processes_own_mean_and_the_interval_of_all(found, fresh, decided, refuted):
    case = _Course()
    for processes, verdict, last in ((3, SLOWER, SLOWER), (4, UNDECIDED, SAME), (5, found, fresh)):
        assert not case.decided
        case.look(Decision(verdict, Interval(1.1, 1.0, 1.2), 0.1, processes=processes), last)
    assert (case.decided, bool(case.refuted)) == (decided, refuted)


def test_fewer_processes_than_the_first_look_decide_nothing():
    assert (course(0.0).verdict, course(0.0).reason) == (UNDECIDED, "one process")
    assert course(0.0, 0.0).reason == "2 processes, too few for a first look"
    assert course(0.0, 0.0, 0.0).verdict == SAME
    assert sequential(np.array([[0.001, -0.001]]), THRESHOLD, Looks.up_to(2))[0].verdict == SAME


def test_a_process_that_a_case_lacks_is_no_look():
    logs = np.array([[0.001, math.nan, -0.001, 0.0005, 0.0], [math.nan] * 5])
    first, nothing = sequential(logs, THRESHOLD, LOOKS)
    assert (first.verdict, first.processes) == (SAME, 3)
    assert (nothing.verdict, nothing.reason) == (UNDECIDED, "no turn is in both")


@pytest.mark.parametrize("middle", [0.03, 0.075])
def test_about_so_many_more_processes_would_decide(middle):
    """Processes that go on as they did, in turns above and below, decide with so many more, not long before."""

    def decided(count: int) -> Decision:
        logs = middle + 0.06 * np.array([(-1.0) ** i for i in range(count)])
        return paired(np.tile(logs, (10, 1)), THRESHOLD)[0]

    few = decided(6)
    assert few.verdict == UNDECIDED and few.more > 4
    assert decided(6 + 2 * math.ceil(few.more / 2)).verdict == (SLOWER if middle > THRESHOLD else SAME)
    assert decided(6 + 2 * math.floor(few.more / 2 * 0.6)).verdict == UNDECIDED
