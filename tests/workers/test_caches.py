"""Which compiled code a process finds, and that the folders of runs that were killed do not pile up."""

import tempfile

import pytest

from bench.support.scratch import Scratch
from bench.workers.caches import SCRATCH, Caches, has, mark


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
