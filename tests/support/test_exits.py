"""How commands end when something goes wrong that is no verdict, in processes as a gate starts them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders import record, write
from conftest import ROOT

from bench.support import exits

COMMANDS = ("ab", "advise", "compare", "evidence", "explain", "export", "fit", "graph", "overhead", "report", "spread")
FULL = Path("/dev/full")

# What importing NumPy does, which every command needs: the exit code, and what is on stderr.
FAULTS = {
    "bug": (
        'raise RuntimeError("two\\nlines")',
        exits.BUG,
        "error: RuntimeError: two lines; this is a bug",
    ),
    "nothing said": ("assert False", exits.BUG, "error: AssertionError; this is a bug"),
    "recursion": ("def f(): f()\nf()", exits.BUG, "error: RecursionError: "),
    "missing": (
        'raise ModuleNotFoundError("No module named \'numpy\'", name="numpy")',
        exits.BUG,
        "error: No module named 'numpy'; fitbench is not wholly installed",
    ),
    "a full disk": (
        'import errno; raise OSError(errno.ENOSPC, "No space left on device", "a.json")',
        exits.SYSTEM,
        "error: a.json: No space left on device",
    ),
    "memory": ("raise MemoryError", exits.SYSTEM, "error: out of memory"),
    "Ctrl-C": ("raise KeyboardInterrupt", exits.INTERRUPTED, "interrupted"),
}
TRACED = ("bug", "nothing said", "recursion")  # ours to mend, for which a traceback helps


def started(command: str, *words: object, **more) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; its output goes where it is told."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more.pop("streams", {})}
    words = (sys.executable, "-m", f"bench.{command}", *map(str, words))
    return subprocess.run(words, cwd=ROOT, text=True, env={**os.environ, **more}, timeout=120, **streams)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    old, new = (write(folder / f"{name}.json", [record([[1e-5] * 3] * 3)]) for name in ("old", "new"))
    return old, new


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_error_ends_by_a_code_that_is_a_verdict(command, fault, tmp_path):
    code, exit_code, said = FAULTS[fault]
    (tmp_path / "numpy.py").write_text(code)
    done = started(command, PYTHONPATH=str(tmp_path))
    assert done.returncode == exit_code and done.stdout == "", done.stderr
    *trace, last = done.stderr.splitlines()
    assert last.startswith(said), done.stderr
    assert bool(trace) == (fault in TRACED)
    assert not trace or trace[0].startswith("Traceback")


def test_every_command_is_tried():
    guarded = [path.stem for path in (ROOT / "bench").glob("*.py") if "exits.run(main)" in path.read_text()]
    ended = [path.stem for path in (ROOT / "bench").glob("*.py") if "def main(" in path.read_text()]
    assert sorted(guarded) == sorted(ended) == sorted(COMMANDS)


@pytest.mark.skipif(not FULL.exists(), reason=f"this system has no {FULL}")
def test_nobody_listens_and_the_code_says_it_all_the_same(tmp_path):
    (tmp_path / "numpy.py").write_text("raise RuntimeError")
    with FULL.open("w") as full:
        done = started("compare", PYTHONPATH=str(tmp_path), streams={"stdout": full, "stderr": full})
    assert done.returncode == exits.BUG


@pytest.mark.skipif(not FULL.exists(), reason=f"this system has no {FULL}")
def test_what_cannot_be_printed_is_no_verdict(runs):
    with FULL.open("w") as full:
        done = started("compare", *runs, "--fail-if-slower=5%", streams={"stdout": full})
    assert (done.returncode, done.stderr) == (exits.SYSTEM, "error: No space left on device\n")


def test_a_closed_pipe_is_no_verdict(runs):
    source, sink = os.pipe()
    os.close(source)
    done = started("compare", *runs, "--fail-if-slower=5%", streams={"stdout": sink})
    os.close(sink)
    assert (done.returncode, done.stderr) == (exits.SYSTEM, "error: Broken pipe\n")


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""},
    ],
)
def test_a_terminal_without_a_micro_sign_is_shown_a_u(runs, variables):
    done = started("compare", *runs, **variables)
    assert done.returncode == 0 and "10.0 us" in done.stdout, done.stderr


def test_names_that_a_terminal_cannot_show_are_marked(runs, tmp_path):
    new = write(tmp_path / "new-\u00b5-\u2713.json", [record([[1e-5] * 3] * 3)])
    done = started("compare", runs[0], new, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "new-u-?.json" in done.stdout, done.stderr
    done = started("compare", runs[0], tmp_path / "\u2713", PYTHONIOENCODING="ascii")
    assert done.returncode == 2 and done.stderr.startswith(f"error: {tmp_path}/?: cannot be read")


def test_a_name_that_is_no_text_can_be_told(runs):
    """As of a file whose name is of another encoding."""
    done = started("compare", runs[0], os.fsdecode(b"\xff.json"), PYTHONIOENCODING="ascii")
    assert done.returncode == 2 and done.stderr.startswith("error: ?.json: cannot be read"), done.stderr


def test_help_is_0_and_a_wrong_word_is_2():
    assert started("compare", "--help").returncode == 0
    done = started("compare", "--no-such-option")
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
