"""`python -m bench.compare` on small runs that are written here: what it prints, its exit codes, what it refuses."""

import itertools
import json
import math
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import builders
import numpy as np
import pytest
from builders import AGREEMENT
from conftest import ROOT
from scipy import stats

from bench.cases.case import Case
from bench.compare import main
from bench.records.record import AGREED, SKIPPED, Record
from bench.records.record import FAILED as BROKEN
from bench.reporting.verdicts import text
from bench.statistics.decision import FASTER, SAME, SLOWER, UNDECIDED
from bench.statistics.gate import exit_code
from bench.statistics.intervals import Interval
from bench.statistics.sessions import SESSION, SESSION_OF, TRUST
from bench.statistics.verdict import APPEARED, FAILED, NOT_COMPARED, VANISHED, Row, Table

FRAMEWORKS = ("torch", "jax", "autograd", "equinox", "optax")
PROCESSES, TURNS = 4, 10
NOISE = 0.001 * np.sin(np.arange(PROCESSES * TURNS) ** 2).reshape(PROCESSES, TURNS)  # small, different in every process
OLD, NEW = ({"torch": version, "numpy": "2.4.6"} for version in ("2.12.0", "2.13.0"))  # packages


def record(backend: str = "numpy", level: float = 1e-5, scatter: float = 0.0, control: float = 1e-3, **more) -> Record:
    """A record whose rounds take about `level` seconds per iteration; processes are `scatter` apart."""
    seconds = level * np.exp(NOISE + scatter * (np.arange(PROCESSES)[:, None] - 1.5))
    rounds = builders.rounds(seconds, control=control)
    return builders.record(seconds, **{"backend": backend, "rounds": rounds, **more})


def broken(backend: str, reason: str) -> Record:
    return builders.record(backend=backend, outcome=BROKEN, reason=reason)


def write(path: Path, *records: Record, **machine) -> Path:
    return builders.write(path, records, **machine)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the runs lie, so that messages name them by their names alone."""
    monkeypatch.chdir(tmp_path)
    return Path()


def compared(capsys, *words: object) -> tuple[int, str]:
    """The exit code, and what was printed; nothing may be printed as an error."""
    code = main([*map(str, words)])
    printed = capsys.readouterr()
    assert printed.err == ""
    return code, printed.out


def refused(capsys, *words: object) -> str:
    """The one line that says what is wrong."""
    try:
        code = main([*map(str, words)])
    except SystemExit as caught:
        code = caught.code
    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    assert printed.err.startswith("error: ") and printed.err.count("\n") == 1
    return printed.err.removeprefix("error: ").strip()


def line(printed: str, begin: str) -> str:
    return next(each for each in printed.splitlines() if each.startswith(begin))


def ends(words: list[str]) -> list[float]:
    """Of the interval in a line."""
    return [float(word.strip("()")) for word in (words[6], words[8])]


def test_the_table_has_a_line_a_case_and_the_summary(folder, capsys):
    old = write(
        folder / "old.json", *(record(name) for name in ("numpy", "torch", "jax")), broken("gone", "x"), packages=OLD
    )
    new = write(
        folder / "new.json",
        record("numpy"),
        record("torch", 1.25e-5, agreement=replace(AGREEMENT, digits=4.75)),
        record("jax", 0.8e-5),
        broken("bad", "left the exact fit"),
        packages=NEW,
    )
    code, printed = compared(capsys, old, new)
    assert code == 0
    # What lies between sessions is all that there is: the error of new / old, with TRUST df.
    own, of_torch = (stats.t.ppf(0.95, TRUST) * math.sqrt(2) * each for each in (SESSION, SESSION_OF["torch"]))
    numpy = line(printed, "manual-numpy-cpu-float32-2000").split()
    assert [*numpy[1:6], *numpy[9:]] == ["10.0", "µs", "10.0", "µs", "1.000", "same", "6.0", "->", "6.0"]
    assert ends(numpy) == pytest.approx([math.exp(-own), math.exp(own)], abs=2e-3)
    torch = line(printed, "manual-torch-cpu-float32-2000").split()
    assert [*torch[1:6], *torch[9:]] == ["10.0", "µs", "12.5", "µs", "1.250", "slower", "6.0", "->", "4.8"]
    assert ends(torch) == pytest.approx([1.25 * math.exp(-of_torch), 1.25 * math.exp(of_torch)], abs=2e-3)
    jax = line(printed, "manual-jax-cpu-float32-2000").split()
    assert (jax[5], jax[9]) == ("0.8000", "faster")
    counts = "1 slower, 1 faster, 1 same, 1 failed, 1 not compared; threshold 5 %; ratios with the 90 % interval"
    assert line(printed, "1 slower").startswith(counts)
    assert line(printed, "geometric mean").startswith("geometric mean of new / old: 1.000 (")  # 1 * 1.25 * 0.8
    assert "changed: torch 2.12.0 -> 2.13.0" in printed
    assert "the machine's own state, new / old, which is taken away: core 1.00, memory 1.00" in printed
    assert "in one run" not in printed  # nothing is left to be decided
    assert "failed: manual-bad-cpu-float32-2000: in new: left the exact fit" in printed
    assert "not compared: manual-gone-cpu-float32-2000: failed in old: x; not in the new run" in printed


def test_an_undecided_case_says_why_and_what_would_decide(folder, capsys):
    files = [write(folder / f"{name}.json", record(scatter=0.03)) for name in ("old", "new")]
    code, printed = compared(capsys, *files)
    # By hand: processes have a sd of 0.03 sqrt(5/3), of four and four with 6 df; sessions as they are stated.
    of_processes, of_sessions = 0.03**2 * 5 / 3 * (1 / 4 + 1 / 4), 2 * SESSION**2
    error = math.sqrt(of_processes + of_sessions)
    df = error**4 / (of_processes**2 / 6 + of_sessions**2 / TRUST)
    smallest = 1.05 * math.exp((stats.t.ppf(0.95, df) + stats.t.ppf(0.8, df)) * error) - 1
    # The case's own interval has to end at the threshold, from 1.00.
    wanted = (math.log(1.05) / stats.t.ppf(0.95, df)) ** 2 - of_sessions
    more = math.ceil(4 * (of_processes / wanted - 1))
    told = (
        f"about {more} more processes in each run would decide; a slowdown of {100 * smallest:.0f} % would have shown"
    )
    assert code == 0
    assert f"undecided (the interval of 4 processes reaches the threshold; {told})" in printed
    ab = (
        "python -m bench.ab --a OLD --b NEW --variant manual --backend numpy --device cpu --dtype float32 --points 2000"
    )
    assert f"in one run, in turns, it would be decided: {ab}\n" in printed


def test_what_the_sessions_leave_open_more_processes_do_not_decide(folder, capsys):
    """Right beside the threshold the interval of the sessions alone, however many processes there are, is too wide."""
    old, new = write(folder / "old.json", record()), write(folder / "new.json", record(level=1.04e-5))
    told = "more processes would not decide, for what lies between the two sessions is too much"
    assert f"undecided (the interval of 4 processes reaches the threshold; {told}; " in compared(capsys, old, new)[1]


def test_sides_of_an_ab_run_are_paired_and_name_their_specs(folder, capsys):
    a, b = (
        write(
            folder / f"{side}.json",
            record(scatter=0.1, level=level),
            environment=environment,
            comparison={"id": "1", "side": side, "spec": spec},
        )
        for side, level, environment, spec in (("a", 1e-5, {}, "."), ("b", 1.2e-5, {"X": "1"}, "X=1"))
    )
    code, printed = compared(capsys, a, b, "--fail-if-slower", "5%")
    assert code == 1
    assert "old: a.json (a: .)\nnew: b.json (b: X=1)\n" in printed
    assert "slower" in line(printed, "manual-numpy") and "by process and turn, 4 processes a case," in printed
    assert "changed: X none -> 1" in printed
    assert "the machine" not in printed and "no control" not in printed and "in one run" not in printed


CASE = Case("manual", "numpy", "cpu", "float32", 2000)


def table(*verdicts: str) -> Table:
    one = Interval(1.0, 0.9, 1.1)
    rows = tuple(Row(CASE, verdict, "why", 1e-5, 1e-5, one, 0.1, 5.0, None, (0.95, 1.05)) for verdict in verdicts)
    return Table("old", "new", rows, one, 0.05, True, {}, None, ())


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ((SAME, FASTER, APPEARED), 0),
        ((SAME, VANISHED), 3),
        ((SAME, NOT_COMPARED), 3),
        ((SLOWER, NOT_COMPARED), 1),
        ((), 3),
        ((SLOWER, VANISHED), 1),
        ((SAME, SLOWER, UNDECIDED), 1),
        ((SAME, FAILED, UNDECIDED), 1),
        ((SAME, UNDECIDED, FASTER), 3),
    ],
)
def test_exit_codes(verdicts, code):
    assert exit_code(table(*verdicts), gate=True) == code
    assert exit_code(table(*verdicts), gate=False) == 0


def test_what_is_not_known_is_said_so():
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    one = replace(table(UNDECIDED).rows[0], ratio=nothing, own=(math.nan, math.nan), reason="no turn is in both")
    printed = text(replace(table(), rows=(one,), geometric_mean=Interval(1.5, float("nan"), float("nan"))))
    assert "unknown" in printed and "undecided (no turn is in both)" in printed and "5.0 -> ?" in printed
    assert "geometric mean of new / old: 1.500\n" in printed + "\n"
    assert "nan" not in printed
    wide = replace(table(UNDECIDED).rows[0], own=(1e-90, math.inf), smallest=1e90, reason=None)
    printed = text(replace(table(), rows=(wide,)))
    assert "1.000 (0 to infinity)" in printed
    assert "undecided (too few processes: no slowdown would have shown)" in printed


@pytest.mark.parametrize(
    ("smallest", "paired", "words"),
    [
        (0.1234, True, "a slowdown of 12 % would have shown"),
        (1.0, True, "a slowdown of 100 % would have shown"),
        (22.0, True, "too few processes: only a slowdown of 2200 % would have shown"),
        (22.0, False, "too few processes: only a slowdown of 2200 % would have shown"),
    ],
)
def test_what_an_undecided_case_would_have_shown(smallest, paired, words):
    one = replace(table(UNDECIDED).rows[0], smallest=smallest, reason=None)
    assert f"undecided ({words})" in text(replace(table(), rows=(one,), paired=paired))


@pytest.mark.parametrize(("level", "code"), [(1e-5, 0), (1.2e-5, 1), (0.8e-5, 0)])
def test_the_gate_fires_for_what_is_slower(folder, capsys, level, code):
    old, new = write(folder / "old.json", record()), write(folder / "new.json", record(level=level))
    assert compared(capsys, old, new, "--fail-if-slower", "5%")[0] == code
    assert compared(capsys, old, new)[0] == 0


def test_the_gate_does_not_pass_what_is_undecided_or_failed(folder, capsys):
    scattered = [write(folder / f"{name}.json", record(scatter=0.03)) for name in ("old", "new")]
    assert compared(capsys, *scattered, "--fail-if-slower", "5%")[0] == 3
    old, new = write(folder / "old.json", record()), write(folder / "new.json", broken("numpy", "wrong"))
    code, printed = compared(capsys, old, new, "--fail-if-slower", "5%")
    assert code == 1 and "failed: manual-numpy-cpu-float32-2000: in new: wrong" in printed


def test_a_slower_machine_is_not_called_slower_code(folder, capsys):
    old, new = write(folder / "old.json", record()), write(folder / "new.json", record(level=1.2e-5, control=1.2e-3))
    code, printed = compared(capsys, old, new, "--fail-if-slower", "5%")
    assert code == 3 and "the machine's own state, new / old, which is taken away: core 1.20, memory 1.20\n" in printed


def test_what_is_left_and_the_state_are_correlated_where_they_are(folder, capsys):
    """By hand, of two processes of one case in each of two runs: the rest moves with the core, or against it."""
    for sign, told in ((1, "1.00"), (-1, "-1.00")):
        files = []
        for name in ("old", "new"):
            seconds = 1e-5 * np.exp(0.1 * sign * np.arange(2))[:, None] * np.ones(TURNS)
            rounds = builders.rounds(seconds)
            moved = [0.001 * math.exp(0.01 * process) for process in rounds.process]
            controls = dict.fromkeys(rounds.controls, moved)
            files.append(write(folder / f"{name}.json", record(rounds=builders.rounds(seconds, controls=controls))))
        assert f"; what is left correlates with it by {told}\n" in compared(capsys, *files)[1]


def test_without_controls_that_is_told(folder, capsys):
    files = [write(folder / f"{name}.json", record(control=None)) for name in ("old", "new")]
    code, printed = compared(capsys, *files, *GATE)
    assert code == 3 and "no control tells of the machine in all of these runs: what it did itself is not" in printed
    code, printed = compared(capsys, files[0], write(folder / "new.json", record()), *GATE)
    assert code == 3 and "no control tells of the machine in all of these runs: what it did itself is not" in printed


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ((), "slower"),
        (("--threshold", "5%"), "slower"),
        (("--threshold", "0.05"), "slower"),
        (("--threshold", "20%"), "same"),
        (("--fail-if-slower", "0.2"), "same"),
        (("--threshold", "20%", "--fail-if-slower", "0.2"), "same"),
    ],
)
def test_thresholds(folder, capsys, words, verdict):
    old, new = write(folder / "old.json", record()), write(folder / "new.json", record(level=1.12e-5))
    assert f"  {verdict}  " in compared(capsys, old, new, *words)[1]


ALLOWED = "allowed: more than 0% and less than 100%, as in 5% or 0.05"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--threshold", "5"), f"--threshold 5: out of range; {ALLOWED}"),
        (("--threshold", "0%"), f"--threshold 0%: out of range; {ALLOWED}"),
        (("--fail-if-slower", "100%"), f"--fail-if-slower 100%: out of range; {ALLOWED}"),
        (("--fail-if-slower", "nan"), f"--fail-if-slower nan: out of range; {ALLOWED}"),
        (("--fail-if-slower", "few"), f"--fail-if-slower 'few': not a percentage; {ALLOWED}"),
        (
            ("--threshold", "5%", "--fail-if-slower", "10%"),
            "--threshold 5% and --fail-if-slower 10% contradict each other; give one, or both alike",
        ),
    ],
)
def test_wrong_thresholds_are_one_line(folder, capsys, words, message):
    files = [write(folder / f"{name}.json", record()) for name in ("old", "new")]
    assert refused(capsys, *files, *words) == message


GATE = ("--fail-if-slower", "5%")
FORCE = "; give --force to compare them all the same"


@pytest.mark.parametrize(
    ("one", "machine", "difference"),
    [
        (record(threads=2), {}, "threads 1 and 2"),
        (record(threads=2, steps=500), {}, "threads 1 and 2, steps 200 and 500"),
        (record(cores=[0, 3]), {}, "pinned cores 1 and 0, 3"),
        (record(seed=8), {}, "seed 7 and 8"),
        (record(device_name="Another"), {}, "device name A CPU and Another"),
        (record(matmul_precision="high"), {}, "matmul precision highest and high"),
        (record(matmul_precision="two\nlines"), {}, "matmul precision highest and two lines"),
        (record(), {"cpu": "Another"}, "cpu A CPU and Another"),
        (record(), {"cores": 8}, "machine's cores 2 and 8"),
        (record(), {"physical_cores": 4}, "physical_cores 1 and 4"),
        (record(), {"affinity": [1]}, "affinity 0, 1 and 1"),
        (record(), {"governor": "powersave"}, "governor unknown and powersave"),
        (record(), {"os": "Another"}, "os An OS and Another"),
        (record(), {"environment": {"XLA_FLAGS": "--x"}}, "XLA_FLAGS unset and --x"),
    ],
)
def test_unlike_runs_are_refused_unless_forced(folder, capsys, one, machine, difference):
    old, new = write(folder / "old.json", record()), write(folder / "new.json", one, **machine)
    assert refused(capsys, old, new) == f"old.json and new.json are unlike: {difference}{FORCE}"
    assert f"compared although unlike: {difference}\n" in compared(capsys, old, new, "--force")[1]


def with_gc(path: Path, disabled: bool) -> Path:
    """The run as pytest-benchmark writes it, with its options."""
    document = json.loads(path.read_text())
    for each in document["benchmarks"]:
        each["options"] = {"disable_gc": disabled, "timer": "worker"}
    path.write_text(json.dumps(document))
    return path


def test_runs_with_and_without_garbage_collection_are_unlike(folder, capsys):
    old, new = (with_gc(write(folder / f"{name}.json", record()), name == "new") for name in ("old", "new"))
    assert refused(capsys, old, new) == f"old.json and new.json are unlike: disable_gc False and True{FORCE}"
    assert compared(capsys, old, with_gc(new, False))[0] == 0


SKIPPED_NUMPY = builders.record(outcome=SKIPPED, reason="no reason")


def test_a_run_without_a_round_is_not_called_unlike(folder, capsys):
    """As one that Ctrl-C ended early: nobody knows of its garbage collection, and nothing can be compared."""
    old, new = with_gc(write(folder / "old.json", record()), False), write(folder / "new.json", SKIPPED_NUMPY)
    assert refused(capsys, old, new).startswith("no case was measured in both runs; ")


def test_cases_are_like_each_of_them_and_not_only_in_all(folder, capsys):
    """Both runs have threads 1 and 2, in different cases."""
    runs = [
        write(folder / f"{name}.json", record("numpy", threads=one), record("jax", threads=other))
        for name, one, other in (("old", 1, 2), ("new", 2, 1))
    ]
    assert refused(capsys, *runs) == f"old.json and new.json are unlike: threads 1, 2 and 1, 2{FORCE}"


def test_threads_may_be_what_is_compared(folder, capsys):
    old = write(folder / "old.json", record(), record("jax"))
    new = write(folder / "new.json", *(record(name, threads=2, cores=[0, 1]) for name in ("numpy", "jax")))
    assert "unlike: threads 1 and 2, pinned cores 1 and 0, 1;" in refused(capsys, old, new)
    printed = compared(capsys, old, new, "--across", "threads")[1]
    assert "changed: threads 1 -> 2\n" in printed and "unlike" not in printed


def test_across_lets_nothing_else_differ(folder, capsys):
    """Neither other settings, nor the cores of a case whose threads are the same."""
    old = write(folder / "old.json", record(), record("jax"))
    new = write(folder / "new.json", record(threads=2, cores=[0, 1], seed=8), record("jax", cores=[0]))
    assert refused(capsys, old, new, "--across=threads").endswith(f"unlike: pinned cores 1 and 0, seed 7 and 8{FORCE}")
    assert refused(capsys, old, new, "--across=cpu") == "--across 'cpu': unknown; allowed: threads"


def test_sides_may_differ_in_threads(folder, capsys):
    a, b = (
        write(folder / f"{side}.json", record(threads=threads), comparison={"id": "1", "side": side, "spec": "."})
        for side, threads in (("a", 1), ("b", 2))
    )
    assert "changed: threads 1 -> 2\n" in compared(capsys, a, b)[1]


SKIPPED_TORCH = builders.record(backend="torch", outcome=SKIPPED, reason="torch not installed; pip install it")


@pytest.mark.parametrize("old", [SKIPPED_TORCH, broken("torch", "killed")])
def test_an_old_run_without_torch_is_no_pass(folder, capsys, old):
    files = write(folder / "old.json", record(), old), write(folder / "new.json", record(), record("torch"))
    code, printed = compared(capsys, *files, *GATE)
    assert code == 3 and "0 slower, 1 same, 1 not compared;" in printed
    assert f"not compared: manual-torch-cpu-float32-2000: {old.outcome} in old: {old.reason}\n" in printed


def test_a_case_that_the_old_code_did_not_have_passes_and_is_told(folder, capsys):
    files = write(folder / "old.json", record()), write(folder / "new.json", record(), record("torch"))
    code, printed = compared(capsys, *files, *GATE)
    assert code == 0 and "appeared: manual-torch-cpu-float32-2000: not in the old run\n" in printed


def test_a_framework_that_is_installed_nowhere_is_counted_and_no_pass(folder, capsys):
    """With a line for all its cases together."""
    sizes = [builders.record(backend="torch", outcome=SKIPPED, reason="not installed", points=n) for n in range(10, 18)]
    code, printed = compared(
        capsys, *(write(folder / f"{name}.json", record(), *sizes) for name in ("old", "new")), "--fail-if-slower=5%"
    )
    assert code == 3 and "1 same, 8 not compared;" in printed
    told = line(printed, "not compared: manual-torch-cpu-float32-10, ")
    assert told.endswith("manual-torch-cpu-float32-12 and 5 more: skipped in both: not installed")


def test_runs_without_timings_are_no_pass(folder, capsys):
    agreed = [write(folder / f"{name}.json", builders.record(outcome=AGREED)) for name in ("old", "new")]
    assert "no case was measured in both runs" in refused(capsys, *agreed, *GATE)


def test_lost_processes_are_told(folder, capsys):
    killed = "process 3: round: the worker was killed (SIGKILL)"
    old, new = write(folder / "old.json", record()), write(folder / "new.json", record(lost=[killed]))
    assert f"lost: new.json: manual-numpy-cpu-float32-2000, {killed}" in compared(capsys, old, new)[1]


def test_a_run_that_was_cut_short_is_no_pass(folder, capsys):
    old, new = write(folder / "old.json", record()), write(folder / "new.json", record(), cut_short=True)
    code, printed = compared(capsys, old, new, *GATE)
    assert code == 3 and "cut short: new.json: it ended before all that was planned was measured" in printed
    assert compared(capsys, old, write(folder / "new.json", record(level=2e-5), cut_short=True), *GATE)[0] == 1


def test_runs_may_differ_in_what_is_compared(folder, capsys):
    old = write(folder / "old.json", record(), record("torch", steps=1))
    new = write(folder / "new.json", record(), python="3.12.1", load_average=[3.0], git_commit="1")
    printed = compared(capsys, old, new)[1]
    assert "changed: python 3.11.7 -> 3.12.1" in printed
    assert "vanished: manual-torch-cpu-float32-2000: not in the new run" in printed


def test_runs_that_cannot_be_compared_are_refused(folder, capsys):
    old = write(folder / "old.json", record())
    assert refused(capsys, old, old) == "old.json: given twice; expected different runs"
    assert refused(capsys, old, "none.json").startswith("none.json: cannot be read")
    assert "no case was measured in both runs" in refused(capsys, old, write(folder / "new.json", record("jax")))
    untimed = builders.write(folder / "untimed.json", [{**record().flat(), "rounds": None}])
    message = "untimed.json: benchmarks[0].extra_info: outcome 'measured': expected `rounds` after the warm-up"
    assert refused(capsys, old, untimed) == message
    assert refused(capsys, old) == "old.json: is alone; expected OLD.json and NEW.json"
    assert refused(capsys).startswith("the following arguments are required: JSON")


@pytest.fixture
def several(folder) -> list[Path]:
    """Three old runs and a new one."""
    days = ("2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23")
    levels = (1e-5, 0.99e-5, 1.01e-5, 1e-5)
    return [
        write_at(folder / f"{name}.json", f"{day}T00:00:00", record(level=level))
        for name, day, level in zip(("one", "two", "three", "new"), days, levels, strict=True)
    ]


def write_at(path: Path, date: str, *records: Record, **machine) -> Path:
    document = json.loads(write(path, *records, **machine).read_text())
    path.write_text(json.dumps({**document, "datetime": date}))
    return path


def test_several_old_runs_are_compared_with_the_last_in_whatever_order(several, capsys):
    *olds, new = several
    printed = {compared(capsys, *each, new) for each in itertools.permutations(olds)}
    ((code, text),) = printed
    assert code == 0 and text.startswith("old: one.json, two.json, three.json\nnew: new.json\n")
    assert line(text, "manual-numpy").split()[5:10:4] == ["1.000", "same"]


def test_among_several_old_runs_what_is_unlike_is_refused_by_its_name(several, capsys):
    *olds, new = several
    for one, machine, difference in (
        (record(threads=2), {}, "threads 2 and 1"),
        (record(seed=8), {}, "seed 8 and 7"),
        (record(), {"cpu": "Another"}, "cpu Another and A CPU"),
    ):
        other = write(Path("other.json"), one, **machine)
        for i in range(len(olds) + 1):
            message = refused(capsys, *olds[:i], other, *olds[i:], new)
            assert message == f"other.json and new.json are unlike: {difference}{FORCE}"
        assert f"compared although unlike: {difference}\n" in compared(capsys, *olds, other, new, "--force")[1]


def test_a_file_that_is_no_run_among_several_is_refused_by_its_name(several, capsys):
    *olds, new = several
    bad = Path("bad.json")
    a, b, alone = Path("a.json"), Path("b.json"), Path("x.json")
    for path, side, key in ((a, "a", "1"), (b, "b", "1"), (alone, "a", "2")):
        write(path, record(), comparison={"id": key, "side": side, "spec": "."})
    journal = Path("run.json.journal")
    sqlite3.connect(journal).execute("create table samples (x)").connection.close()
    link = Path("link.json")
    link.symlink_to(olds[1])
    for content, words in (
        (b"{", "bad.json: not JSON"),
        (b"\xff\xfe", "bad.json: "),
        (b"{}", "bad.json: JSON, but not of pytest-benchmark"),
        (new.read_bytes().replace(b'"seconds":', b'"other":'), "bad.json: benchmarks[0].extra_info"),
        (journal.read_bytes(), "bad.json: "),
    ):
        bad.write_bytes(content)
        for given in ([bad, *olds, new], [*olds, bad, new], [*olds, new, bad]):
            assert refused(capsys, *given).startswith(words)
    for given, words in (
        ([*olds, journal, new], "run.json.journal: "),
        ([*olds, Path("none.json"), new], "none.json: cannot be read"),
        ([*olds, olds[0], new], "one.json: given twice; expected different runs"),
        ([*olds, link, new], "link.json: given twice; expected different runs"),
        ([*olds, new, new], "new.json: given twice; expected different runs"),
        ([*olds, a, b], "a.json: the other side of b.json; expected these two alone, or runs of other times"),
        ([b, *olds, a, new], "a.json: the other side of b.json; expected these two alone, or runs of other times"),
    ):
        assert refused(capsys, *given).startswith(words)
    assert compared(capsys, *olds, alone, new)[0] == 0  # a side of another time is a run like others


def test_the_help_lists_the_options(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("--threshold", "--fail-if-slower", "--force", "5%"))


# As `python -m` does it, once after the other in one process; then whether the check of the frameworks can fail.
COMMANDS = f"""
import runpy
import sys

def told(*words):
    print("exit", *words, sorted({{*{FRAMEWORKS!r}}} & {{*sys.modules}}), flush=True)

old, new, missing = sys.argv[1:]
for words in ([old, new, "--fail-if-slower", "5%"], [old, missing]):
    sys.argv[1:] = words
    try:
        runpy.run_module("bench.compare", run_name="__main__", alter_sys=True)
    except SystemExit as caught:
        told(caught.code)
import autograd
told()
"""


def test_the_command_exits_with_the_code_and_imports_no_framework(tmp_path):
    files = write(tmp_path / "old.json", record()), write(tmp_path / "new.json", record(level=1.2e-5))
    command = [sys.executable, "-c", COMMANDS, *map(str, files), str(tmp_path / "none.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    table, *exits = done.stdout.split("exit ")
    assert "1 slower" in table
    assert [line.strip() for line in exits] == ["1 []", "2 []", "['autograd']"]  # code 2 printed no table
    assert done.stderr.count("\n") == 1 and done.stderr.startswith(f"error: {tmp_path / 'none.json'}: cannot be read")


def test_a_reason_of_several_lines_forges_none_of_the_table(folder, capsys):
    reason = "not installed\nslower: everything"
    old = write(folder / "old.json", record(), builders.record(backend="torch", outcome=SKIPPED, reason=reason))
    new = write(folder / "new.json", record(), builders.record(backend="torch", outcome=SKIPPED, reason=reason))
    _, printed = compared(capsys, old, new)
    assert "not installed" in printed and "everything" not in printed
