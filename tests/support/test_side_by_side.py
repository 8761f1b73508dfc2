"""Tasks side by side: shared with copies of the process, and done where errors are told if those cannot."""

import subprocess
import sys
from pathlib import Path

import bench

SEVERAL = """
import os, sys, time
from functools import partial
from pathlib import Path
from bench.support import side_by_side

here, folder, wrong = os.getpid(), Path(sys.argv[1]), sys.argv[2]

def do(number):
    if wrong == "everywhere" or (wrong == "helpers" and os.getpid() != here):
        raise OSError(28, "No space left on device")
    mine, others = ("here", "helper") if os.getpid() == here else ("helper", "here")
    (folder / mine).touch()
    while wrong in ("nowhere", "unpicklable") and not (folder / others).exists():
        time.sleep(0.01)  # so that either has one at least
    (folder / str(number)).write_text(mine)
    return (lambda: number) if wrong == "unpicklable" else number

side_by_side.allowed_cores = lambda: [0, 1, 2]
values = side_by_side.do_all([partial(do, number) for number in range(12)])
assert [value() if callable(value) else value for value in values] == list(range(12)), values
"""


def several(folder: Path, wrong: str) -> subprocess.CompletedProcess[str]:
    """Twelve tasks, in a process that may fork, on three cores; each says whether it was done by that process."""
    command = [sys.executable, "-c", SEVERAL, str(folder), wrong]
    return subprocess.run(command, capture_output=True, text=True, cwd=Path(bench.__file__).parents[1], timeout=300)


def by(folder: Path) -> set[str]:
    return {(folder / str(number)).read_text() for number in range(12)}


def test_tasks_are_done_side_by_side(tmp_path):
    assert several(tmp_path, "nowhere").stderr == ""
    assert by(tmp_path) == {"here", "helper"}


def test_what_helpers_cannot_do_is_done_where_errors_are_told(tmp_path):
    assert several(tmp_path, "helpers").stderr == ""
    assert by(tmp_path) == {"here"}
    assert several(tmp_path, "unpicklable").stderr == ""
    assert by(tmp_path) == {"here"}
    ended = several(tmp_path, "everywhere")
    assert ended.returncode == 1 and ended.stderr.count("Traceback") == 1 and "No space left" in ended.stderr
