"""Cores are chosen once a run and side, and a run that is asked to end leaves nothing behind."""

import dataclasses
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from builders import record, write
from conftest import bench, records, run, start

from bench.cases.case import Case
from bench.cases.options import choice_of
from bench.measuring.neighbours import FOLDER
from bench.measuring.runner import Runner, _journal_key
from bench.sides.side import here
from bench.support.signals import NAMES
from bench.workers.caches import Caches
from bench.workers.pool import Pool
from bench.workers.process import Deadline, WorkerProcess
from bench.workers.protocol import Start

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be pinned here")

FEW = ("--device=cpu", "--backend=numpy", "--variant=manual", "--dtype=float64", "--points=200", "--steps=300")
SHORT = ("--processes=1", "--max-time=0.05")
# A process makes 1000 rounds at most: some seconds.
ENDLESS = ("--processes=200", "--cold=0", "--max-time=100000", "--precision=0.0001%")


def other(temporary: Path, cores: list[int]) -> int:
    """Another run, which has these cores: the process that started us."""
    pid = os.getppid()
    (temporary / FOLDER).mkdir(parents=True)
    told = {"pid": pid, "create_time": psutil.Process(pid).create_time(), "started": 0.0, "cores": cores}
    (temporary / FOLDER / str(pid)).write_text(json.dumps(told))
    return pid


def test_a_run_without_a_free_core_is_refused_and_touches_nothing(tmp_path):
    pid = other(tmp_path / "tmp", sorted(os.sched_getaffinity(0)))
    path, environment = tmp_path / "run.json", {"TMPDIR": str(tmp_path / "tmp")}
    before = write(path, [record()]).read_bytes()
    done = bench(*FEW, *SHORT, f"--benchmark-json={path}", **environment)
    assert done.returncode == 2, done.stdout
    assert "cores: 1 needed, 0 free of " in done.stdout + done.stderr and f"(pid {pid})" in done.stdout + done.stderr
    done = run("bench.ab", *FEW, *SHORT, "--a=.", "--b=.", "--output", tmp_path / "ab", **environment)
    assert done.returncode == 2, done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: cores: 1 needed, 0 free of ") and f"(pid {pid})" in line
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["run.json", "tmp"]
    # What times nothing may share a core.
    assert bench(*FEW, "--benchmark-disable", **environment).returncode == 0


def test_a_run_beside_another_takes_another_core(tmp_path, all_cores):
    path = tmp_path / "run.json"
    other(tmp_path / "tmp", [all_cores[-1]])
    done = bench(*FEW, *SHORT, f"--benchmark-json={path}", TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode == 0, done.stdout
    assert records(path)["manual-numpy"]["cores"] == [all_cores[-2]]


def test_sides_may_have_threads_of_their_own(tmp_path, all_cores):
    words = ("--a=.", "--b=.", "--b-threads=2", "--output", tmp_path / "out")
    done = run("bench.ab", *FEW, *SHORT, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(b: . (2 threads))" in done.stdout and "(a: .)" in done.stdout
    found = [records(tmp_path / "out" / f"{side}.json")["manual-numpy"] for side in "ab"]
    assert [one["cores"] for one in found] == [all_cores[-1:], all_cores[-2:]]
    assert [one["threads"] for one in found] == [1, 2]


def test_workers_have_the_threads_and_cores_of_their_side(monkeypatch):
    told: list[tuple[str, Start]] = []

    class Fake(WorkerProcess):
        def __init__(self, side, variables) -> None:
            self.threads = variables["OMP_NUM_THREADS"]
            super().__init__(side, variables)

        def ask(self, request, seconds):
            told.append((self.threads, request))
            return super().ask(dataclasses.replace(request, cores=None), seconds)

    monkeypatch.setattr("bench.workers.pool.WorkerProcess", Fake)
    caches = Caches()
    pool = Pool(choice_of(backend=["numpy"]), caches, cold=False, code={"a": "a hash", "b": "a hash"}, cores=[3, 5, 8])
    try:
        for label, threads in (("a", None), ("b", 2)):
            side = dataclasses.replace(here(), label=label, threads=threads)
            pool.worker(side, Case("manual", "numpy", "cpu", "float32", 2000), Deadline(60))
    finally:
        pool.close()
        caches.close()
    assert [(variable, start.threads, start.cores) for variable, start in told] == [("1", 1, [8]), ("2", 2, [5, 8])]


def test_a_run_goes_on_with_the_threads_of_its_sides_only():
    keys = [
        _journal_key(Runner(choice_of(backend=["numpy"]), [dataclasses.replace(here(), threads=threads)], True))
        for threads in (None, 2)
    ]
    assert keys[0] != keys[1]


@pytest.mark.parametrize("words", [["--a-threads=0"], ["--b-threads=4096"], ["--b-threads=two"]])
def test_threads_that_cannot_be_are_refused(words):
    done = run("bench.ab", *FEW, "--a=.", "--b=.", *words)
    assert done.returncode == 2 and done.stderr.startswith(f"error: {words[0].partition('=')[0]} ")
    assert len(done.stderr.splitlines()) == 1 and "allowed: a whole number" in done.stderr


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [one for one in psutil.Process(process.pid).children() if "bench.worker" in _words(one)]


def _words(process: psutil.Process) -> list[str]:
    """Its command line; none of one that has just ended, as each process of a run does."""
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def until(what: Callable[[], bool]) -> None:
    """Wait for it, as long as a busy machine may take."""
    for _ in range(6000):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 60 s")


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_asked_to_end_keeps_what_it_has_and_leaves_nothing_behind(tmp_path, monkeypatch, name):
    path, temporary = tmp_path / "run.json", tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    before = signal.signal(getattr(signal, name), signal.SIG_DFL)  # these tests may have been started by nohup
    try:
        process = start(path, *FEW, *ENDLESS)
    finally:
        signal.signal(getattr(signal, name), before)
    try:
        until(lambda: len(workers(process)) == 2)  # and one is the controls': rounds are being made
        started = workers(process)
        assert any(temporary.iterdir())
        process.send_signal(getattr(signal, name))
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 2, output
    assert "--resume" in output and path.exists()
    until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in started))
    assert list(temporary.iterdir()) == []


def test_a_run_that_was_started_deaf_to_a_hangup_stays_so(tmp_path):
    """As nohup does it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(tmp_path / "run.json", *FEW, *ENDLESS)
    finally:
        signal.signal(signal.SIGHUP, before)
    try:
        until(lambda: len(workers(process)) == 2)
        process.send_signal(signal.SIGHUP)
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 2
    finally:
        process.kill()
