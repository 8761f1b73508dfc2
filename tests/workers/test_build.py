"""What a case's build is charged for: its own work and memory, no part of ours; what it imports is the process's."""

import subprocess
import sys
import types

import pytest
from conftest import ROOT

from bench.backends.numpy_backend import NumpyBackend
from bench.cases.case import Case
from bench.truth.problem import Problem, digest
from bench.workers import serving
from bench.workers.memory import CLEAR
from bench.workers.protocol import Build
from bench.workers.serving import Worker

OURS, THEIRS = 100.0, 1.0  # seconds of a clock that only what is called here moves


@pytest.fixture
def done(monkeypatch) -> list[str]:
    """What was done, in order, each of it on a clock of its own."""
    steps: list[str] = []
    seconds = 0.0

    def telling(name, function, cost):
        def told(*arguments):
            nonlocal seconds
            steps.append(name)
            seconds += cost
            return function(*arguments)

        return told

    monkeypatch.setattr(serving, "time", types.SimpleNamespace(perf_counter=lambda: seconds))
    monkeypatch.setattr(Problem, "data", telling("data", Problem.data, OURS))
    monkeypatch.setattr(serving, "digest", telling("digest", digest, OURS))
    monkeypatch.setattr(serving, "forget_peak_memory", telling("forget", lambda: None, 0))
    monkeypatch.setattr(serving, "packages", lambda root, module: ("a",) if "manual" in module else ("a", "b"))
    real = serving.importlib.import_module

    def imported(name):
        if "." in name and not name.endswith("_fit"):
            return real(name)
        return telling(name, real if "." in name else str, THEIRS)(name)

    monkeypatch.setattr(serving.importlib, "import_module", imported)
    return steps


def build(worker: Worker, variant: str) -> tuple[float, float]:
    built = worker.build(Build(Case(variant, "numpy", "cpu", "float64", 1000), 0, 1))
    assert built.digest == digest(*Problem.of(Case(variant, "numpy", "cpu", "float64", 1000), 0, 1).data())
    return built.build_seconds, built.import_seconds


def test_the_data_are_made_and_hashed_before_the_clock_and_the_memory_count(done):
    worker = Worker(0.0)
    worker.backend = NumpyBackend()
    seconds, _ = build(worker, "manual")
    assert done[:5] == ["a", "data", "digest", "forget", "impls.manual.numpy_fit"]
    assert seconds == THEIRS


def test_an_import_is_counted_for_every_case_that_needs_it_in_whatever_order_they_come(done):
    worker = Worker(0.0)
    worker.backend = NumpyBackend()
    found = [build(worker, variant) for variant in ("nn", "manual", "optim", "manual")]
    assert found == [(THEIRS, 2 * THEIRS), (THEIRS, THEIRS), (THEIRS, 2 * THEIRS), (THEIRS, THEIRS)]
    assert done.count("a") == done.count("b") == 1


POINTS = 1_000_000
PEAK = """
import sys
import bench.worker
from bench.cases.case import Case
from bench.workers.memory import peak_memory
from bench.workers.protocol import Build, Start
from bench.workers.serving import Worker

worker = Worker(0.0)
worker.start(Start("numpy", "cpu", 1, None))
for points in (1000, int(sys.argv[1])):
    worker.build(Build(Case("manual", "numpy", "cpu", "float64", points), 0, 1))
    print(peak_memory())
"""


@pytest.mark.skipif(not CLEAR.exists(), reason="the system does not let a process forget its peak memory")
def test_the_peak_of_a_build_is_its_data_and_their_features():
    words = [sys.executable, "-c", PEAK, str(POINTS)]
    few, many = map(int, subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    arrays = (many - few) / (8 * POINTS)  # x, its square, its cube and y
    assert 3.5 < arrays < 4.5
