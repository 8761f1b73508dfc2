"""Verdicts against closed forms, and against simulated tables of which the truth is known."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from bench.records.record import FAILED as BROKEN
from bench.records.record import MEASURED, NOT_REACHED, SKIPPED, Record, Run
from bench.statistics import decision
from bench.statistics.decision import FASTER, SAME, SLOWER, UNDECIDED, decisions, moderated, paired
from bench.statistics.verdict import APPEARED, FAILED, VANISHED, decide
from bench.support.errors import InputError

TABLES = 200
CASES, PROCESSES = 20, 5


# The numeric core


def spreads(random: np.random.Generator, cases: int = CASES, middle: float = 0.01, d0: float = 4.0) -> np.ndarray:
    """Standard deviations of the cases, as Smyth's model has them, in a column."""
    return middle * np.sqrt(d0 / random.chisquare(d0, (cases, 1)))


def differences(random: np.random.Generator, processes: int = PROCESSES, truth: float = 0.0, **words) -> np.ndarray:
    """log(new / old) of cases x processes."""
    return truth + spreads(random, **words) * random.normal(size=(words.get("cases", CASES), processes))


def two_runs(random: np.random.Generator, truth: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    spread = spreads(random)
    old, new = (spread * random.normal(size=(CASES, PROCESSES)) for _ in range(2))
    return old, new + truth


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
    assert one.smallest == pytest.approx(1.05 * math.exp((stats.t.ppf(0.975, 3) + stats.t.ppf(0.8, 3)) * error) - 1)


def test_two_samples_are_judged_by_students_t_with_pooled_variance():
    old, new = np.array([[1.0, 1.01, 1.02, np.nan]]), np.array([[0.9, 0.92, 0.9, 0.91]])
    one = decisions([(old, new)], 0.05)[0]
    exact = stats.ttest_ind(new[0], old[0, :3]).confidence_interval(0.95)
    assert [one.ratio.low, one.ratio.high] == pytest.approx([math.exp(exact.low), math.exp(exact.high)])
    assert one.verdict == FASTER


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
    """Three processes agree to 1e-4 by luck, 8 % off; the other cases tell that 5 % is what they scatter by."""
    random = np.random.default_rng(4)
    logs = np.concatenate([0.08 + 1e-4 * np.array([[-1.0, 0.0, 1.0]]), 0.05 * random.normal(size=(19, 3))])
    assert paired(logs, 0.05)[0].verdict == UNDECIDED
    monkeypatch.setattr(decision, "FEWEST", math.inf)
    assert paired(logs, 0.05)[0].verdict == SLOWER


@pytest.mark.parametrize("truth", [0.0, 0.05, -0.3])
def test_all_intervals_of_a_table_hold_the_truth_together(truth):
    random, missed = np.random.default_rng(5), {"paired": 0, "unpaired": 0}
    for _ in range(TABLES):
        for kind, table in (
            ("paired", paired(differences(random, truth=truth), 0.05)),
            ("unpaired", decisions([two_runs(random, truth)], 0.05)),
        ):
            missed[kind] += any(not one.ratio.low <= math.exp(truth) <= one.ratio.high for one in table)
    assert max(missed.values()) <= most(0.05, TABLES)


def test_a_slowdown_at_the_threshold_is_not_yet_slower():
    random = np.random.default_rng(6)
    tables = [paired(differences(random, truth=math.log(1.05)), 0.05) for _ in range(TABLES)]
    assert sum(any(one.verdict == SLOWER for one in table) for table in tables) <= most(0.025, TABLES)


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
    for one in paired(np.array([[0.5], [0.0], [0.1]]), 0.05) + decisions([(np.zeros((1, 1)), np.ones((1, 1)))], 0.05):
        assert (one.verdict, one.reason, one.smallest) == (UNDECIDED, "one process", math.inf)


def test_an_interval_without_end_is_undecided():
    one = paired(np.array([[-200.0, 200.0]]), 0.05)[0]  # t is 12.7, and the mean's error 200
    assert (one.verdict, one.ratio.low, one.ratio.high, one.smallest) == (UNDECIDED, 0, math.inf, math.inf)


def test_the_interval_covers_the_ratio_with_and_without_the_yardstick():
    random = np.random.default_rng(8)
    old, new = 0.001 * random.normal(size=(2, 10, 5))
    slow_machine = math.log(1.2)
    slower = (old, new + slow_machine)
    as_read = decisions([slower], 0.05)
    assert {one.verdict for one in as_read} == {SLOWER}
    both = decisions([slower, (old, new)], 0.05)
    assert {one.verdict for one in both} == {UNDECIDED}
    assert all(one.ratio.low < 1.01 and one.ratio.high > 1.19 for one in both)
    assert [one.ratio.value for one in both] == [one.ratio.value for one in as_read]
    # Code that is slower than both is slower still; and cases without a yardstick are as read.
    assert {one.verdict for one in decisions([(old, new + 2 * slow_machine), slower], 0.05)} == {SLOWER}
    lacking = np.full((10, 5), np.nan)
    assert decisions([slower, (lacking, lacking)], 0.05) == as_read


# Runs

TURNS = 20


def rounds(seconds: np.ndarray, yardstick: float | None = 1e-3, warm_up: int = 0) -> dict[str, list]:
    """Columns of processes x turns of seconds per iteration."""
    processes, turns = seconds.shape
    process, turn = (grid.ravel().tolist() for grid in np.mgrid[:processes, :turns])
    same = {"place": 0, "time": 0.0, "steps": 100, "yardstick_seconds": yardstick}
    return {
        "process": process,
        "turn": turn,
        "seconds": seconds.ravel().tolist(),
        "cpu_seconds": seconds.ravel().tolist(),
        "warm_up": [each < warm_up for each in turn],
        **{name: [value] * len(turn) for name, value in same.items()},
    }


def record(backend: str, seconds=None, outcome=MEASURED, reason=None, yardstick: float | None = 1e-3, **more) -> Record:
    agreement, columns = {"digits": 5.25}, None if seconds is None else rounds(seconds, yardstick)
    facts = {"agreement": agreement, "rounds": columns} | more if outcome == MEASURED else {}
    return Record("manual", backend, "cpu", "float32", 2000, outcome, reason, 0, 2000, **facts)


def run(name: str, *records: Record, **machine) -> Run:
    return Run(Path(name), "2026-11-24", {"fitbench": machine}, records)


def sides(a: Run, b: Run) -> tuple[Run, Run]:
    """The same runs as the two sides of one A/B run."""
    told = [
        {**one.machine["fitbench"], "comparison": {"id": "1", "side": side, "spec": spec}}
        for one, side, spec in ((a, "a", "."), (b, "b", "X=1"))
    ]
    return tuple(replace(one, machine={"fitbench": each}) for one, each in zip((a, b), told, strict=True))


def quiet(level: float, processes: int = 4, seed: int = 0) -> np.ndarray:
    """Processes x turns of seconds per iteration, 0.1 % of noise about a level."""
    return level * np.exp(0.001 * np.random.default_rng(seed).normal(size=(processes, TURNS)))


NAMES = ("numpy", "torch", "jax")


def test_rows_have_medians_ratio_digits_and_verdict():
    old = run("old.json", *(record(name, quiet(1e-5, seed=i)) for i, name in enumerate(NAMES)))
    new = run(
        "new.json",
        record("numpy", quiet(1e-5, seed=7)),
        record("torch", quiet(2e-5, seed=8), agreement={"digits": 4.5}),
        record("jax", quiet(0.5e-5, seed=9)),
    )
    table = decide(old, new, 0.05)
    assert [row.case.backend for row in table.rows] == list(NAMES)
    assert [row.verdict for row in table.rows] == [SAME, SLOWER, FASTER]
    assert [row.new for row in table.rows] == pytest.approx([1e-5, 2e-5, 0.5e-5], rel=0.002)
    assert [row.ratio.value for row in table.rows] == pytest.approx([1, 2, 0.5], rel=0.003)
    assert [(row.old_digits, row.new_digits) for row in table.rows] == [(5.25, 5.25), (5.25, 4.5), (5.25, 5.25)]
    assert table.geometric_mean.value == pytest.approx(1, rel=0.003)  # of 1, 2 and 1/2
    assert table.geometric_mean.low < 1 < table.geometric_mean.high
    assert (table.old, table.new, table.paired, table.drift) == ("old.json", "new.json", False, 1.0)


def test_the_geometric_mean_is_judged_by_processes():
    random = np.random.default_rng(11)
    logs = 0.02 * random.normal(size=(3, 5))
    both = sides(
        run("a.json", *(record(name, np.ones((5, 9))) for name in NAMES)),
        run("b.json", *(record(NAMES[i], np.exp(row)[:, None] * np.ones(9)) for i, row in enumerate(logs))),
    )
    exact = stats.ttest_1samp(logs.mean(axis=0), 0).confidence_interval(0.95)
    found = decide(*both, 0.05).geometric_mean
    assert [found.value, found.low, found.high] == pytest.approx(np.exp([logs.mean(), exact.low, exact.high]))


def noisy_sides(seed: int, slower: float = 1.1) -> tuple[Run, Run]:
    """The sides of one A/B run on a machine with 20 % of noise that both share in a turn; torch is slower in b."""
    random = np.random.default_rng(seed)
    a, b = [], []
    for name in NAMES:
        machine = 0.2 * random.normal(size=(5, 60))
        for records, level in ((a, 1.0), (b, slower if name == "torch" else 1.0)):
            own = 0.005 * random.normal(size=(5, 1)) + 0.03 * random.normal(size=(5, 60))
            records.append(record(name, 1e-5 * level * np.exp(machine + own)))
    return sides(run("a.json", *a), run("b.json", *b))


def test_sides_are_paired_by_turn_whatever_the_machine_does():
    tables = [decide(*noisy_sides(seed), 0.05) for seed in range(20)]
    assert all(table.paired and table.drift is None for table in tables)
    assert sum(table.rows[1].verdict == SLOWER for table in tables) >= 17
    others = [row.verdict for table in tables for row in (table.rows[0], table.rows[2])]
    assert not {SLOWER, FASTER} & set(others) and others.count(SAME) >= 36
    assert (tables[0].old, tables[0].new) == ("a.json (a: .)", "b.json (b: X=1)")


def test_the_same_rounds_unpaired_decide_less():
    a, b = noisy_sides(0)
    forget = [replace(one, machine={"fitbench": {}}) for one in (a, b)]
    assert decide(*forget, 0.05).rows[1].verdict == UNDECIDED


def test_a_machine_that_became_slower_makes_no_case_slower():
    old = run("old.json", *(record(name, quiet(1e-5, seed=i), yardstick=1e-3) for i, name in enumerate(NAMES)))
    new = run("new.json", *(record(name, quiet(1.2e-5, seed=9 - i), yardstick=1.2e-3) for i, name in enumerate(NAMES)))
    table = decide(old, new, 0.05)
    assert {row.verdict for row in table.rows} == {UNDECIDED}
    assert table.drift == pytest.approx(1.2)
    assert table.geometric_mean.low < 1.01 and table.geometric_mean.high > 1.19
    # The check can fail: without the yardstick all of them are slower.
    blind = [replace(one, records=tuple(_blind(each) for each in one.records)) for one in (old, new)]
    table = decide(*blind, 0.05)
    assert {row.verdict for row in table.rows} == {SLOWER} and table.drift is None


def test_a_core_that_another_process_had_makes_no_case_slower():
    """Its seconds double and its CPU time does not; where the CPU time doubles too, or there is none, it is slower."""
    old = run("old.json", *(record(name, quiet(1e-5, seed=i)) for i, name in enumerate(NAMES)))
    slow = run("new.json", *(record(name, quiet(2e-5, seed=9 - i)) for i, name in enumerate(NAMES)))
    assert {row.verdict for row in decide(old, slow, 0.05).rows} == {SLOWER}
    for each in slow.records:
        each.rounds["cpu_seconds"] = [seconds / 2 for seconds in each.rounds["seconds"]]
    assert {row.verdict for row in decide(old, slow, 0.05).rows} == {UNDECIDED}
    for each in (*old.records, *slow.records):
        each.rounds["cpu_seconds"] = [0.0] * len(each.rounds["seconds"])
    assert {row.verdict for row in decide(old, slow, 0.05).rows} == {SLOWER}


def _blind(one: Record) -> Record:
    columns = one.rounds or {}
    return replace(one, rounds={**columns, "yardstick_seconds": [None] * len(columns["seconds"])})


def test_warm_up_rounds_do_not_count():
    seconds = quiet(1e-5)
    seconds[:, :5] *= 3
    old, new = run("old.json", record("numpy", quiet(1e-5))), run("new.json", record("numpy", seconds))
    new.records[0].rounds["warm_up"] = rounds(seconds, warm_up=5)["warm_up"]
    assert decide(old, new, 0.05).rows[0].new == pytest.approx(1e-5, rel=0.002)
    assert decide(*sides(old, new), 0.05).rows[0].ratio.value == pytest.approx(1, rel=0.002)


def test_cases_that_cannot_be_compared_say_why():
    good = quiet(1e-5)
    old = run(
        "old.json",
        record("numpy", good),
        record("torch", good),
        record("jax", outcome=BROKEN, reason="NaN at step 3"),
        record("jax-loop", outcome=SKIPPED, reason="jax not installed"),
        record("torch-compile", good),
        record("torch-compile-loop", outcome=BROKEN, reason="no compiler"),
        record("other", outcome=SKIPPED, reason="no"),
        record("gone", good),
    )
    new = run(
        "new.json",
        record("numpy", good),
        record("torch", outcome=BROKEN, reason="wrong"),
        record("jax", good),
        record("jax-loop", good),
        record("torch-compile", outcome=NOT_REACHED, reason="the run ended"),
        record("torch-compile-loop", outcome=BROKEN, reason="still no compiler"),
        record("other", outcome=SKIPPED, reason="no"),
        record("new", good),
    )
    rows = {row.case.backend: (row.verdict, row.reason) for row in decide(old, new, 0.05).rows[1:]}
    assert rows == {
        "torch": (FAILED, "in new: wrong"),
        "jax": (APPEARED, "failed in old: NaN at step 3"),
        "jax-loop": (APPEARED, "skipped in old: jax not installed"),
        "torch-compile": (VANISHED, "not reached in new: the run ended"),
        "torch-compile-loop": (FAILED, "in both: still no compiler"),
        "gone": (VANISHED, "not in the new run"),
        "new": (APPEARED, "not in the old run"),
    }


def test_all_failed_is_a_table_and_not_an_error():
    new = run("new.json", record("numpy", outcome=BROKEN, reason="x"))
    table = decide(run("old.json", record("numpy", quiet(1e-5))), new, 0.05)
    assert [row.verdict for row in table.rows] == [FAILED]
    assert table.geometric_mean is None and table.drift is None


def test_sides_without_a_shared_turn_decide_nothing():
    a, b = sides(run("a.json", record("numpy", quiet(1.0))), run("b.json", record("numpy", quiet(1.0))))
    b.records[0].rounds["turn"] = [turn + 100 for turn in b.records[0].rounds["turn"]]
    row = decide(a, b, 0.05).rows[0]
    assert (row.verdict, row.reason) == (UNDECIDED, "no turn is in both")


def test_changes_of_the_software_are_listed():
    good = record("numpy", quiet(1e-5))
    old = run("old.json", good, python="3.11.7", packages={"torch": "2.12.0", "numpy": "2.4.6"}, environment={})
    new = run("new.json", good, python="3.12.1", packages={"torch": "2.13.0", "numpy": "2.4.6", "jax": "0.10.2"})
    changed = ("python 3.11.7 -> 3.12.1", "torch 2.12.0 -> 2.13.0", "jax none -> 0.10.2")
    assert decide(old, new, 0.05).changed == changed
    new.machine["fitbench"]["environment"] = {"X": "1"}
    assert decide(*sides(old, new), 0.05).changed == (*changed, "X none -> 1")


GOOD = record("numpy", quiet(1e-5))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            run("old.json", GOOD),
            run("new.json", record("jax", quiet(1e-5))),
            "no case was measured in both runs; old.json has manual-numpy-cpu-float32-2000, "
            "and new.json has manual-jax-cpu-float32-2000",
        ),
        (
            run("old.json", GOOD),
            run("new.json", record("numpy")),
            "new.json: manual, numpy: no raw rounds; expected a timed run of `pytest bench`",
        ),
        (
            run("old.json", GOOD, GOOD, replace(GOOD)),
            run("new.json", GOOD),
            "old.json: manual-numpy-cpu-float32-2000: the run holds this case twice",
        ),
        (
            run("old.json", GOOD, comparison={"id": "1", "side": "a", "spec": "."}),
            run("new.json", GOOD, comparison={"id": "1", "side": "a", "spec": "."}),
            "old.json and new.json: both are side a of one A/B run; expected a and b",
        ),
        (
            run("old.json", GOOD),
            run("new.json", replace(GOOD, rounds={**(GOOD.rounds or {}), "process": ["x"] * 80})),
            "new.json: manual, numpy: its rounds are damaged (invalid literal for int() with base 10: 'x'); "
            "expected numbers",
        ),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(old, new, message):
    with pytest.raises(InputError) as caught:
        decide(old, new, 0.05)
    assert str(caught.value) == message
