"""`bench.load`: runs as a frame, for whoever computes with them."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from builders import record, write
from conftest import ROOT

import bench
from bench.records.record import FAILED
from bench.reporting import frames
from reports import paid

STEADY = [[2e-5] * 3] * 3  # of which any mean and any median is 20 µs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "run.json", [record(STEADY), record(backend="jax", outcome=FAILED, reason="wrong")])


@pytest.mark.parametrize("kind", [str, Path, lambda path: [path], lambda path: iter([str(path)])])
def test_a_path_or_several_make_a_row_a_case(path, kind):
    frame = bench.load(kind(path))
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["outcome"]) == ["measured", "failed"] and frame["reason"][1] == "wrong"
    assert frame["seconds"][0] == pytest.approx(2e-5, rel=1e-12) and pd.isna(frame["seconds"][1])
    assert (frame["digits"][0], frame["processes"][0], frame["steps"][0]) == (6.0, 3, 200)
    assert list(frame.columns[:8]) == [*frames.KEYS, "outcome", "reason"]


def test_several_runs_are_told_apart_by_their_files(path, tmp_path):
    other = write(tmp_path / "other.json", [record([[1e-5] * 3] * 3)])
    frame = bench.load([path, other])
    assert frame.groupby("run", observed=True)["seconds"].first().to_dict() == pytest.approx(
        {"run": 2e-5, "other": 1e-5}, rel=1e-12
    )


def test_it_tells_what_comes_before_the_second_iteration(tmp_path):
    frame = bench.load(write(tmp_path / "run.json", paid())).set_index("backend")[list(frames.BEFORE)]
    assert frame.loc["numpy"].tolist() == pytest.approx([1.0, 1.0, 4e-5])  # no cache: the same in both
    assert frame.loc["jax"].tolist() == pytest.approx([5.0, 2.0, 4e-5])


def test_it_holds_what_a_csv_may_hold(path):
    frame = bench.load(path)
    assert not any(isinstance(value, list | dict) for name in frame for value in frame[name] if name != "cores")


@pytest.mark.parametrize(
    ("paths", "told"),
    [([], "no file; expected"), ("none.json", "none.json: cannot be read"), (["a", "a"], "a: cannot")],
)
def test_what_cannot_be_read_is_one_line(paths, told):
    with pytest.raises(ValueError, match=told) as caught:
        bench.load(paths)
    assert "\n" not in str(caught.value)


def test_a_file_given_twice_is_refused(path):
    with pytest.raises(ValueError, match="given twice"):
        bench.load([path, path])


def imported(code: str) -> list[str]:
    """Which of the two a fresh process has that runs the code."""
    told = f"{code}; import sys; print(*sorted(name for name in ('numpy', 'pandas') if name in sys.modules))"
    return subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()


def test_the_package_imports_nothing_until_it_is_asked():
    assert imported("import bench") == []
    assert imported("import pandas") == ["numpy", "pandas"]  # the check can fail
