"""Reports on several runs: each is told apart, with the machine that it was made on and who was there beside it."""

from pathlib import Path

import pandas as pd
import pytest
from builders import record, write

from bench.records.record import AGREED, FAILED
from reports import LOOP, PICTURES, made, render_nothing, row, section


@pytest.fixture(autouse=True)
def unrendered(monkeypatch):
    render_nothing(monkeypatch)


@pytest.fixture
def report(tmp_path):
    """Makes the text of a report on runs, which are in the folder too."""
    return lambda *files, **how: made(tmp_path / "out", *files, **how)


def broken(path: Path, **machine) -> Path:
    """A run of which there is nothing to draw."""
    return write(path, [record(outcome=FAILED, reason="wrong")], **machine)


def test_runs_are_told_apart(report, tmp_path):
    here = write(tmp_path / "here" / "run.json", [record()], cpu="Here's CPU", git_dirty=False)
    there = write(tmp_path / "there" / "run.json", [record(LOOP)], cpu="There's CPU")
    third = write(tmp_path / "there" / "other.json", [record(outcome=AGREED)])
    text = report(here, there, third)
    assert row(text, "")[1:] == ["here/run", "there/run", "other"]
    machines = section(text, "Machines")
    assert row(machines, "CPU") == ["CPU", "Here's CPU", "There's CPU", "A CPU"]
    assert row(machines, "git commit")[1:3] == ["0123456789", "0123456789 + uncommitted changes"]
    assert [row(machines, name)[1] for name in ("affinity", "threads", "steps", "seed")] == ["0, 1", "1", "200", "7"]
    assert [row(machines, name)[1] for name in ("Python", "torch", "jax", "numpy")] == [
        "3.11.7",
        "2.13.0",
        "0.10.2",
        "2.4.6",
    ]
    times = section(text, "Iteration time")
    for run, time in (("here/run", "20.0 µs"), ("there/run", "5.00 µs")):
        assert time in times.split(f"**Run {run}: cpu")[1].split("**Run")[0]
        assert f"(iteration-time-{run.replace('/', '-')}-cpu-2000.png)" in times
    assert "**Run other: cpu (A CPU), float32, 2000 points, 200 steps**: nothing was timed." in times
    data = pd.read_csv(tmp_path / "out" / "tables" / "machines.csv")
    assert sorted(data["run"]) == ["here/run", "other", "there/run"]


def test_runs_that_were_not_alone_are_warned_of(report, tmp_path):
    alone = broken(tmp_path / "alone.json", other_runs=[])
    beside = broken(tmp_path / "beside.json", other_runs=[4242, 4243])
    text = report(alone, beside)
    top = text.split("## Machines")[0]
    assert "**Warning: 2 other runs of fitbench went on at the same time as beside (pid 4242, 4243)" in top
    assert top.count("Warning") == 1
    assert row(section(text, "Machines"), "other runs") == ["other runs", "-", "pid 4242, pid 4243"]


def test_runs_with_debugging_settings_are_warned_of(report, tmp_path):
    quick = broken(tmp_path / "quick.json", environment={"JAX_DEBUG_NANS": "0"})
    slow = broken(tmp_path / "slow.json", environment={"JAX_DEBUG_NANS": "1", "MALLOC_CHECK_": "3"})
    top = report(quick, slow).split("## Machines")[0]
    told = r"slow: debugging settings that slow it down: JAX_DEBUG_NANS, MALLOC_CHECK\_"
    assert f"**Warning: {told}. Its timings suffered.**" in top
    assert top.count("Warning") == 1


def test_environment_and_side_are_told(report, tmp_path):
    about = {"environment": {"XLA_FLAGS": "--a=1", "OMP_NUM_THREADS": "1"}}
    about["comparison"] = {"id": "abc", "side": "b", "spec": "XLA_FLAGS=--a=1"}
    machines = section(report(broken(tmp_path / "run.json", **about)), "Machines")
    assert row(machines, "environment")[1] == "XLA_FLAGS=--a=1, OMP_NUM_THREADS=1"
    assert row(machines, "A/B side")[1] == "b: XLA_FLAGS=--a=1" and row(machines, "A/B comparison")[1] == "abc"


def test_pictures_of_runs_with_like_names_do_not_overwrite_each_other(report, tmp_path):
    files = [write(tmp_path / f"{name}.json", [record(outcome=AGREED)]) for name in ("a b", "a-b")]
    text = report(*files, options=PICTURES)
    assert "(agreement-a-b-cpu-2000.png)" in text and "(agreement-a-b-cpu-2000-2.png)" in text
