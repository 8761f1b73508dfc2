"""A temporary folder goes with its maker, or is found to be left over when the maker was killed; no other one is."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import ROOT

from bench.support.scratch import ALIVE, YOUNG_SECONDS, Scratch, left_over

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals, users and links of POSIX")

# Makes a folder in the one that is given, puts something there, and waits for an order to end.
MAKER = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from bench.support.scratch import Scratch
scratch = Scratch("kind")
(scratch.path / "content").mkdir()
print(scratch.path, flush=True)
exec(input())
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A temporary folder of our own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def maker(temporary: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that has a folder, and the folder."""
    command = [sys.executable, "-c", MAKER, str(temporary)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def old(folder: Path) -> Path:
    """As if it had been made long ago."""
    before = time.time() - YOUNG_SECONDS - 1
    os.utime(folder, (before, before))
    return folder


def test_a_folder_is_alive_inside_with_and_gone_after_it(temporary):
    with Scratch("kind") as folder:
        assert folder.parent == temporary.resolve() and folder.name.startswith("fitbench-kind-")
        (folder / "content").mkdir()
        (folder / "content" / "file").touch()
        assert not left_over(folder, "kind") and not left_over(old(folder), "kind")
    assert not any(temporary.iterdir())


# As in two containers that share a temporary folder: every process has the same number.
CONTAINER = """
import os, sys, tempfile
os.getpid = lambda: 1
tempfile.tempdir = sys.argv[1]
from bench.workers.caches import Caches
caches = Caches()
folder = caches.folder(["code"], True)
(folder / "compiled").touch()
print(folder, flush=True)
input()
"""


@POSIX
def test_two_containers_with_one_temporary_folder_leave_each_other_alone(temporary):
    """The caches of a run that lives stay, whatever its number is; those of one that was killed go."""
    command = [sys.executable, "-c", CONTAINER, str(temporary)]
    words = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    with subprocess.Popen(command, **words) as first:
        one = Path(first.stdout.readline().strip())
        with subprocess.Popen(command, **words) as second:
            other = Path(second.stdout.readline().strip())
            assert one != other and (one / "compiled").exists() and (other / "compiled").exists()
            first.kill()
            first.wait()
            with subprocess.Popen(command, **words) as third:
                third.stdout.readline()
                assert not one.exists() and (other / "compiled").exists()
                third.kill()
            second.kill()


@POSIX
def test_a_folder_is_left_over_once_its_maker_was_killed(temporary):
    process, folder = maker(temporary)
    with process:
        try:
            assert not left_over(old(folder), "kind")
        finally:
            process.send_signal(signal.SIGKILL)
    assert left_over(folder, "kind")
    assert left_over(folder, "kind")  # asking is not taking
    assert not left_over(folder, "other")


@pytest.mark.parametrize("order", ["pass", "sys.exit(3)", "raise KeyboardInterrupt", "scratch.close()"])
def test_a_folder_goes_with_a_process_that_ends_in_order(order, temporary):
    process, folder = maker(temporary)
    assert folder.exists()
    process.communicate(f"{order}\n", timeout=30)
    assert not any(temporary.iterdir())


@POSIX
def test_a_process_that_outlives_the_maker_does_not_keep_the_folder(temporary):
    process, folder = maker(temporary)
    assert process.stdin is not None and process.stdout is not None
    with process:
        process.stdin.write("import subprocess; print(subprocess.Popen(['cat']).pid, flush=True); input()\n")
        process.stdin.flush()
        other = int(process.stdout.readline())
        process.kill()
        process.wait()
        assert left_over(folder, "kind")
        os.kill(other, 0)  # it is there: it waits for the end of what we may write


@pytest.mark.parametrize("names", [(), (ALIVE,)])
def test_a_folder_that_is_being_made_is_not_left_over(names, tmp_path):
    """Its maker has made it, and is about to lock it."""
    folder = tmp_path / "fitbench-kind-x"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    assert not left_over(folder, "kind")
    assert left_over(old(folder), "kind")


@pytest.mark.parametrize("name", ["fitbench-kind-", "fitbench-other-x", "my-fitbench-kind-x", "fitbench-kind-7-x"])
def test_a_folder_of_another_name_is_not_left_over(name, tmp_path):
    (tmp_path / name / "content").mkdir(parents=True)
    assert not left_over(old(tmp_path / name), "kind")


def test_what_is_no_folder_is_not_left_over(tmp_path):
    file, missing = tmp_path / "fitbench-kind-x", tmp_path / "fitbench-kind-y"
    file.touch()
    assert not left_over(old(file), "kind")
    assert not left_over(missing, "kind") and not missing.exists()


@POSIX
def test_neither_a_link_nor_another_users_folder_is_left_over(tmp_path, monkeypatch):
    folder, link = tmp_path / "fitbench-kind-x", tmp_path / "fitbench-kind-y"
    (folder / "content").mkdir(parents=True)
    link.symlink_to(folder)
    assert left_over(folder, "kind") and not left_over(link, "kind")
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    assert not left_over(folder, "kind")
