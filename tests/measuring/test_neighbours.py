"""Runs that go on at once see each other; what is dead, or another process, or no file of ours is not seen."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bench.measuring.neighbours import Presence, warning

RUN = """
import sys
from pathlib import Path
from bench.measuring.neighbours import Presence
with Presence(Path(sys.argv[1])) as presence:
    print("announced", flush=True)
    sys.stdin.readline()
    print(*presence.others(), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "fitbench-runs"


@contextmanager
def another(folder: Path) -> Iterator[subprocess.Popen]:
    """Another run, which has announced itself. A line to it: it tells whom it sees; one more: it ends."""
    command = [sys.executable, "-c", RUN, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "announced\n"
            yield process
        finally:
            process.kill()


def ask(process: subprocess.Popen) -> str:
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_each_of_two_runs_sees_the_other(folder):
    with another(folder) as process:
        with Presence(folder) as presence:
            assert presence.others() == [process.pid] and ask(process) == str(os.getpid())
        ask(process)
        process.wait()
        assert presence.others() == [] and presence.seen == {process.pid}
    assert list(folder.iterdir()) == []


def test_a_run_learns_at_its_end_of_one_that_began_later(folder):
    with Presence(folder) as presence:
        assert not presence.seen
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        announce(folder, process.pid, psutil.Process(process.pid).create_time())
    process.communicate()
    assert presence.seen == {process.pid}


@pytest.mark.skipif(os.name != "posix", reason="zombies of POSIX")
def test_a_killed_run_is_not_seen_and_its_file_is_removed(folder):
    presence = Presence(folder)
    with another(folder) as process:
        assert presence.others() == [process.pid]
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the list of processes
        assert psutil.pid_exists(process.pid) and presence.others() == []
    assert list(folder.iterdir()) == []


def announce(folder: Path, pid: int, created: object) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / str(pid)
    file.write_text(json.dumps({"pid": pid, "create_time": created, "started": 0.0}))
    return file


@pytest.mark.parametrize("shift, seen", [(0.0, True), (0.5, True), (-100.0, False)])
def test_a_number_that_another_process_has_now_is_no_run(shift, seen, folder):
    """Half a second is what two readings of one process may differ by."""
    parent = os.getppid()
    file = announce(folder, parent, psutil.Process(parent).create_time() + shift)
    assert Presence(folder).others() == ([parent] if seen else []) and file.exists() == seen


def test_a_file_that_a_dead_process_of_our_number_left_is_ours(folder):
    announce(folder, os.getpid(), 0.0)
    with Presence(folder) as presence:
        assert presence.others() == []
        assert json.loads(presence.file.read_text())["create_time"] == psutil.Process().create_time()


def test_all_users_may_add_a_file(folder):
    previous = os.umask(0o077)
    try:
        Presence(folder).announce()
    finally:
        os.umask(previous)
    if os.name == "posix":
        assert folder.stat().st_mode & 0o7777 == 0o1777 and (folder / str(os.getpid())).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}", '{"create_time": "x"}', "[" * 10000])
def test_what_is_no_file_of_ours_is_left_alone(text, folder):
    folder.mkdir()
    (folder / str(os.getppid())).write_text(text)
    (folder / "README").write_text(text)
    assert Presence(folder).others() == [] and len(list(folder.iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
def test_a_link_or_a_pipe_that_was_laid_there_does_no_harm(folder, tmp_path):
    """Everybody can write there."""
    folder.mkdir()
    (tmp_path / "mine").write_text("mine")
    (folder / str(os.getpid())).symlink_to(tmp_path / "mine")
    os.mkfifo(folder / str(os.getppid()))
    with Presence(folder) as presence:
        assert presence.others() == []
    assert (tmp_path / "mine").read_text() == "mine"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    Presence(tmp_path / "link").announce()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_without_a_folder_nobody_is_seen(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with Presence(tmp_path / "file") as presence:
        assert presence.others() == []
    assert (tmp_path / "file").read_text() == "in the way"


def test_the_warning():
    assert warning([123]) == ("another fitbench run is going on on this machine (pid 123): both runs' timings suffer")
    assert "(pids 5, 123)" in warning({123, 5}) and "\n" not in warning({123, 5})
