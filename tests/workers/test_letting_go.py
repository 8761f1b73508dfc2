"""A case that is finished leaves no data behind, in whatever circles its framework holds them."""

import gc
import weakref

import numpy as np

from bench.backends.numpy_backend import NumpyBackend
from bench.cases.case import Case
from bench.workers.protocol import Build, Converge, Finish, Round, Start
from bench.workers.serving import Worker


class Circle:
    """Holds itself, and the data."""

    def __init__(self, data: object) -> None:
        self.me, self.data = self, data


class Array(np.ndarray):
    """One that can be watched."""


def test_data_that_are_held_in_a_circle_go_with_the_case(monkeypatch):
    """What Python found as the case converged is frozen: no collection looks at it again."""
    watched = []

    def place(backend, array, device):
        placed = np.array(array).view(Array)
        Circle(placed)
        watched.append(weakref.ref(placed))
        return placed

    monkeypatch.setattr(NumpyBackend, "place", place)
    worker = Worker(0.0)
    worker.start(Start("numpy", None, 1, None))
    gc.disable()
    try:
        worker.build(Build(Case("manual", "numpy", "cpu", "float64", 100), 0, 3))
        gc.freeze()
        worker.converge(Converge())
        worker.round(Round(1, False))
        assert any(one() is not None for one in watched)
        worker.finish(Finish())
        assert all(one() is None for one in watched)
    finally:
        gc.enable()
        gc.unfreeze()
