"""Two runs compared: verdicts of runs of which the truth is known, and what is said of cases that have none."""

from dataclasses import replace

import numpy as np
import pytest
from builders import AGREEMENT, record, rounds, run_of
from msgspec.structs import replace as changed
from scipy import stats

from bench.records.record import AGREED, NOT_REACHED, SKIPPED, Comparison, Machine, Record, Run
from bench.records.record import FAILED as BROKEN
from bench.statistics.decision import FASTER, SAME, SLOWER, UNDECIDED
from bench.statistics.verdict import APPEARED, FAILED, NOT_COMPARED, VANISHED, decide
from bench.support.errors import InputError

TURNS = 20
NAMES = ("numpy", "torch", "jax")


def timed(backend: str, seconds: np.ndarray, yardstick: float | None = 1e-3, **changes) -> Record:
    """A record of processes x turns of seconds per iteration."""
    return record(seconds, backend=backend, rounds=rounds(seconds, yardstick=yardstick), **changes)


def broken(backend: str, outcome: str, reason: str, **changes) -> Record:
    return record(backend=backend, outcome=outcome, reason=reason, **changes)


def run(name: str, *records: Record, **machine) -> Run:
    return run_of(name, records, **machine)


def sides(a: Run, b: Run) -> tuple[Run, Run]:
    """The same runs as the two sides of one A/B run."""
    told = Comparison("1", "a", "."), Comparison("1", "b", "X=1")
    first, second = (
        changed(one, machine=changed(one.machine, comparison=each)) for one, each in zip((a, b), told, strict=True)
    )
    return first, second


def quiet(level: float, processes: int = 4, seed: int = 0) -> np.ndarray:
    """Processes x turns of seconds per iteration, 0.1 % of noise about a level."""
    return level * np.exp(0.001 * np.random.default_rng(seed).normal(size=(processes, TURNS)))


def with_columns(run: Run, **columns) -> Run:
    """The run, each column of its records' rounds changed by a function of that record's seconds."""
    records = [
        changed(one, rounds=changed(one.rounds, **{name: make(one.rounds.seconds) for name, make in columns.items()}))
        for one in run.records
    ]
    return changed(run, records=tuple(records))


def test_rows_have_medians_ratio_digits_and_verdict():
    old = run("old.json", *(timed(name, quiet(1e-5, seed=i)) for i, name in enumerate(NAMES)))
    new = run(
        "new.json",
        timed("numpy", quiet(1e-5, seed=7)),
        timed("torch", quiet(2e-5, seed=8), agreement=replace(AGREEMENT, digits=4.5)),
        timed("jax", quiet(0.5e-5, seed=9)),
    )
    table = decide(old, new, 0.05)
    assert [row.case.backend for row in table.rows] == list(NAMES)
    assert [row.verdict for row in table.rows] == [SAME, SLOWER, FASTER]
    assert [row.new for row in table.rows] == pytest.approx([1e-5, 2e-5, 0.5e-5], rel=0.002)
    assert [row.ratio.value for row in table.rows] == pytest.approx([1, 2, 0.5], rel=0.003)
    assert [(row.old_digits, row.new_digits) for row in table.rows] == [(6.0, 6.0), (6.0, 4.5), (6.0, 6.0)]
    assert table.geometric_mean.value == pytest.approx(1, rel=0.003)  # of 1, 2 and 1/2
    assert table.geometric_mean.low < 1 < table.geometric_mean.high
    assert (table.old, table.new, table.paired, table.drift) == ("old.json", "new.json", False, 1.0)


def test_the_geometric_mean_is_judged_by_processes():
    random = np.random.default_rng(11)
    logs = 0.02 * random.normal(size=(3, 5))
    both = sides(
        run("a.json", *(timed(name, np.ones((5, 9))) for name in NAMES)),
        run("b.json", *(timed(NAMES[i], np.exp(row)[:, None] * np.ones(9)) for i, row in enumerate(logs))),
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
            records.append(timed(name, 1e-5 * level * np.exp(machine + own)))
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
    forget = [changed(one, machine=Machine()) for one in (a, b)]
    assert decide(*forget, 0.05).rows[1].verdict == UNDECIDED


def test_a_machine_that_became_slower_makes_no_case_slower():
    old = run("old.json", *(timed(name, quiet(1e-5, seed=i), yardstick=1e-3) for i, name in enumerate(NAMES)))
    new = run("new.json", *(timed(name, quiet(1.2e-5, seed=9 - i), yardstick=1.2e-3) for i, name in enumerate(NAMES)))
    table = decide(old, new, 0.05)
    assert {row.verdict for row in table.rows} == {UNDECIDED}
    assert table.drift == pytest.approx(1.2)
    assert table.geometric_mean.low < 1.01 and table.geometric_mean.high > 1.19
    # The check can fail: without the yardstick all of them are slower.
    table = decide(*(with_columns(one, yardstick_seconds=lambda each: [None] * len(each)) for one in (old, new)), 0.05)
    assert {row.verdict for row in table.rows} == {SLOWER} and table.drift is None


@pytest.mark.parametrize(
    ("before", "now", "alike"),
    [
        ({"yardstick": "python 3.11.7, numpy 2.4.6"}, {"yardstick": "python 3.11.7, numpy 2.4.6"}, True),
        ({"yardstick": "python 3.11.7, numpy 2.4.6"}, {"yardstick": "python 3.11.7, numpy 3.0.0"}, False),
        ({"yardstick": "python 3.11.7, numpy 2.4.6"}, {}, True),
        ({"yardstick": "python 3.11.7, numpy 2.4.6"}, {"python": "3.13.0"}, False),
        ({"python": "3.13.0"}, {"python": "3.13.0"}, True),
        ({"python": "3.13.0"}, {}, False),  # older files, which do not tell it: each had the yardstick of its own
    ],
)
def test_a_yardstick_of_another_kind_is_not_used(before, now, alike):
    """An upgrade that makes both a case and the yardstick slower would else be no change."""
    old = run("old.json", *(timed(name, quiet(1e-5, seed=i), yardstick=1e-3) for i, name in enumerate(NAMES)), **before)
    new = run(
        "new.json", *(timed(name, quiet(1.2e-5, seed=9 - i), yardstick=1.2e-3) for i, name in enumerate(NAMES)), **now
    )
    table = decide(old, new, 0.05)
    assert {row.verdict for row in table.rows} == {UNDECIDED if alike else SLOWER}
    assert table.drift == (pytest.approx(1.2) if alike else None)
    assert any(line.startswith("yardstick ") for line in table.changed) == (not alike)


def test_a_core_that_another_process_had_makes_no_case_slower():
    """Its seconds double and its CPU time does not; where the CPU time doubles too, or there is none, it is slower."""
    old = run("old.json", *(timed(name, quiet(1e-5, seed=i)) for i, name in enumerate(NAMES)))
    slow = run("new.json", *(timed(name, quiet(2e-5, seed=9 - i)) for i, name in enumerate(NAMES)))
    assert {row.verdict for row in decide(old, slow, 0.05).rows} == {SLOWER}
    waited = with_columns(slow, cpu_seconds=lambda each: [seconds / 2 for seconds in each])
    assert {row.verdict for row in decide(old, waited, 0.05).rows} == {UNDECIDED}
    coarse = [with_columns(one, cpu_seconds=lambda each: [0.0] * len(each)) for one in (old, slow)]
    assert {row.verdict for row in decide(*coarse, 0.05).rows} == {SLOWER}


def test_warm_up_rounds_do_not_count():
    seconds = quiet(1e-5)
    seconds[:, :5] *= 3
    warmed = record(seconds, rounds=rounds(seconds, warm_up=5))
    old, new = run("old.json", timed("numpy", quiet(1e-5))), run("new.json", warmed)
    assert decide(old, new, 0.05).rows[0].new == pytest.approx(1e-5, rel=0.002)
    assert decide(*sides(old, new), 0.05).rows[0].ratio.value == pytest.approx(1, rel=0.002)


def test_cases_that_cannot_be_compared_say_why():
    good = quiet(1e-5)
    old = run(
        "old.json",
        timed("numpy", good),
        timed("torch", good),
        broken("jax", BROKEN, "NaN at step 3"),
        broken("jax-loop", SKIPPED, "jax not installed"),
        timed("torch-compile", good),
        broken("torch-compile-loop", BROKEN, "no compiler"),
        broken("other", SKIPPED, "no"),
        timed("gone", good),
        broken("removed", BROKEN, "wrong"),
        record(good, backend="agreed", outcome=AGREED),
        broken("written", SKIPPED, "not in this revision", unwritten=True),
        broken("never-written", SKIPPED, "there is no file", unwritten=True),
        timed("unwritten", good),
        broken("one-reason", SKIPPED, "jax not installed"),
    )
    new = run(
        "new.json",
        timed("numpy", good),
        broken("torch", BROKEN, "wrong"),
        timed("jax", good),
        timed("jax-loop", good),
        broken("torch-compile", NOT_REACHED, "the run ended"),
        broken("torch-compile-loop", BROKEN, "still no compiler"),
        broken("other", SKIPPED, "no"),
        timed("new", good),
        record(good, backend="agreed", outcome=AGREED),
        timed("written", good),
        broken("never-written", SKIPPED, "there is no file", unwritten=True),
        broken("unwritten", SKIPPED, "not in this revision", unwritten=True),
        broken("one-reason", NOT_REACHED, "the run ended"),
        broken("only-skipped", SKIPPED, "no compiler"),
    )
    rows = {row.case.backend: (row.verdict, row.reason) for row in decide(old, new, 0.05).rows[1:]}
    assert rows == {
        "torch": (FAILED, "in new: wrong"),
        "jax": (NOT_COMPARED, "failed in old: NaN at step 3"),
        "jax-loop": (NOT_COMPARED, "skipped in old: jax not installed"),
        "torch-compile": (VANISHED, "not reached in new: the run ended"),
        "torch-compile-loop": (FAILED, "in both: still no compiler"),
        "other": (NOT_COMPARED, "skipped in both: no"),
        "gone": (VANISHED, "not in the new run"),
        "removed": (NOT_COMPARED, "failed in old: wrong; not in the new run"),
        "agreed": (NOT_COMPARED, "agreed in both: not timed, as asked"),
        "written": (APPEARED, "skipped in old: not in this revision"),
        "unwritten": (VANISHED, "skipped in new: not in this revision"),
        "one-reason": (NOT_COMPARED, "skipped in old: jax not installed; not reached in new: the run ended"),
        "new": (APPEARED, "not in the old run"),
        "only-skipped": (NOT_COMPARED, "not in the old run; skipped in new: no compiler"),
    }


def test_a_case_that_makes_no_sense_has_no_verdict():
    """NumPy on another device could be compared on no machine, whatever reason a file tells; torch could on some."""
    good = timed("numpy", quiet(1e-5))
    skipped = [record(backend=name, device="cuda", outcome=SKIPPED, reason="no") for name in ("numpy", "torch")]
    rows = decide(run("old.json", good, *skipped), run("new.json", good, *skipped), 0.05).rows
    assert [(row.case.backend, row.case.device, row.verdict) for row in rows] == [
        ("numpy", "cpu", SAME),
        ("torch", "cuda", NOT_COMPARED),
    ]


def test_a_run_that_was_cut_short_is_named():
    good = timed("numpy", quiet(1e-5))
    old, new = run("old.json", good), run("new.json", good, cut_short=True)
    assert decide(old, old, 0.05).cut_short == () and decide(old, new, 0.05).cut_short == ("new.json",)
    assert decide(new, old, 0.05).cut_short == ("new.json",)


def test_all_failed_is_a_table_and_not_an_error():
    table = decide(run("old.json", timed("numpy", quiet(1e-5))), run("new.json", broken("numpy", BROKEN, "x")), 0.05)
    assert [row.verdict for row in table.rows] == [FAILED]
    assert table.geometric_mean is None and table.drift is None


def test_sides_without_a_shared_turn_decide_nothing():
    a, b = sides(run("a.json", timed("numpy", quiet(1.0))), run("b.json", timed("numpy", quiet(1.0))))
    later = with_columns(b, turn=lambda each: [100 + i for i in range(len(each))])
    row = decide(a, later, 0.05).rows[0]
    assert (row.verdict, row.reason) == (UNDECIDED, "no turn is in both")


def test_changes_of_the_software_are_listed():
    good = timed("numpy", quiet(1e-5))
    ours = {"yardstick": "python 3.11.7, numpy 2.4.6"}
    old = run("old.json", good, python="3.11.7", packages={"torch": "2.12.0", "numpy": "2.4.6"}, **ours)
    software = {**ours, "python": "3.12.1", "packages": {"torch": "2.13.0", "numpy": "2.4.6", "jax": "0.10.2"}}
    changes = ("python 3.11.7 -> 3.12.1", "torch 2.12.0 -> 2.13.0", "jax none -> 0.10.2")
    assert decide(old, run("new.json", good, **software), 0.05).changed == changes
    new = run("new.json", good, **software, environment={"X": "1"})
    assert decide(*sides(old, new), 0.05).changed == (*changes, "X none -> 1")


def test_conditions_of_the_measured_cases_are_told_where_they_differ():
    old = run("old.json", *(timed(name, quiet(1e-5), threads=1) for name in NAMES))
    more = {"threads": 2, "device_name": "Another", "matmul_precision": "high"}
    new = run("new.json", timed("numpy", quiet(1e-5)), *(timed(name, quiet(1e-5), **more) for name in NAMES[1:]))
    changes = ("threads 1 -> 2", "device name A CPU -> Another", "matmul precision highest -> high")
    assert decide(*sides(old, new), 0.05).changed == changes


GOOD = timed("numpy", quiet(1e-5))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            run("old.json", GOOD),
            run("new.json", timed("jax", quiet(1e-5))),
            "no case was measured in both runs; old.json has manual-numpy-cpu-float32-2000, "
            "and new.json has manual-jax-cpu-float32-2000",
        ),
        (
            run("old.json", GOOD, GOOD, changed(GOOD)),
            run("new.json", GOOD),
            "old.json: manual-numpy-cpu-float32-2000: the run holds this case twice",
        ),
        (
            run("old.json", GOOD, comparison=Comparison("1", "a", ".")),
            run("new.json", GOOD, comparison=Comparison("1", "a", ".")),
            "old.json and new.json: both are side a of one A/B run; expected a and b",
        ),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(old, new, message):
    with pytest.raises(InputError) as caught:
        decide(old, new, 0.05)
    assert str(caught.value) == message
