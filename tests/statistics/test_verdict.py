"""Two runs compared: verdicts of runs of which the truth is known, and what is said of cases that have none."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from builders import AGREEMENT, record, rounds, run_of
from msgspec.structs import replace as changed
from scipy import stats

from bench.anatomy.texts import CHANGED, DIFFERING, UNCHANGED
from bench.records.record import AGREED, NOT_REACHED, SKIPPED, Comparison, Machine, Record, Run
from bench.records.record import FAILED as BROKEN
from bench.statistics.decision import FASTER, SAME, SLOWER, UNDECIDED
from bench.statistics.verdict import APPEARED, FAILED, NOT_COMPARED, VANISHED, decide
from bench.support.controls import CONTROLS, CORE, FIRST
from bench.support.errors import InputError

TURNS = 20
NAMES = ("numpy", "torch", "jax")


def timed(backend: str, seconds: np.ndarray, control: float | None = 1e-3, **changes) -> Record:
    """A record of processes x turns of seconds per iteration."""
    return record(seconds, backend=backend, rounds=rounds(seconds, control=control), **changes)


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
    assert (table.old, table.new, table.paired) == ("old.json", "new.json", False)
    assert table.states == {"core": 1.0, "memory": 1.0}


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
    assert all(table.paired and table.states == {} and table.correlation is None for table in tables)
    assert sum(table.rows[1].verdict == SLOWER for table in tables) >= 17
    others = [row.verdict for table in tables for row in (table.rows[0], table.rows[2])]
    assert not {SLOWER, FASTER} & set(others) and others.count(SAME) >= 36
    assert (tables[0].old, tables[0].new) == ("a.json (a: .)", "b.json (b: X=1)")


def test_the_same_rounds_unpaired_decide_less():
    a, b = noisy_sides(0)
    forget = [changed(one, machine=Machine()) for one in (a, b)]
    assert decide(*forget, 0.05).rows[1].verdict == UNDECIDED


def at(name: str, level: float, control: float | None, **machine) -> Run:
    """A run of all backends, of which the machine's controls took so long."""
    return run(name, *(timed(each, quiet(level, seed=i), control) for i, each in enumerate(NAMES)), **machine)


def test_a_machine_that_became_slower_makes_no_case_slower():
    old, new = at("old.json", 1e-5, 1e-3), at("new.json", 1.2e-5, 1.2e-3)
    table = decide(old, new, 0.05)
    assert not {row.verdict for row in table.rows} & {SLOWER, FASTER}
    assert [row.ratio.value for row in table.rows] == pytest.approx([1] * 3, rel=0.002)
    assert all(row.new == pytest.approx(row.old, rel=0.002) for row in table.rows)
    assert table.states == {"core": pytest.approx(1.2), "memory": pytest.approx(1.2)}
    assert table.geometric_mean.value == pytest.approx(1, rel=0.002)
    # The check can fail: where the controls say that the machine did not change, all of them are slower.
    table = decide(old, at("new.json", 1.2e-5, 1e-3), 0.05)
    assert {row.verdict for row in table.rows} == {SLOWER}
    # And what becomes slower by far more than the machine is slower.
    table = decide(old, at("new.json", 1.8e-5, 1.2e-3), 0.05)
    assert {row.verdict for row in table.rows} == {SLOWER}


def test_without_controls_the_machine_may_have_done_what_it_likes():
    """With a standard deviation of 20 % of the log between sessions: only what is far beyond that is slower."""
    old = at("old.json", 1e-5, None)
    for level, verdict in ((1e-5, UNDECIDED), (1.2e-5, UNDECIDED), (4e-5, SLOWER), (0.25e-5, FASTER)):
        table = decide(old, at("new.json", level, None), 0.05)
        assert {row.verdict for row in table.rows} == {verdict}
        assert [row.ratio.value for row in table.rows] == pytest.approx([level / 1e-5] * 3, rel=0.002)
        assert table.states == {} and table.correlation is None
    one = old.records[0].rounds.controls
    assert {each for name in one for each in one[name]} == {None}


PYTHON = "python 3.11.7, numpy 2.4.6"  # of MACHINE, in the builders


@pytest.mark.parametrize(
    ("before", "now", "alike"),
    [
        ({"controls": PYTHON}, {"controls": PYTHON}, True),
        ({"controls": PYTHON}, {"controls": "python 3.11.7, numpy 3.0.0"}, False),
        ({"controls": PYTHON}, {}, True),
        ({"controls": PYTHON}, {"python": "3.13.0"}, False),
        ({"controls": PYTHON, "python": "3.13.0"}, {"controls": PYTHON}, True),
        ({"python": "3.13.0"}, {"python": "3.13.0"}, True),
        ({"python": "3.13.0"}, {}, False),  # older files, which do not tell it: each had controls of its own
    ],
)
def test_controls_of_another_kind_are_not_used(before, now, alike):
    """An upgrade that makes both a case and the controls slower would else be no change."""
    old, new = at("old.json", 1e-5, 1e-3, **before), at("new.json", 1.2e-5, 1.2e-3, **now)
    table = decide(old, new, 0.05)
    assert {row.verdict for row in table.rows} == {UNDECIDED}
    assert table.states == ({"core": pytest.approx(1.2), "memory": pytest.approx(1.2)} if alike else {})
    assert table.rows[0].ratio.value == pytest.approx(1.0 if alike else 1.2, rel=0.002)
    assert any(line.startswith("controls ") for line in table.changed) == (not alike)


def test_of_several_old_runs_each_with_other_controls_is_told():
    olds = [at(f"{i}.json", 1e-5, 1e-3, controls=f"python 3.{i}, numpy 2") for i in (11, 12, 13)]
    table = decide(olds, at("new.json", 1e-5, 1e-3, controls="python 3.12, numpy 2"), 0.05)
    told = [line.split(":")[0] for line in table.changed if line.startswith("controls ")]
    assert told == [f"controls python 3.{i}, numpy 2 -> python 3.12, numpy 2" for i in (11, 13)]
    assert table.states == {}


def with_controls(run: Run, *names: str) -> Run:
    """The run with no controls but these, each of which takes 0.1 s per iteration of the case."""
    return with_columns(run, controls=lambda seconds: {name: [100.0 * each for each in seconds] for name in names})


def test_a_run_with_the_first_control_alone_is_compared_by_it():
    old, new = (with_controls(at("x.json", level, None), FIRST) for level in (1e-5, 1.2e-5))
    table = decide(old, new, 0.05)
    assert table.states == {"core": pytest.approx(1.2, rel=0.002)}
    assert not {row.verdict for row in table.rows} & {SLOWER, FASTER}


@pytest.mark.parametrize(
    ("before", "now", "states"),
    [
        ((FIRST,), CONTROLS, []),
        (CONTROLS, (FIRST,), []),
        (CORE, CONTROLS, ["core"]),
        (("vector-1", "stream-1"), ("vector-1", "gather-1"), ["core"]),
        ((), CONTROLS, []),
    ],
)
def test_only_controls_that_both_runs_have_tell_of_the_machine(before, now, states):
    """One that one run alone has knows nothing of what lies between the two."""
    old, new = at("old.json", 1e-5, None), at("new.json", 1.2e-5, None)
    table = decide(with_controls(old, *before), with_controls(new, *now), 0.05)
    assert [*table.states] == states
    assert [*table.states.values()] == pytest.approx([1.2] * len(states), rel=0.002)
    assert not {row.verdict for row in table.rows} & {SLOWER, FASTER}


def test_a_core_that_another_process_had_makes_no_case_slower():
    """Its seconds double and its CPU time does not; where the CPU time doubles too, or there is none, it is slower."""
    old, slow = at("old.json", 1e-5, 1e-3), at("new.json", 2e-5, 1e-3)
    assert {row.verdict for row in decide(old, slow, 0.05).rows} == {SLOWER}
    waited = with_columns(slow, cpu_seconds=lambda each: [seconds / 2 for seconds in each])
    assert {row.verdict for row in decide(old, waited, 0.05).rows} == {UNDECIDED}
    assert {row.verdict for row in decide(waited, old, 0.05).rows} == {UNDECIDED}
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
    assert table.geometric_mean is None and table.states == {} and table.correlation is None


def test_sides_without_a_shared_turn_decide_nothing():
    a, b = sides(run("a.json", timed("numpy", quiet(1.0))), run("b.json", timed("numpy", quiet(1.0))))
    later = with_columns(b, turn=lambda each: [100 + i for i in range(len(each))])
    row = decide(a, later, 0.05).rows[0]
    assert (row.verdict, row.reason) == (UNDECIDED, "no turn is in both")


def test_changes_of_the_software_are_listed():
    good = timed("numpy", quiet(1e-5))
    ours = {"controls": PYTHON}
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
        (
            [run("old.json", GOOD), run("a.json", GOOD, comparison=Comparison("1", "a", "."))],
            run("b.json", GOOD, comparison=Comparison("1", "b", ".")),
            "a.json: the other side of b.json; expected these two alone, or runs of other times",
        ),
        (
            [run(f"{side}.json", GOOD, comparison=Comparison("1", side, ".")) for side in "ab"],
            run("new.json", GOOD),
            "a.json: the other side of b.json; expected these two alone, or runs of other times",
        ),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(old, new, message):
    with pytest.raises(InputError) as caught:
        decide(old, new, 0.05)
    assert str(caught.value) == message


def test_a_side_may_be_an_old_run_of_another_time():
    a = run("a.json", GOOD, comparison=Comparison("1", "a", "."))
    b = run("b.json", GOOD, comparison=Comparison("2", "b", "."))
    table = decide([a, run("old.json", GOOD)], b, 0.05)
    assert not table.paired and table.old == "a.json (a: .), old.json"


def dated(run: Run, day: int) -> Run:
    return changed(run, datetime=f"2026-11-{day:02}T00:00:00+00:00")


def test_the_order_of_old_runs_makes_no_difference():
    """The newest of them tells what changed."""
    versions = {3: "2.11.0", 1: "2.9.0", 2: "2.10.0"}
    olds = [
        dated(at(f"{day}.json", level, 1e-3, packages={"torch": versions[day]}), day)
        for day, level in ((3, 1.0e-5), (1, 1.02e-5), (2, 0.97e-5))
    ]
    new = dated(at("new.json", 1.1e-5, 1e-3, packages={"torch": "2.12.0"}), 4)
    tables = [decide(each, new, 0.05) for each in itertools.permutations(olds)]
    assert tables.count(tables[0]) == 6
    assert tables[0].old == "1.json, 2.json, 3.json" and tables[0].changed[0] == "torch 2.11.0 -> 2.12.0"


def test_a_case_of_some_old_runs_is_compared_with_those():
    with_jax = run("1.json", *(timed(name, quiet(1e-5)) for name in ("numpy", "jax")))
    without = run("2.json", timed("numpy", quiet(1e-5)), broken("jax", BROKEN, "killed"))
    other = run("3.json", timed("nobody", quiet(1e-5)))
    new = run("new.json", *(timed(name, quiet(1e-5)) for name in ("numpy", "jax")))
    table = decide([with_jax, without, other], new, 0.05)
    assert [(row.case.backend, row.verdict) for row in table.rows] == [
        *(("numpy", SAME), ("jax", SAME)),
        ("nobody", VANISHED),
    ]
    assert [*table.states] == ["core", "memory"]


def together(old: dict, new: dict) -> str:
    """What would decide between two runs of scattered processes."""
    scattered = timed("numpy", 1e-5 * np.exp(0.1 * np.arange(3))[:, None] * np.ones(TURNS), points=10)
    runs = [run(f"{name}.json", scattered, GOOD, **told) for name, told in (("old", old), ("new", new))]
    return decide(*runs, 0.05).together


CASE = "--variant manual --backend numpy --device cpu --dtype float32 --points 10"


@pytest.mark.parametrize(
    ("old", "new", "sides"),
    [
        ({"git_commit": "a" * 40, "git_dirty": False}, {"git_commit": "b" * 40, "git_dirty": False}, ("a", "b")),
        ({"git_commit": "a" * 40, "git_dirty": False}, {"git_commit": "b" * 40, "git_dirty": True}, ("a", "NEW")),
        ({"git_commit": None, "git_dirty": None}, {"git_commit": "b" * 40, "git_dirty": False}, ("OLD", "b")),
        (
            {"git_commit": "a" * 40, "git_dirty": False, "packages": {"torch": "2.12.0"}},
            {"git_commit": "b" * 40, "git_dirty": False, "packages": {"torch": "2.13.0"}},
            ("OLD", "NEW"),  # a commit knows nothing of that
        ),
    ],
)
def test_what_two_runs_leave_undecided_has_a_command_that_decides(old, new, sides):
    a, b = (side if side.isupper() else f"git:{side * 12}" for side in sides)
    assert together(old, new) == f"python -m bench.ab --a {a} --b {b} {CASE}"


def test_what_is_decided_needs_no_command():
    assert decide(run("old.json", GOOD), run("new.json", GOOD), 0.05).together is None
    a, b = noisy_sides(0, slower=1.05)
    assert UNDECIDED in {row.verdict for row in decide(a, b, 0.05).rows} and decide(a, b, 0.05).together is None


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("a" * 64, "a" * 64, UNCHANGED),
        ("a" * 64, "b" * 64, CHANGED),
        (DIFFERING, "a" * 64, DIFFERING),
        (DIFFERING, DIFFERING, DIFFERING),
        (None, "a" * 64, None),
        (None, DIFFERING, None),
        (None, None, None),
    ],
)
def test_a_row_says_whether_the_generated_code_changed(old, new, code):
    runs = [run_of(f"{name}.json", [record(fingerprint=told)]) for name, told in (("old", old), ("new", new))]
    (row,) = decide(*runs, 0.05).rows
    assert row.code == code
