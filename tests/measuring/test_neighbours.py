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

from bench.measuring import neighbours
from bench.measuring.neighbours import Presence, warning
from bench.support.errors import InputError

RUN = """
import sys
from pathlib import Path
from bench.measuring.neighbours import Presence
with Presence(1, Path(sys.argv[1]), share=True) as presence:
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
        with Presence(1, folder, share=True) as presence:
            assert presence.others() == [process.pid] and ask(process) == str(os.getpid())
        ask(process)
        process.wait()
        assert presence.others() == [] and presence.seen == {process.pid}
    assert not folder.exists()  # the last one takes it away


def test_a_run_learns_at_its_end_of_one_that_began_later(folder):
    with Presence(1, folder, share=True) as presence:
        assert not presence.seen
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        announce(folder, process.pid, psutil.Process(process.pid).create_time())
    process.communicate()
    assert presence.seen == {process.pid}


@pytest.mark.skipif(os.name != "posix", reason="zombies of POSIX")
def test_a_killed_run_is_not_seen_and_its_file_is_removed(folder):
    presence = Presence(1, folder, share=True)
    with another(folder) as process:
        assert presence.others() == [process.pid]
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the list of processes
        assert psutil.pid_exists(process.pid) and presence.others() == []
    assert list(folder.iterdir()) == []


def announce(folder: Path, pid: int, created: object, **more: object) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / str(pid)
    file.write_text(json.dumps({"pid": pid, "create_time": created, "started": 0.0, **more}))
    return file


@pytest.mark.parametrize("shift, seen", [(0.0, True), (0.5, True), (-100.0, False)])
def test_a_number_that_another_process_has_now_is_no_run(shift, seen, folder):
    """Half a second is what two readings of one process may differ by."""
    parent = os.getppid()
    file = announce(folder, parent, psutil.Process(parent).create_time() + shift)
    assert Presence(1, folder, share=True).others() == ([parent] if seen else []) and file.exists() == seen


def test_a_file_that_a_dead_process_of_our_number_left_is_ours(folder):
    announce(folder, os.getpid(), 0.0)
    with Presence(1, folder, share=True) as presence:
        assert presence.others() == []
        assert json.loads(presence.file.read_text())["create_time"] == psutil.Process().create_time()


def test_all_users_may_add_a_file(folder):
    previous = os.umask(0o077)
    try:
        Presence(1, folder, share=True).announce()
    finally:
        os.umask(previous)
    if os.name == "posix":
        assert folder.stat().st_mode & 0o7777 == 0o1777 and (folder / str(os.getpid())).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}", '{"create_time": "x"}', "[" * 10000])
def test_what_is_no_file_of_ours_is_left_alone(text, folder):
    folder.mkdir()
    (folder / str(os.getppid())).write_text(text)
    (folder / "README").write_text(text)
    assert Presence(1, folder, share=True).others() == [] and len(list(folder.iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
def test_a_link_or_a_pipe_that_was_laid_there_does_no_harm(folder, tmp_path):
    """Everybody can write there."""
    folder.mkdir()
    (tmp_path / "mine").write_text("mine")
    (folder / str(os.getpid())).symlink_to(tmp_path / "mine")
    os.mkfifo(folder / str(os.getppid()))
    with Presence(1, folder, share=True) as presence:
        assert presence.others() == []
    assert (tmp_path / "mine").read_text() == "mine"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    Presence(1, tmp_path / "link", share=True).announce()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_without_a_folder_nobody_is_seen(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with Presence(1, tmp_path / "file", share=True) as presence:
        assert presence.others() == []
    assert (tmp_path / "file").read_text() == "in the way"


# Cores of their own


pins = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be pinned here")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The cores that this process may use, whatever it may really."""
    allowed = [0, 2, 5, 7]
    monkeypatch.setattr(neighbours, "allowed_cores", lambda: allowed)
    return allowed


def parent(folder: Path, cores: object) -> int:
    """Another run that has these cores: the process that started us."""
    announce(folder, os.getppid(), psutil.Process(os.getppid()).create_time(), cores=cores)
    return os.getppid()


def told(folder: Path) -> list[int]:
    return json.loads((folder / str(os.getpid())).read_text())["cores"]


@pins
@pytest.mark.parametrize(
    ("theirs", "threads", "ours"),
    [([], 1, [7]), ([7], 1, [5]), ([5], 2, [2, 7]), ([5, 7], 2, [0, 2]), ([0, 5, 7], 1, [2]), ([99], 4, [0, 2, 5, 7])],
)
def test_a_run_takes_the_last_cores_that_no_other_run_has(machine, folder, theirs, threads, ours):
    parent(folder, theirs)
    with Presence(threads, folder) as presence:
        assert presence.cores == ours == told(folder)


@pins
def test_a_run_that_does_not_tell_its_cores_has_none(machine, folder):
    announce(folder, os.getppid(), psutil.Process(os.getppid()).create_time())
    with Presence(1, folder) as presence:
        assert presence.cores == [7] and presence.seen == {os.getppid()}


@pins
def test_too_few_free_cores_are_refused_with_who_has_them(machine, folder):
    pid = parent(folder, [5, 7, 2])
    with pytest.raises(InputError) as caught:
        Presence(2, folder).announce()
    had = f"another fitbench run has cores 2 and 5 and 7 (pid {pid})"
    assert str(caught.value) == f"cores: 2 needed, 1 free of 4, as {had}; wait until that ends"
    assert not (folder / str(os.getpid())).exists()
    with Presence(2, folder, share=True) as presence:  # nothing is timed
        assert presence.cores == [5, 7]


@pins
def test_a_run_that_is_resumed_has_the_cores_that_it_had(machine, folder):
    presence = Presence(1, folder)
    presence.announce(before={2})
    assert presence.cores == [2] == told(folder)
    two = Presence(2, folder)
    two.announce(before={2})  # one of its sides had not yet begun
    assert two.cores == [7, 2]
    pid = parent(folder, [2])
    with pytest.raises(InputError) as caught:
        Presence(1, folder).announce(before={2})
    assert str(caught.value).startswith(
        f"--resume: another fitbench run has core 2 (pid {pid}), which this run had until"
    )


@pins
@pytest.mark.parametrize("cores", ["7", {"7": 7}, [[7]], ["7"], [True], [7.0], None])
def test_only_numbers_are_taken_for_cores(machine, folder, cores):
    parent(folder, cores)
    with Presence(1, folder) as presence:
        assert presence.cores == [7]


@pins
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_nobody_speaks_for_the_processes_of_another_user(machine, folder):
    pid = parent(folder, machine)
    os.chown(folder / str(pid), 12345, -1)
    with Presence(1, folder) as presence:
        assert presence.cores == [7] and presence.seen == set()


CHOOSE = """
import sys
from pathlib import Path
from bench.measuring import neighbours
neighbours.allowed_cores = lambda: [0, 1, 2, 3]
presence = neighbours.Presence(1, Path(sys.argv[1]))
sys.stdin.readline()
presence.announce()
print(*presence.cores, flush=True)
sys.stdin.readline()
presence.leave()
"""


@pins
def test_runs_that_begin_at_the_same_moment_have_different_cores(folder):
    command = [sys.executable, "-c", CHOOSE, str(folder)]
    runs = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    try:
        assert sorted(choose(runs)) == ["0", "1", "2", "3"]
    finally:
        for run in runs:
            run.communicate("\n")
    assert not folder.exists()


def choose(runs: list[subprocess.Popen]) -> list[str]:
    for run in runs:
        run.stdin.write("\n")
    for run in runs:
        run.stdin.flush()
    return [run.stdout.readline().strip() for run in runs]


def test_the_warning():
    assert warning([123]) == ("another fitbench run is going on on this machine (pid 123): both runs' timings suffer")
    assert "(pids 5, 123)" in warning({123, 5}) and "\n" not in warning({123, 5})
