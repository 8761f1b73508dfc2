"""The yardstick in this process: each of its fits is compiled for itself; the same types make the same code."""

import importlib
from typing import NamedTuple

import numba
import pytest

import impls.tuned.native_fit
from bench.anatomy.texts import fingerprint
from bench.backends.native_backend import NativeBackend
from bench.cases.case import Case
from bench.measuring.proofs import hold_compiled, hold_first_call
from bench.truth.check import check, check_timed
from bench.truth.oracle import oracle_of
from bench.workers.protocol import Build, Converge, Converged, Finish, Leave, Left, Round, Stretch
from bench.workers.serving import Worker

STEPS = 50
FITS = [("float32", 30), ("float64", 30), ("float32", 5000)]  # of less than a block, and of more


class Fit(NamedTuple):
    converged: Converged
    stretch: Stretch
    left: Left
    code: dict[str, str]


@pytest.fixture(scope="module", params=[1, 2], ids=["alone", "parallel"])
def states(request, tmp_path_factory) -> tuple[list[Fit], list[Fit]]:
    """The fits of a worker that finds no compiled code on the disk, and of another, which finds what that one left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(numba.config, "NUMBA_NUM_THREADS", request.param)
        return _fits(), _fits()


@pytest.fixture
def fits(states) -> list[Fit]:
    return states[0]


def _fits() -> list[Fit]:
    """One after the other, by one worker."""
    importlib.reload(impls.tuned.native_fit)  # as in a new process
    worker = Worker(0.0)
    worker.backend, worker.slowdown = NativeBackend(), 0.0
    worker.backend.start(1)
    return [_fit(worker, dtype, points) for dtype, points in FITS]


def _fit(worker: Worker, dtype: str, points: int) -> Fit:
    worker.build(Build(Case("tuned", "native", "cpu", dtype, points), 0, STEPS))
    converged = worker.converge(Converge())
    check(oracle_of(worker._fit().problem), converged.checkpoints)
    stretch, left = worker.round(Round(STEPS // 2, False)), worker.leave(Leave())
    check_timed(oracle_of(worker._fit().problem), left.step, left.state, left.loss, left.next)
    return Fit(converged, stretch, left, worker.finish(Finish()).code)


def test_every_fit_proves_that_it_was_compiled(fits):
    for converged, _, left, _ in fits:
        assert (converged.compilations, converged.cache_hits) == (1, 0)
        hold_first_call(converged.compilations, converged.cache_hits)
        hold_compiled(converged.interpreted)
        hold_compiled(left.interpreted)


def test_what_another_process_left_on_the_disk_is_found_whatever_the_size(states):
    for converged, _, _, code in states[1]:
        assert (converged.compilations, converged.cache_hits) == (0, 1)
        assert code == {}  # Numba tells nothing of it


def test_types_make_the_code_and_sizes_do_not(fits):
    small, double, large = (fingerprint(one.code) for one in fits)
    assert small == large != double


def test_a_round_tells_in_what_time_its_data_can_be_read(fits):
    assert all(one.stretch.read_seconds > 0 for one in fits)


def test_switched_off_it_is_caught(monkeypatch):
    """NUMBA_DISABLE_JIT leaves functions of Python, which run the step line by line, and compile nothing."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    importlib.reload(impls.tuned.native_fit)
    worker = Worker(0.0)
    worker.backend, worker.slowdown = NativeBackend(), 0.0
    worker.build(Build(Case("tuned", "native", "cpu", "float64", 10), 0, 3))
    converged = worker.converge(Converge())
    assert (converged.compilations, converged.cache_hits, converged.interpreted) == (0, 0, True)
    monkeypatch.undo()
    importlib.reload(impls.tuned.native_fit)
