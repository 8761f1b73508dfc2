"""What options of pytest and its plugins do to `pytest bench`: they work, or are refused in one line."""

import json
import re
from pathlib import Path

import pytest
from conftest import bench

FEW = ("--device=cpu", "--backend=numpy", "--variant=manual,nn", "--dtype=float64", "--points=200", "--steps=300")
SHORT = ("--processes=1", "--max-time=0.05")

# As pytest-repeat does it.
REPEATING = """
def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("step")
    metafunc.parametrize("step", range({times}))
"""


def refused(tmp_path: Path, *words: object, **environment: str) -> str:
    """The one line that a run ends with before it begins; nothing is left of it."""
    path = tmp_path / "out" / "run.json"
    done = bench(*FEW, *words, f"--benchmark-json={path}", **environment)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr and "INTERNALERROR" not in done.stdout
    assert not path.parent.exists() or not any(path.parent.iterdir())
    (line,) = (
        line for line in done.stderr.splitlines() + done.stdout.splitlines() if "allowed" in line or "run w" in line
    )
    return line


@pytest.mark.parametrize("words", [["-n2"], ["-n1"], ["--dist=load", "--tx=2*popen"]])
def test_xdist_would_measure_cases_at_once(tmp_path, words):
    assert "--numprocesses, --dist: xdist would time cases at once on one core; run without it" in refused(
        tmp_path, *words
    )


def test_cprofile_profiles_no_fit(tmp_path):
    told = refused(tmp_path, "--benchmark-cprofile=tottime")
    assert "--benchmark-cprofile: no fit runs in the process that it profiles; run without it" in told


def planted(tmp_path: Path, times: int) -> dict[str, str]:
    (tmp_path / "repeating.py").write_text(REPEATING.format(times=times))
    return {"PYTHONPATH": str(tmp_path)}


def test_a_case_is_measured_once(tmp_path):
    told = refused(tmp_path, "-p", "repeating", **planted(tmp_path, 2))
    assert re.search(r"manual-numpy-cpu-float64-200: selected 2 times.*allowed: once, in several --processes", told)


def test_a_case_may_have_parameters_of_other_plugins_and_xdist_be_there(tmp_path):
    path = tmp_path / "run.json"
    done = bench(*FEW, *SHORT, "-n0", "-p", "repeating", f"--benchmark-json={path}", **planted(tmp_path, 1))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(path.read_text())["benchmarks"]) == 2


def test_a_json_may_be_a_link_to_a_file_that_is_not_there_yet(tmp_path):
    link, path = tmp_path / "link.json", tmp_path / "elsewhere" / "run.json"
    link.symlink_to(path)
    done = bench(*FEW, *SHORT, f"--benchmark-json={link}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert link.is_symlink() and len(json.loads(path.read_text())["benchmarks"]) == 2


def test_a_refused_run_leaves_such_a_link(tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "run.json")
    assert bench(*FEW, "--collect-only", f"--benchmark-json={link}").returncode == 0
    assert link.is_symlink() and not link.exists()
