"""A worker's process: what it started ends with it, it ends with its run, and what a site prints is no answer."""

import dataclasses
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import ROOT

from bench.cases.options import choice_of
from bench.sides import code
from bench.sides.machine import machine_of
from bench.sides.side import Side, here
from bench.support.controls import CONTROLS
from bench.workers import pool
from bench.workers.caches import Caches
from bench.workers.process import WorkerError, WorkerLostError, WorkerProcess
from bench.workers.protocol import Control, Start

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sessions and signals of POSIX")

# A worker that starts three others, the last in a session of its own, says so, and then does something.
PARENT = """#!{python}
import json, os, subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(3600)"]
held = {{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}}
pids = [subprocess.Popen(sleep, **held, start_new_session=own).pid for own in (False, True)]
forked = os.fork()  # as multiprocessing does: it holds all that its parent has open, the answers' stream too
if not forked:
    time.sleep(3600)
with open({told!r} + ".new", "w") as file:
    json.dump([os.getpid(), forked, *pids], file)
os.rename({told!r} + ".new", {told!r})
{then}
"""
ANSWERS = """
for line in sys.stdin:
    print('{"seconds": [1.0]}', flush=True)
"""


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(what: Callable[[], bool]) -> None:
    """Wait for it, as long as a busy machine may take."""
    for _ in range(3000):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 30 s")


class Planted:
    """A side whose workers start others; pids: of the worker itself, of what it forked, and of the other two."""

    def __init__(self, tmp_path: Path, then: str) -> None:
        self.told = tmp_path / "told"
        python = tmp_path / "python"
        python.write_text(PARENT.format(python=sys.executable, told=str(self.told), then=then))
        python.chmod(0o755)
        self.side = dataclasses.replace(here(), python=str(python))

    @property
    def pids(self) -> list[int]:
        until(self.told.exists)
        return [int(word) for word in self.told.read_text().strip("[]").split(",")]


@contextmanager
def started(tmp_path: Path, then: str) -> Iterator[tuple[WorkerProcess, list[int]]]:
    planted = Planted(tmp_path, then)
    process = WorkerProcess(planted.side, {})
    pids = planted.pids
    try:
        assert all(map(alive, pids[1:]))
        yield process, pids
    finally:
        process.close()
        for pid in pids[1:]:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def test_a_worker_that_is_late_is_ended_with_all_that_it_started(tmp_path):
    with started(tmp_path, "time.sleep(3600)") as (process, pids):
        with pytest.raises(WorkerError, match="no answer to 'control' within"):
            process.ask(Control(None, ["vector-1"]), 0.1)
        until(lambda: not any(map(alive, pids)))


def test_a_worker_that_is_closed_leaves_nothing_behind(tmp_path):
    with started(tmp_path, ANSWERS) as (process, pids):
        assert process.ask(Control(None, ["vector-1"]), 10).seconds == [1.0]
        process.close()
        until(lambda: not any(map(alive, pids)))


@pytest.mark.parametrize("then", ["os._exit(3)", "sys.stdin.readline(); os._exit(3)"], ids=["before", "when asked"])
def test_a_worker_that_dies_is_missed_though_a_child_holds_its_output(tmp_path, then):
    """What it had started in sessions of their own is out of reach: nobody knows any more whose it was."""
    with started(tmp_path, then) as (process, pids):
        with pytest.raises(WorkerError, match=r"control: the worker died \(exit code 3\)"):
            process.ask(Control(None, ["vector-1"]), 60)
        until(lambda: not any(map(alive, pids[:3])))


# A run that asks a worker for something long; a real worker, whose backend is planted.
RUN = """
import dataclasses, sys
from pathlib import Path
from bench.cases.case import Case
from bench.sides.side import here
from bench.workers.process import WorkerProcess
from bench.workers.protocol import Build, Converge, Start

worker = WorkerProcess(dataclasses.replace(here(), root=Path(sys.argv[1])), {})
worker.ask(Start("planted", "cpu", 1, None), 60)
worker.ask(Build(Case("manual", "planted", "cpu", "float64", 2000), 0, 300), 60)
worker.ask(Converge(), 3600)
"""
COMPILING = """
import os, subprocess, sys
from bench.backends.numpy_backend import NumpyBackend

class Planted(NumpyBackend):
    name = "planted"

    def driver(self, *_):
        compiler = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        with open({told!r} + ".new", "w") as file:
            file.write(f"{{os.getpid()}} {{compiler.pid}}")
        os.rename({told!r} + ".new", {told!r})
        compiler.wait()

BACKEND = Planted()
"""


def test_a_worker_ends_with_its_run_in_the_middle_of_compiling(copy, tmp_path):
    told = tmp_path / "told"
    (copy / "bench" / "backends" / "planted_backend.py").write_text(COMPILING.format(told=str(told)))
    with subprocess.Popen([sys.executable, "-c", RUN, str(copy)], cwd=ROOT) as run:
        until(told.exists)
        pids = [int(word) for word in told.read_text().split()]
        assert all(map(alive, pids))
        run.kill()
    until(lambda: not any(map(alive, pids)))


SITES = {
    "printed": "print('hello from the site')",
    "flushed": "print('hello from the site', flush=True)\nprint('and more', flush=True)",
    "written": "import os\nos.write(1, b'hello from the site\\n\\n[1, 2]\\n')",
}


@pytest.mark.parametrize("name", SITES)
def test_what_a_site_prints_before_a_worker_begins_is_no_answer(tmp_path, name):
    (tmp_path / "sitecustomize.py").write_text(SITES[name])
    side = dataclasses.replace(here(), variables=(("PYTHONPATH", str(tmp_path)),))
    process = WorkerProcess(side, {})
    try:
        assert process.ask(Start("numpy", "cpu", 1, None), 60).devices == {"cpu": "cpu"}
        assert process.ask(Control(None, ["vector-1"]), 60).seconds[0] > 0
    finally:
        process.close()


def test_what_was_printed_is_told_of_a_worker_that_never_answers(tmp_path):
    side: Side = dataclasses.replace(here(), python=str(tmp_path / "python"))
    (tmp_path / "python").write_text("#!/bin/sh\necho no worker of fitbench\nexit 4\n")
    (tmp_path / "python").chmod(0o755)
    process = WorkerProcess(side, {})
    try:
        with pytest.raises(WorkerError) as caught:
            process.ask(Control(None, ["vector-1"]), 60)
    finally:
        process.close()
    assert str(caught.value) == "control: the worker died (exit code 4); its last words: no worker of fitbench"


def test_the_controls_run_in_fitbenchs_own_interpreter_and_checkout(tmp_path, monkeypatch):
    """Whatever is compared: a side's own would change with what it is to judge."""
    started: list[Side] = []

    class Fake(WorkerProcess):
        def __init__(self, side: Side, variables: dict[str, str]) -> None:
            started.append(side)
            super().__init__(side, variables)

    monkeypatch.setattr(pool, "WorkerProcess", Fake)
    caches = Caches()
    workers = pool.Pool(choice_of(backend=["numpy"]), caches, cold=False, code={"": "a hash"})
    try:
        assert min(workers.control(CONTROLS)) > 0
    finally:
        workers.close()
        caches.close()
    (side,) = started
    assert (side.python, side.root, side.variables) == (sys.executable, code.ROOT, ())
    assert machine_of(here()).controls == f"python {platform.python_version()}, numpy {np.__version__}"


def test_whoever_asks_a_dead_worker_again_is_told_so_at_once():
    """As the controls' is, in every turn: its time to answer would else pass in each."""
    worker = WorkerProcess(here(), {})
    worker.process.kill()
    for _ in range(3):
        with pytest.raises(WorkerLostError, match="killed"):  # and not "no answer in time"
            worker.ask(Control(None, ["vector-1"]), 2.0)
    worker.close()
