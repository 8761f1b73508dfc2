"""`python -m bench.ab`: identical code is never called slower, a planted slowdown is, a side that fails has failed."""

import json
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, run

from bench import report
from bench.records.record import load

FEW = ("--device=cpu", "--backend=numpy", "--variant=manual", "--dtype=float64", "--points=200", "--steps=300")
SHORT = ("--processes=4", "--max-time=0.4")


def ab(*words: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("bench.ab", *FEW, *SHORT, *words, cwd=cwd, **environment)


def row(output: str) -> str:
    return next(line for line in output.splitlines() if line.startswith("manual-numpy-cpu-float64-200"))


@pytest.fixture(scope="module")
def slowed(tmp_path_factory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """This checkout, and the same with every round made twice as long."""
    folder = tmp_path_factory.mktemp("slowed")
    return ab("--a=.", "--b=FITBENCH_SLOWDOWN=1.0", "--fail-if-slower=20%", "--output", folder), folder


def test_a_planted_slowdown_is_found_and_sets_the_exit_code(slowed):
    done, _ = slowed
    assert done.returncode == 1, done.stdout + done.stderr
    assert "slower" in row(done.stdout)


def test_each_side_leaves_a_json_that_report_and_compare_read(slowed, tmp_path):
    _, folder = slowed
    a, b = load(folder / "a.json"), load(folder / "b.json")
    assert a.machine["fitbench"]["comparison"]["id"] == b.machine["fitbench"]["comparison"]["id"]
    assert b.machine["fitbench"]["comparison"]["spec"] == "FITBENCH_SLOWDOWN=1.0"
    assert b.machine["fitbench"]["environment"]["FITBENCH_SLOWDOWN"] == "1.0"
    for run_ in (a, b):
        (record,) = run_.records
        assert [one["process"] for one in record.processes] == [0, 1, 2, 3]
    done = run("bench.compare", folder / "a.json", folder / "b.json", "--fail-if-slower=20%")
    assert (done.returncode, "slower" in row(done.stdout)) == (1, True)
    assert report.main([str(folder / "a.json"), str(folder / "b.json"), "--output", str(tmp_path / "report")]) == 0


def test_the_sides_have_the_same_turns_of_the_same_steps(slowed):
    _, folder = slowed
    rounds = [load(folder / f"{side}.json").records[0].rounds for side in "ab"]
    for name in ("process", "turn", "steps"):
        assert rounds[0][name] == rounds[1][name]


def test_identical_code_is_not_called_slower(tmp_path):
    done = ab("--a=.", "--b=.", "--fail-if-slower=20%", "--output", tmp_path)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert not any(word in row(done.stdout) for word in ("slower", "faster"))


def test_a_revision_is_compared_with_the_working_tree(copy, tmp_path):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=copy, check=True)

    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=before"]):
        git(*words)
    path = copy / "impls" / "manual" / "numpy_fit.py"
    path.write_text(
        path.read_text().replace(
            "def step(", "def step(*given):\n    once(*given)\n    return once(*given)\n\n\ndef once("
        )
    )
    done = ab("--a=HEAD", "--b=.", "--fail-if-slower=20%", "--output", tmp_path / "out", cwd=copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "slower" in row(done.stdout)
    listed = subprocess.run(["git", "worktree", "list"], cwd=copy, capture_output=True, text=True).stdout
    assert len(listed.splitlines()) == 1


def test_a_side_that_cannot_start_is_failed_and_never_the_same(tmp_path):
    done = ab("--a=.", "--b=FITBENCH_SLOWDOWN=much", "--output", tmp_path)
    assert done.returncode == 1
    assert "same" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert "--b 'FITBENCH_SLOWDOWN=much': no case was timed" in line and "much" in line


def test_a_wrong_case_of_one_side_fails_the_gate(copy, tmp_path):
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    subprocess.run(["git", "add", "."], cwd=copy, check=True)
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"], cwd=copy, check=True)
    path = copy / "impls" / "nn" / "numpy_fit.py"
    path.write_text(path.read_text() + "\n\ndef loss(residual):\n    return (residual * residual).mean()\n")
    done = ab("--variant=nn", "--a=HEAD", "--b=.", "--fail-if-slower=50%", "--output", tmp_path / "out", cwd=copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "failed" in done.stdout and "left the exact fit" in done.stdout


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
        (["--a=.", "--b=OMP_NUM_THREADS=2"], ["OMP_NUM_THREADS", "--threads"]),
        (["--a=.", "--b=.", "--resume"], ["resume"]),
        (["--a=.", "--b=.", "--output=pyproject.toml/out"], ["--output pyproject.toml/out", "expected a folder"]),
        (["--self-test", "--repeats=0"], ["--repeats 0", "at least 1"]),
        (["--self-test", "--slowdown=-1%"], ["--slowdown"]),
        (["--self-test", "--b=."], ["--self-test", "give no --a"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, words, names):
    precious = tmp_path / "out" / "a.json"
    precious.parent.mkdir()
    precious.write_text("precious")
    done = ab("--output", tmp_path / "out", *words)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and all(name in line for name in names), line
    assert precious.read_text() == "precious"


def test_the_self_test_reports_its_error_rates_with_intervals(tmp_path):
    words = ("--self-test", "--repeats=1", "--slowdown=90%", "--threshold=20%", "--output", tmp_path)
    done = ab(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "comparisons with a false alarm: 0 of 2 (0.0 %, 95 % interval 0.0 to 84.2 %)" in done.stdout
    assert "slowed cases found: 1 of 1" in done.stdout
    assert json.loads((tmp_path / "planted-01" / "b.json").read_text())["benchmarks"]
