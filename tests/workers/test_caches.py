"""Which compiled code a process finds, and that the folders of runs that were killed do not pile up."""

import tempfile

import pytest

from bench.cases.case import Case
from bench.cases.options import choice_of
from bench.sides.side import here
from bench.support.scratch import Scratch
from bench.workers import pool
from bench.workers.caches import SCRATCH, Caches, has, mark
from bench.workers.process import Deadline


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A temporary folder of our own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_cold_process_finds_an_empty_folder_and_a_warm_one_what_was_left():
    caches = Caches()
    first = caches.folder(["torch", "2.13"], cold=True)
    assert not any(first.iterdir()) and not has(first, "case")
    mark(first, "case")
    assert caches.folder(["torch", "2.13"], cold=False) == first and has(first, "case")
    again = caches.folder(["torch", "2.13"], cold=True)
    assert again != first and not has(again, "case")
    assert caches.folder(["torch", "2.14"], cold=False) != first  # another environment shares nothing
    caches.close()
    assert not first.exists() and not again.exists()


def test_a_folder_that_is_kept_outlives_the_run(tmp_path):
    caches = Caches(tmp_path)
    folder = caches.folder(["jax"], cold=False)
    mark(folder, "case")
    caches.close()
    caches = Caches(tmp_path)
    assert has(caches.folder(["jax"], cold=False), "case")
    caches.close()


def test_what_a_killed_run_left_is_removed_by_the_next_and_a_live_ones_stays(temporary):
    dead, strange = temporary / f"fitbench-{SCRATCH}-dead", temporary / "strange"
    with Scratch(SCRATCH) as live:
        for folder in (dead, live, strange):
            (folder / "warm").mkdir(parents=True)
        caches = Caches()
        assert not dead.exists() and live.exists() and strange.exists()
        caches.close()
        assert sorted(temporary.iterdir()) == sorted([live, strange])


def test_runs_that_follow_each_other_leave_nothing(temporary):
    for _ in range(2):
        caches = Caches()
        caches.folder(["jax"], cold=False)
        assert len(list(temporary.iterdir())) == 1
        caches.close()
        assert not any(temporary.iterdir())


@pytest.mark.parametrize("fact", ["cpu_name", "instructions"])
def test_code_of_another_processor_is_not_found(tmp_path, monkeypatch, fact):
    """A kept folder may be restored on a machine whose processor lacks instructions that its code has."""
    caches, found = Caches(tmp_path), []
    for told in ("one", "one", "another"):
        monkeypatch.setattr(pool, fact, lambda told=told: told)
        workers = pool.Pool(choice_of(backend=["numpy"]), caches, cold=False, code={"": "a hash"})
        case = Case("manual", "numpy", "cpu", "float32", 2000)
        try:
            found.append(workers.worker(here(), case, Deadline(60)).cache)
        finally:
            workers.close()
    caches.close()
    assert found[0] == found[1] != found[2]
