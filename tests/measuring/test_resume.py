"""Runs killed at random moments, with SIGKILL: they go on with --resume, and end as an unbroken run does.

FITBENCH_KILLS=50 .venv/bin/pytest tests/measuring/test_resume.py     # more of them
"""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from builders import record, write
from conftest import ROOT, bench, interrupt, start

from bench.measuring.journal import stored
from bench.measuring.runner import _interpreter
from bench.records.reading import sample as sample_of
from bench.records.record import Sample
from bench.sides.side import here

KILLS = int(os.environ.get("FITBENCH_KILLS", "3"))
CASES = ("manual", "nn")
WORDS = ("--device=cpu", "--backend=numpy", f"--variant={','.join(CASES)}", "--dtype=float64", "--steps=300")
TIME = ("--processes=2", "--max-time=0.1", "--precision=0.0001%")


def begin(path: Path, *words: str) -> subprocess.Popen[str]:
    return start(path, *WORDS, *TIME, *words)


def journal(path: Path) -> Path:
    return Path(f"{path}.journal")


def samples(path: Path) -> list[Sample]:
    """The samples that are whole in the journal of a run."""
    return [sample_of(journal(path), data) for data in stored(journal(path))]


def is_all(path: Path) -> bool:
    """Whether nothing is left beside the JSON of a run."""
    return [*path.parent.iterdir()] == [path]


TAKEN_AWAY = ("factors", "loadings")  # of the machine's state: whether that helps is the machine's affair


def shape(value: Any) -> Any:
    """A document without its numbers and texts: what is there, and of which kind."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items() if name not in TAKEN_AWAY}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    # Whether a test ended the warm-up is the machine's affair: None where none did.
    return "number" if value is None or isinstance(value, int | float) else type(value).__name__


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> tuple[dict, float]:
    """The document of a run that was let be, and how long it took in seconds."""
    path = tmp_path_factory.mktemp("unbroken") / "run.json"
    begun = time.monotonic()
    process = begin(path)
    assert process.wait(timeout=300) == 0, process.stdout and process.stdout.read()
    assert is_all(path)
    return json.loads(path.read_text()), time.monotonic() - begun


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_run_goes_on_and_nothing_is_lost_or_twice(unbroken, tmp_path, seed):
    document, seconds = unbroken
    path = tmp_path / "run.json"
    process = begin(path)
    time.sleep(random.Random(seed).uniform(0.3, seconds))
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = samples(path)
    if not path.exists() or journal(path).exists():
        process = begin(path, *(["--resume"] if journal(path).exists() else []))
        assert process.wait(timeout=300) == 0, process.stdout and process.stdout.read()
    resumed = json.loads(path.read_text())
    assert shape(resumed) == shape(document)
    assert resumed["not_measured"] == []
    names = [entry["param"] for entry in resumed["benchmarks"]]
    assert sorted(names) == sorted({entry["param"] for entry in document["benchmarks"]}) and len(names) == len(CASES)
    for entry in resumed["benchmarks"]:
        info = entry["extra_info"]
        assert [one["process"] for one in info["processes"]] == [0, 1]
        assert sorted(set(info["rounds"]["process"])) == [0, 1]
        beside = [column for name in ("controls", "readings") for column in info["rounds"].pop(name).values()]
        assert {len(column) for column in (*info["rounds"].values(), *beside)} == {len(info["rounds"]["turn"])}
        # What was in the journal was not measured again.
        started = {one["started"] for one in info["processes"]}
        assert {one.start.started for one in kept if one.case.id == entry["param"]} <= started
    assert is_all(path)


def has_a_worker(process: subprocess.Popen[str]) -> bool:
    """Whether the run has begun to measure."""
    everyone = (one.info for one in psutil.process_iter(["ppid", "cmdline"]))  # skips those that end meanwhile
    return any(one["ppid"] == process.pid and "bench.worker" in (one["cmdline"] or ()) for one in everyone)


def test_ctrl_c_before_anything_is_whole_can_be_resumed(tmp_path):
    path = tmp_path / "run.json"
    process = begin(path)
    while not has_a_worker(process):
        assert process.poll() is None
        time.sleep(0.01)  # well before the first group is whole
    output = interrupt(process)
    assert samples(path) == []
    (command,) = (line for line in output.splitlines() if line.startswith("go on with it: "))
    resumed = subprocess.run(
        shlex.split(command.removeprefix("go on with it: ")), cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert resumed.returncode == 0, resumed.stdout
    assert len(json.loads(path.read_text())["benchmarks"]) == len(CASES)
    assert is_all(path)


def test_an_interpreter_is_the_same_by_any_of_its_names(tmp_path):
    (tmp_path / "python3").symlink_to(sys.executable)
    (tmp_path / "python").symlink_to("python3")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "python").symlink_to(sys.executable)
    one, same, another = (
        _interpreter(replace(here(), python=str(tmp_path / name))) for name in ("python", "python3", "other/python")
    )
    assert one == same != another


def stopped(tmp_path: Path) -> Path:
    """The JSON of a run that was killed once its journal held a sample."""
    path = tmp_path / "run.json"
    process = begin(path)
    while not samples(path):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    return path


def test_a_journal_is_not_overwritten_nor_resumed_with_other_options_versions_or_cases(tmp_path):
    path = stopped(tmp_path)
    before = stored(journal(path))
    (other,) = {*CASES} - {samples(path)[0].case.variant}  # than the one whose group came first
    assert {one.case.variant for one in samples(path)} <= set(CASES)
    same = (*WORDS, *TIME, f"--benchmark-json={path}")
    for words, name in (
        (same, "--resume"),
        ((*same, "--resume", "--seed=1"), "choice.seed was 0, is 1"),
        ((*same, "--resume", "-k", other), "not selected now"),
    ):
        done = bench(*words)
        assert done.returncode == 2, done.stdout + done.stderr
        # What is found out only when pytest has collected is said in its own output.
        said = done.stdout if "-k" in words else done.stderr
        assert len([line for line in said.splitlines() if name in line]) == 1, said
        assert "Traceback" not in done.stdout + done.stderr
        assert stored(journal(path)) == before
        assert not path.exists()
    done = bench(*same, "--resume", XLA_FLAGS="--xla_cpu_enable_fast_math=false")
    assert done.returncode == 2
    assert "XLA_FLAGS" in done.stderr
    assert bench(*same, "--resume").returncode == 0
    assert stored(journal(path)) == []
    assert len(json.loads(path.read_text())["benchmarks"]) == len(CASES)


def test_nothing_to_resume_is_said(tmp_path):
    done = bench(*WORDS, *TIME, "--resume", f"--benchmark-json={tmp_path / 'run.json'}")
    assert done.returncode == 2
    assert "resume" in done.stderr


def test_an_earlier_run_stays_until_the_new_one_is_whole(tmp_path):
    path = write(tmp_path / "run.json", [record()])
    before = path.read_bytes()
    process = begin(path)
    while not samples(path):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert path.read_bytes() == before
