"""Decisions from numbers, against closed forms, and against simulated tables of which the truth is known."""

import math

import numpy as np
import pytest
from scipy import special, stats

from bench.statistics import decision
from bench.statistics.decision import ERROR, FASTER, SAME, SLOWER, UNDECIDED, Estimates, decisions, moderated, paired

TABLES = 200
CASES, PROCESSES = 20, 5


def spreads(random: np.random.Generator, cases: int = CASES, middle: float = 0.01, d0: float = 4.0) -> np.ndarray:
    """Standard deviations of the cases, as Smyth's model has them, in a column."""
    return middle * np.sqrt(d0 / random.chisquare(d0, (cases, 1)))


def differences(random: np.random.Generator, processes: int = PROCESSES, truth: float = 0.0, **words) -> np.ndarray:
    """log(new / old) of cases x processes."""
    return truth + spreads(random, **words) * random.normal(size=(words.get("cases", CASES), processes))


def most(share: float, total: int) -> float:
    """The largest count that is compatible with a share of at most so much."""
    return stats.binom.ppf(0.999, total, share)


def test_one_pair_of_samples_is_judged_by_students_t():
    logs = np.array([[0.10, 0.12, 0.11, 0.15]])
    one = paired(logs, 0.05)[0]
    exact = stats.ttest_1samp(logs[0], 0).confidence_interval(0.95)
    assert [one.ratio.low, one.ratio.high] == pytest.approx([math.exp(exact.low), math.exp(exact.high)])
    assert one.ratio.value == pytest.approx(math.exp(0.12))
    assert one.verdict == SLOWER
    error = np.std(logs, ddof=1) / 2
    assert one.smallest == pytest.approx(1.05 * math.exp((stats.t.ppf(0.95, 3) + stats.t.ppf(0.8, 3)) * error) - 1)


def estimates(*rows: tuple[float, float, float, int]) -> Estimates:
    """Of each case the mean, its error, the df, the processes."""
    mean, error, df, processes = np.array(rows, dtype=float).T
    return Estimates(mean, error, df, processes.astype(int), np.ones(len(rows)))


def test_estimates_are_judged_by_students_t_for_the_table_and_by_each_case():
    rows = [(0.1, 0.01, 4.0, 3), (0.0, 0.02, 7.5, 2), (-0.3, 0.05, np.inf, 5)]
    for (mean, error, df, processes), one in zip(rows, decisions(estimates(*rows), 0.05), strict=True):
        table, own = (stats.t.ppf(1 - level, df) * error for level in (0.025 / 3, 0.05))
        assert one.ratio.value == pytest.approx(math.exp(mean)) and one.processes == processes
        assert [one.ratio.low, one.ratio.high] == pytest.approx(np.exp([mean - table, mean + table]))
        assert [*one.own] == pytest.approx(np.exp([mean - own, mean + own]))
        shown = max(table, math.log(1.05) + own) + stats.t.ppf(0.8, df) * error
        assert one.smallest == pytest.approx(math.expm1(shown))


def test_how_large_a_change_is_is_said_by_each_case_and_that_there_is_one_by_the_table():
    """Of 50 cases with 10 df, t is 1.81 for a case's own 90 % interval, and 4.6 for the table's."""
    threshold = math.log(1.05)
    inside, beyond, unsure = (threshold - 0.02, 0.01), (threshold + 0.02, 0.01), (threshold + 0.04, 0.02)
    rows = [(mean, error, 10.0, 3) for mean, error in (inside, beyond, unsure)] + [(0.0, 0.01, 10.0, 3)] * 47
    found = decisions(estimates(*rows), 0.05)
    assert [one.verdict for one in found] == [SAME, SLOWER, UNDECIDED] + [SAME] * 47
    assert [one.reason for one in found[:3]] == [None, None, decision.CHANCE]
    assert decisions(estimates(rows[2]), 0.05)[0].verdict == SLOWER  # in a table of its own


def test_tests_of_the_same_err_for_a_case_at_the_threshold_as_often_as_they_may():
    random = np.random.default_rng(12)
    noise, df = 0.005, 6
    rows = [
        (math.log(1.05) + noise * random.normal(), noise * math.sqrt(random.chisquare(df) / df), df, 4)
        for _ in range(4000)
    ]
    wrong = [one.verdict == SAME for row in rows for one in decisions(estimates(row), 0.05)]
    assert np.mean(wrong) == pytest.approx(ERROR, abs=3 * math.sqrt(0.05 * 0.95 / 4000))


def test_intervals_are_widened_for_all_the_cases_together():
    logs = np.array([[0.0, 0.02, 0.01], [0.0, 0.03, 0.01]])  # too few to moderate
    for row, one in zip(logs, paired(logs, 0.05), strict=True):
        exact = stats.ttest_1samp(row, 0).confidence_interval(1 - 0.05 / 2)
        assert [one.ratio.low, one.ratio.high] == pytest.approx([math.exp(exact.low), math.exp(exact.high)])


@pytest.mark.parametrize(
    ("middle", "word"), [(0.0, SAME), (0.04, SAME), (-0.04, SAME), (0.06, SLOWER), (-0.06, FASTER), (0.049, UNDECIDED)]
)
def test_the_verdict_follows_from_where_the_interval_lies(middle, word):
    half = 0.003  # the half-width of the interval; the thresholds are at +-0.0488
    around = half / (stats.t.ppf(0.975, 1)) * np.array([[-1.0, 1.0]])
    assert paired(middle + around, 0.05)[0].verdict == word


def test_the_same_is_said_by_two_one_sided_tests_of_the_case_alone():
    """Schuirmann's: each at 5 %, whatever other cases there are and however wide the interval for all of them."""
    logs = np.array([[0.0, 0.01, -0.01, 0.02, -0.02], [1.0, 0.9, 1.1, 1.2, 0.8]])
    tests = [
        stats.ttest_1samp(logs[0], end, alternative=side).pvalue
        for end, side in ((-0.0173, "greater"), (0.0173, "less"))
    ]
    one = paired(logs, math.expm1(0.0173))[0]
    assert max(tests) < 0.05 and one.ratio.high > math.exp(0.0173) and one.verdict == SAME
    exact = stats.ttest_1samp(logs[0], 0).confidence_interval(0.90)
    assert one.own == pytest.approx((math.exp(exact.low), math.exp(exact.high)))
    narrower = 0.95 * exact.high
    assert stats.ttest_1samp(logs[0], narrower, alternative="less").pvalue > 0.05
    assert paired(logs, math.expm1(narrower))[0].verdict == UNDECIDED


def test_thresholds_are_alike_up_and_down():
    random = np.random.default_rng(1)
    opposite = {SLOWER: FASTER, FASTER: SLOWER, SAME: SAME, UNDECIDED: UNDECIDED}
    logs = np.concatenate([differences(random), differences(random, truth=0.1)])
    assert {one.verdict for one in paired(logs, 0.05)} >= {SLOWER, SAME}
    assert [one.verdict for one in paired(-logs, 0.05)] == [opposite[one.verdict] for one in paired(logs, 0.05)]


def test_moderation_finds_the_prior_that_variances_were_drawn_from():
    random = np.random.default_rng(2)
    d0, s0, df = 6.0, 0.02, 4
    true = s0**2 * d0 / random.chisquare(d0, 20000)
    variance = true * random.chisquare(df, 20000) / df
    found, total = moderated(variance, np.full(20000, float(df)))
    assert total[0] - df == pytest.approx(d0, rel=0.05)
    assert found == pytest.approx((d0 * s0**2 + df * variance) / (d0 + df), rel=0.05)


def test_moderation_pools_variances_that_differ_only_by_chance():
    variance = stats.chi2.ppf((np.arange(50) + 0.5) / 50, 4) / 4 * 0.9  # even quantiles vary less than a sample would
    found, total = moderated(variance, np.full(50, 4.0))
    exact = math.exp(np.mean(np.log(variance)) - special.digamma(2) + math.log(2))
    assert found == pytest.approx(np.full(50, exact))
    assert total.tolist() == [200.0] * 50


def test_moderation_has_no_more_df_than_there_are_and_needs_three_cases():
    variance, df = np.array([1e-4, 1.2e-4, 0.9e-4]), np.array([2.0, 2.0, 2.0])
    assert moderated(variance, df)[1].tolist() == [6.0] * 3
    assert moderated(variance[:2], df[:2])[0].tolist() == variance[:2].tolist()
    assert np.isfinite(moderated(np.zeros(3), df)[0]).all()


@pytest.mark.parametrize("value", [1e-6, 1e-2, 1.0, 1e2, 1e6])
def test_inverse_trigamma(value):
    assert special.polygamma(1, decision._inverse_trigamma(value)) == pytest.approx(value, rel=1e-6)


def false_alarms(random: np.random.Generator, processes: int) -> int:
    """Of TABLES of 60 cases of identical code, those with any called faster or slower; by next to no threshold, which
    else would hide most of them.
    """
    tables = (paired(0.05 * random.normal(size=(60, processes)), 1e-4) for _ in range(TABLES))
    return sum(any(one.verdict in (SLOWER, FASTER) for one in table) for table in tables)


@pytest.mark.parametrize("processes", [2, 3, 5])
def test_identical_code_is_seldom_called_different(processes):
    assert false_alarms(np.random.default_rng(3), processes) <= most(0.05, TABLES)


def test_without_bonferroni_the_false_alarm_check_fails(monkeypatch):
    monkeypatch.setattr(decision, "CONFIDENCE", 1 - 60 * 0.05)  # so that each case has the 5 % for itself
    assert false_alarms(np.random.default_rng(3), 5) > 0.9 * TABLES


def test_a_variance_that_is_tiny_by_luck_cries_wolf_only_unmoderated(monkeypatch):
    """Three processes agree to 2e-3 by luck, 8 % off; the other cases tell that 5 % is what they scatter by."""
    random = np.random.default_rng(4)
    logs = np.concatenate([0.08 + 2e-3 * np.array([[-1.0, 0.0, 1.0]]), 0.05 * random.normal(size=(19, 3))])
    assert paired(logs, 0.05)[0].verdict == UNDECIDED
    monkeypatch.setattr(decision, "FEWEST", math.inf)
    assert paired(logs, 0.05)[0].verdict == SLOWER


@pytest.mark.parametrize("truth", [0.0, 0.05, -0.3])
def test_all_intervals_of_a_table_hold_the_truth_together(truth):
    random, missed = np.random.default_rng(5), 0
    for _ in range(TABLES):
        table = paired(differences(random, truth=truth), 0.05)
        missed += any(not one.ratio.low <= math.exp(truth) <= one.ratio.high for one in table)
    assert missed <= most(0.05, TABLES)


def test_a_slowdown_at_the_threshold_is_seldom_called_slower():
    random = np.random.default_rng(6)
    tables = [paired(differences(random, truth=math.log(1.05)), 0.05) for _ in range(TABLES)]
    assert sum(one.verdict == SLOWER for table in tables for one in table) <= most(ERROR, TABLES * CASES)


def test_ten_per_cent_is_found():
    random = np.random.default_rng(7)
    tables = [paired(differences(random, truth=math.log(1.10), d0=10.0), 0.05) for _ in range(TABLES)]
    assert np.mean([one.verdict == SLOWER for table in tables for one in table]) > 0.9


def test_the_smallest_change_that_could_have_been_shown_is_shown_in_eight_of_ten():
    random = np.random.default_rng(8)
    noise = 0.02 * random.normal(size=(TABLES, CASES, PROCESSES))
    smallest = np.median([one.smallest for logs in noise for one in paired(logs, 0.05)])
    found = [one.verdict == SLOWER for logs in noise for one in paired(logs + math.log1p(smallest), 0.05)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)


def test_one_process_decides_nothing():
    of_one = decisions(estimates((1.0, 0.0, np.nan, 1)), 0.05)
    for one in paired(np.array([[0.5], [0.0], [0.1]]), 0.05) + of_one:
        assert (one.verdict, one.reason, one.smallest) == (UNDECIDED, "one process", math.inf)


def alone() -> np.ndarray:
    """log(new / old) of five processes and six cases: the first has one process, and is slower."""
    logs = 0.001 * np.random.default_rng(9).normal(size=(6, 5))
    logs[0] += 0.5
    logs[0, 1:] = np.nan
    return logs


def test_one_process_decides_nothing_whatever_the_other_cases_have():
    first, *others = paired(alone(), 0.05)
    assert (first.verdict, first.reason, first.smallest) == (UNDECIDED, "one process", math.inf)
    assert math.isnan(first.ratio.low) and first.ratio.value == pytest.approx(math.exp(0.5), rel=0.01)
    assert {one.verdict for one in others} == {SAME}


def test_the_mean_over_the_cases_is_of_more_than_one_process():
    found = decision.geometric_mean(alone())
    assert found.value == pytest.approx(math.exp(0.5 / 6), rel=0.01) and math.isnan(found.low)


def test_an_interval_without_end_is_undecided():
    one = paired(np.array([[-200.0, 200.0]]), 0.05)[0]  # t is 12.7, and the mean's error 200
    assert (one.verdict, one.ratio.low, one.ratio.high, one.smallest) == (UNDECIDED, 0, math.inf, math.inf)
