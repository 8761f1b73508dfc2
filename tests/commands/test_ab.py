"""`python -m bench.ab`: identical code is never called slower, a planted slowdown is, a side that fails has failed."""

import contextlib
import errno
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, run

from bench import compare, report
from bench.ab import main
from bench.cases.options import choice_of
from bench.measuring.comparison import _has_effect
from bench.records.reading import load
from bench.sides.side import here

OLDER = "ef87f0a"  # a revision whose workers know nothing of this one's types
FEW = ("--device=cpu", "--backend=numpy", "--variant=manual", "--dtype=float64", "--points=200", "--steps=300")
SHORT = ("--processes=8", "--max-time=0.2")


def ab(*words: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return run("bench.ab", *FEW, *SHORT, *words, cwd=cwd)


def ab_here(*words: object) -> int:
    """The same in this process; what it prints is in capsys."""
    return main([*FEW, *SHORT, *map(str, words)])


def without_progress(printed: str) -> list[str]:
    """The lines of stderr but those that say how far it is, as "process 1 of 8, group 1 of 1: ..."."""
    return [line for line in printed.splitlines() if not re.match(r"process \d+ of \d+, group \d+ of \d+: ", line)]


def row(output: str) -> str:
    return next(line for line in output.splitlines() if line.startswith("manual-numpy-cpu-float64-200"))


@pytest.fixture(scope="module")
def slowed(tmp_path_factory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """This checkout, and the same with every round made ten times as long, which no noise of a machine hides."""
    folder = tmp_path_factory.mktemp("slowed")
    return ab("--a=.", "--b=FITBENCH_SLOWDOWN=9.0", "--fail-if-slower=20%", "--output", folder), folder


def test_a_planted_slowdown_is_found_and_sets_the_exit_code(slowed):
    done, _ = slowed
    assert done.returncode == 1, done.stdout + done.stderr
    assert "slower" in row(done.stdout)


def test_each_side_leaves_a_json_that_report_and_compare_read(slowed, tmp_path, capsys):
    _, folder = slowed
    a, b = load(folder / "a.json"), load(folder / "b.json")
    assert a.machine.comparison.id == b.machine.comparison.id
    assert (a.machine.comparison.side, b.machine.comparison.side) == ("a", "b")
    assert b.machine.comparison.spec == "FITBENCH_SLOWDOWN=9.0"
    assert b.machine.environment["FITBENCH_SLOWDOWN"] == "9.0"
    for run_ in (a, b):
        (record,) = run_.records
        assert record.processes[0].process == 0 and not record.cut_short
    assert compare.main([str(folder / "a.json"), str(folder / "b.json"), "--fail-if-slower=20%"]) == 1
    capsys.readouterr()
    assert report.main([str(folder / "a.json"), str(folder / "b.json"), "--output", str(tmp_path / "report")]) == 0


def test_a_case_that_is_decided_gets_no_more_processes_and_its_record_says_so(slowed):
    """Three processes show a slowdown of 900 %, and two confirm it, of the eight that it might have had."""
    _, folder = slowed
    for side in "ab":
        run_ = load(folder / f"{side}.json")
        (record,) = run_.records
        assert [one.process for one in record.processes] == [0, 1, 2, 3, 4]
        assert (record.sampling.stopped, record.sampling.asked) == ("decided", 8)
        assert run_.machine.comparison.looks == (3, 8) and not run_.machine.cut_short


def test_compare_comes_to_the_same_verdicts_as_the_run_itself(slowed, capsys):
    done, folder = slowed
    assert compare.main([str(folder / "a.json"), str(folder / "b.json"), "--threshold=20%"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == done.stdout.rstrip("\n")


def test_the_sides_have_the_same_turns_of_the_same_steps(slowed):
    _, folder = slowed
    rounds = [load(folder / f"{side}.json").records[0].rounds for side in "ab"]
    for name in ("process", "turn", "steps"):
        assert getattr(rounds[0], name) == getattr(rounds[1], name)


def test_identical_code_is_not_called_slower(tmp_path, capsys):
    code = ab_here("--a=.", "--b=.", "--fail-if-slower=20%", "--output", tmp_path)
    output = capsys.readouterr().out
    assert code in (0, 3), output
    assert not any(word in row(output) for word in ("slower", "faster"))


def git(*words: str, cwd: Path) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *words], cwd=cwd, capture_output=True, text=True, check=True).stdout


def commit(copy: Path) -> None:
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=before"]):
        git(*words, cwd=copy)


def test_a_revision_is_compared_with_the_working_tree(copy, tmp_path):
    commit(copy)
    path = copy / "impls" / "manual" / "numpy_fit.py"
    path.write_text(
        path.read_text().replace(
            "def step(", "def step(*given):\n    once(*given)\n    return once(*given)\n\n\ndef once("
        )
    )
    done = ab("--a=HEAD", "--b=.", "--fail-if-slower=20%", "--output", tmp_path / "out", cwd=copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "slower" in row(done.stdout)
    assert len(git("worktree", "list", cwd=copy).splitlines()) == 1


def test_an_edit_during_a_comparison_ends_it_and_loses_nothing(copy, tmp_path):
    """The workers of the third process find another code than those before them."""
    path = copy / "impls" / "manual" / "numpy_fit.py"
    count = tmp_path / "count"
    edit = (
        f"import os\nwith open({str(count)!r}, 'a') as file:\n    file.write('x')\n"
        f"if os.path.getsize({str(count)!r}) == 5:\n    open(__file__, 'a').write('# more')\n"
    )
    path.write_text(f"{path.read_text()}\n\n{edit}")
    done = ab("--a=.", "--b=FITBENCH_SLOWDOWN=0.1", "--output", tmp_path / "out", cwd=copy)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = without_progress(done.stderr)
    assert "the code of --a '.' was changed during the run: impls/manual/numpy_fit.py; what was measured" in line
    for side in "ab":
        (record,) = load(tmp_path / "out" / f"{side}.json").records
        assert [one.process for one in record.processes] == [0, 1] and record.cut_short
    assert (tmp_path / "out" / "ab.json.journal").exists()


def test_an_older_revision_can_be_a_side(copy, tmp_path):
    """Its workers are asked in words that they understand, and what they answer is understood."""
    if subprocess.run(["git", "cat-file", "-e", f"{OLDER}^{{commit}}"], cwd=ROOT, capture_output=True).returncode:
        pytest.skip(f"the commit {OLDER} is not in this clone")
    git("init", "--quiet", cwd=copy)
    # Its commits are those of this clone, which is not touched: the worktree is one of the copy.
    objects = ROOT / git("rev-parse", "--git-path", "objects", cwd=ROOT).strip()
    (copy / ".git" / "objects" / "info" / "alternates").write_text(f"{objects}\n")
    done = ab(f"--a={OLDER}", "--b=.", "--processes=1", "--output", tmp_path / "out", cwd=copy)
    assert done.returncode == 0, done.stdout + done.stderr
    a, b = (load(tmp_path / "out" / f"{side}.json") for side in "ab")
    assert a.machine.git_commit == git("rev-parse", OLDER, cwd=ROOT).strip() != b.machine.git_commit
    for run_ in (a, b):
        (record,) = run_.records
        assert record.outcome == "measured"
    assert a.records[0].rounds.steps == b.records[0].rounds.steps
    assert a.records[0].coefficients == b.records[0].coefficients
    assert not (copy / ".git" / "worktrees").exists()


def test_a_side_that_cannot_start_is_failed_and_never_the_same(copy, tmp_path):
    commit(copy)
    with (copy / "bench" / "workers" / "serving.py").open("a") as code:
        code.write("\n\ndef serve(seconds):\n    raise RuntimeError('planted')\n")
    done = ab("--a=HEAD", "--b=.", "--processes=1", "--output", tmp_path / "out", cwd=copy)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = without_progress(done.stderr)
    assert "--b '.': no case was timed" in line and "planted" in line


def test_a_wrong_case_of_one_side_fails_the_gate(copy, tmp_path):
    commit(copy)
    path = copy / "impls" / "nn" / "numpy_fit.py"
    path.write_text(path.read_text() + "\n\ndef loss(residual):\n    return (residual * residual).mean()\n")
    words = ("--a=HEAD", "--b=.", "--fail-if-slower=50%", "--output", tmp_path / "out")
    done = ab("--variant=nn", "--processes=1", *words, cwd=copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "failed" in done.stdout and "left the exact fit" in done.stdout


def test_a_case_that_the_old_code_did_not_have_appeared(copy, tmp_path):
    commit(copy)
    shutil.copytree(copy / "impls" / "manual", copy / "impls" / "again")
    words = ("--a=HEAD", "--b=.", "--variant=again", "--processes=1", "--format=json", "--output", tmp_path / "out")
    done = ab(*words, cwd=copy)
    rows = {each["variant"]: (each["verdict"], each["reason"]) for each in json.loads(done.stdout)["cases"]}
    reason = "skipped in old: again is not written for numpy: there is no impls/again/numpy_fit.py"
    assert rows == {"manual": ("undecided", "one process"), "again": ("appeared", reason)}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--a=."], ["--b", "missing"]),
        (["--a=.", "--b=no-such-thing"], ["--b 'no-such-thing'", "git revision"]),
        (["--a=.", "--b=."], ["--output", "is there already"]),
        (["--a=.", "--b=.", "--threshold=0%"], ["--threshold 0%", "more than 0%"]),
        (["--a=.", "--b=.", "--fail-if-slower=fast"], ["--fail-if-slower", "fast"]),
        (["--a=.", "--b=.", "--backend=tinygrad"], ["--backend 'tinygrad'"]),
        (["--a=.", "--b=JAX_ENABLE_X64=1", "--backend=jax"], ["JAX_ENABLE_X64", "set by fitbench"]),
        (
            ["--a=.", "--b=XLA_FLAGS=--xla_cpu_multi_thread_eigen=true", "--backend=numpy,jax-loop"],
            ["--b 'XLA_FLAGS=", ": --xla_cpu_multi_thread_eigen is set by fitbench itself, for jax-loop"],
        ),
        (["--a=.", "--b=OMP_NUM_THREADS=2"], ["OMP_NUM_THREADS", "--threads"]),
        (["--a=.", "--b=.", "--resume"], ["resume"]),
        (["--a=.", "--b=.", "--output=pyproject.toml/out"], ["--output pyproject.toml/out", "expected a folder"]),
        (["--self-test", "--repeats=0"], ["--repeats 0", "at least 1"]),
        (["--self-test", "--slowdown=-1%"], ["--slowdown"]),
        (["--self-test", "--b=."], ["--self-test", "give no --a"]),
        (["--self-test", "--format=json"], ["--self-test", "--format"]),
        (["--a=.", "--b=.", "--repeats=3"], ["--repeats", "of --self-test only"]),
        (["--a=.", "--b=.", "--repeats=3", "--slowdown=5%"], ["--repeats and --slowdown: of --self-test only"]),
        (["--a=.", "--b=.", "--output="], ["--output '': empty"]),
        (["--a=.", "--b=FITBENCH_SLOWDOWN=much"], ["--b 'FITBENCH_SLOWDOWN=much'", "allowed: 0.1, or BACKEND:0.1"]),
        (["--a=FITBENCH_SLOWDOWN=jax:-1", "--b=."], ["--a 'FITBENCH_SLOWDOWN=jax:-1'", "no fraction"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, monkeypatch, words, names):
    monkeypatch.chdir(ROOT)  # paths in words are relative to it
    precious = tmp_path / "out" / "a.json"
    precious.parent.mkdir()
    precious.write_text("precious")
    assert ab_here("--output", tmp_path / "out", *words) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("error: ") and all(name in line for name in names), line
    assert printed.out == ""
    assert precious.read_text() == "precious"


def test_to_resume_needs_the_folder_of_what_is_resumed(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ab_here("--a=.", "--b=.", "--resume") == 2
    assert capsys.readouterr().err == "error: --resume: needs the --output of the comparison that was ended\n"
    assert list(tmp_path.iterdir()) == []


def on_a_terminal(*words: object) -> str:
    """What `ab` leaves on a terminal, which its stdout and stderr are."""
    master, slave = os.openpty()
    with os.fdopen(master, "rb", buffering=0) as terminal:
        command = [sys.executable, "-m", "bench.ab", *FEW, *SHORT, *map(str, words)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=slave, stderr=slave, stdin=slave)
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):  # as a terminal says that nobody is there any more
            while read := terminal.read(4096):
                shown += read
    process.wait(timeout=60)
    return shown.decode()


@pytest.mark.skipif(os.name != "posix", reason="terminals are another matter here")
def test_progress_is_gone_before_anything_else_is_printed(tmp_path):
    shown = on_a_terminal("--a=.", "--b=.", "--processes=1", "--output", tmp_path)
    told, _, rest = shown.rpartition("\r\x1b[K")
    assert told.startswith("\r\x1b[Kprocess 1 of 1") and rest.startswith("old: ")
    assert "process 1 of 1" not in rest and rest.splitlines()[-1].startswith("The runs: ")


def test_a_full_disk_is_no_verdict_and_leaves_the_journal_to_who_resumes_it(tmp_path, monkeypatch):
    """For an OSError that nobody caught every command has one code."""

    def write(path: Path, _: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    words = ("--a=.", "--b=.", "--processes=1", "--output", tmp_path)
    with monkeypatch.context() as full, pytest.raises(OSError, match="No space left"):
        full.setattr("bench.measuring.comparison.write", write)
        ab_here(*words)
    assert [path.name for path in tmp_path.glob("*.journal")] == ["ab.json.journal"]
    assert ab_here(*words, "--resume") == 0
    assert sorted(path.name for path in tmp_path.glob("*.js*")) == ["a.json", "b.json"]


def test_stdout_holds_the_format_that_was_asked_for_and_nothing_else(tmp_path, capsys):
    code = ab_here("--a=.", "--b=.", "--processes=1", "--fail-if-slower=20%", "--format=json", "--output", tmp_path)
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert (code, told["exit_code"], told["verdict"], told["paired"]) == (3, 3, "undecided", True)
    assert [each["reason"] for each in told["cases"]] == ["one process"]
    assert without_progress(printed.err) == [f"The runs: {tmp_path / 'a.json'} {tmp_path / 'b.json'}"]


def test_a_word_that_is_no_option_is_bad_input_too(capsys):
    with pytest.raises(SystemExit) as caught:
        ab_here("--a=.", "--b=.", "--no-such-option")
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "--no-such-option" in line and "bench.ab --help" in line


def test_the_self_test_reports_its_error_rates_with_intervals(tmp_path, capsys):
    words = ("--self-test", "--repeats=1", "--slowdown=90%", "--threshold=20%", "--output", tmp_path)
    code = ab_here(*words)
    printed = capsys.readouterr()
    assert code == 0, printed.out + printed.err
    assert "comparisons with a false alarm: 0 of 2 (0.0 %, 95 % interval 0.0 to 84.2 %)" in printed.out
    assert "slowed cases found: 1 of 1" in printed.out
    assert json.loads((tmp_path / "planted-01" / "b.json").read_text())["benchmarks"]


@pytest.mark.parametrize(
    ("variables", "threads"),
    [("XLA_FLAGS=--xla_cpu_enable_fast_math=true", 1), ("XLA_FLAGS=--xla_cpu_multi_thread_eigen=false", 2)],
)
def test_flags_that_no_option_sets_have_an_effect(variables, threads):
    side = replace(here(), variables=(tuple(variables.split("=", 1)),))
    _has_effect(replace(choice_of(backend=["jax"], device=["cpu"]), threads=threads), side)
