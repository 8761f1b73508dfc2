"""What several tests use: the suite run as a user runs it, and copies of it into which faults are planted."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import record, write

CASES = ("numpy", "torch", "jax")  # of `write_run`, unless told
ROOT = Path(__file__).resolve().parent.parent

# A run that a test makes is no worker of xdist itself: pytest-benchmark would time nothing in it.
WORKER = os.environ.pop("PYTEST_XDIST_WORKER", "")

# The suite pins its workers to the last core that it may use: all tests at once would share that one, and no other.
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
if WORKER and CORES:
    os.sched_setaffinity(0, {CORES[int(WORKER.removeprefix("gw")) % len(CORES)]})

# The machine's temporary folder, also of the workers of xdist, which inherit ours as theirs.
TEMPORARY = os.environ.setdefault("FITBENCH_TESTS_TEMPORARY", tempfile.gettempdir())

# Runs of the tests meet in a temporary folder of their own: they do not warn, nor are warned by, those of the machine.
SCRATCH = tempfile.TemporaryDirectory(prefix="fitbench-tests-", ignore_cleanup_errors=True)
os.environ["TMPDIR"] = tempfile.tempdir = SCRATCH.name

# No plugins that a run does not use: one imports all of Hypothesis at the end of every run.
PYTEST = ("pytest", "bench", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")


def edit(path: Path, *commands: str) -> None:
    """Change an SQLite file as its format allows."""
    with sqlite3.connect(path) as database:
        for command in commands:
            database.execute(command)
    database.close()


def run(*words: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m WORDS` in a process of its own."""
    command = [sys.executable, "-m", *map(str, words)]
    variables = {**os.environ, "PYTEST_ADDOPTS": "", **environment}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=variables, timeout=300)


def bench(*words: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """`pytest bench WORDS`."""
    return run(*PYTEST, *words, cwd=cwd, **environment)


def start(path: Path, *words: str, cwd: Path = ROOT) -> subprocess.Popen[str]:
    """`pytest bench WORDS`, with its JSON, as a process that goes on."""
    # A shell starts what runs in its background deaf to Ctrl-C, and so is what that starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command = [sys.executable, "-m", *PYTEST, *words, f"--benchmark-json={path}"]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, text=True)


def interrupt(process: subprocess.Popen[str]) -> str:
    """Ctrl-C: the run must end in order, with exit code 2. Returns what it printed."""
    process.send_signal(signal.SIGINT)
    try:
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()  # nothing, if it ended
    assert process.returncode == 2, output
    return output


def records(path: Path) -> dict[str, dict]:
    """The records of a run's JSON, timed or not, by variant and backend."""
    document = json.loads(path.read_text())
    entries = document["benchmarks"] + document["not_measured"]
    return {
        f"{entry['extra_info']['variant']}-{entry['extra_info']['backend']}": entry["extra_info"] for entry in entries
    }


def write_run(path: Path, label: str, factors: np.ndarray, cases: tuple[str, ...] = CASES, **told: Any) -> None:
    """A run of one turn a process; factors: of shape (cases, processes), what a step takes in milliseconds; told: of
    the comparison.
    """
    records = [
        record([[float(value) * 1e-3] for value in row], backend=backend)
        for backend, row in zip(cases, factors, strict=True)
    ]
    write(path / f"{label}.json", records, comparison={"id": path.name, "side": label, "spec": ".", **told})


# Those that take longest, in the order of that: a worker of xdist takes a file at a time, and these go first.
LONG = (
    *(
        "test_float64.py",
        "test_float32.py",
        "test_dtypes.py",
        "test_damaged.py",
        "test_faults.py",
        "test_resume.py",
        "test_ab.py",
    ),
    *("test_bench.py", "test_report.py", "test_options.py"),
)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False  # which goes by how many tests a file has


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture
def all_cores() -> Iterator[list[int]]:
    """All cores of the machine, which runs of the test may use: a worker of xdist has one."""
    if len(CORES) < 2:
        pytest.skip("one core")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, CORES)
    yield CORES
    os.sched_setaffinity(0, before)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the suite, to add to and to spoil."""
    return copy_suite(tmp_path)


def copy_suite(folder: Path) -> Path:
    """Such a copy, in a folder of whatever scope."""
    target = folder / "suite"
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("bench", "impls"):
        shutil.copytree(ROOT / folder, target / folder, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", target)
    return target
