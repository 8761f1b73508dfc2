"""The peak memory of a process: as Linux tells it, and where a sandbox of it does not."""

import numpy as np
import psutil
import pytest

from bench.workers import memory

MIB = 2**20


def grown() -> int:
    """The peak after 64 MiB were held, and let go of."""
    held = bytearray(64 * MIB)
    held[::4096] = b"x" * len(held[::4096])
    return memory.peak_memory()


def test_the_peak_is_in_bytes():
    assert psutil.Process().memory_info().rss / 2 < memory.peak_memory() < psutil.virtual_memory().total


def test_what_is_let_go_is_given_back():
    """Small arrays, which a C library keeps, below one that is still held and on top of the heap."""
    before = memory.resident_memory()
    small = [np.ones(1000) for _ in range(8000)]  # 61 MiB
    held = np.ones(1000)
    del small
    memory.give_back()
    assert memory.resident_memory() - before < 16 * MIB and held.sum() == 1000


@pytest.mark.parametrize("text", [None, "", "Name:\tpython\nVmRSS:\t  100 kB\n"])
def test_where_the_system_does_not_tell_the_peak_it_is_taken_from_the_usage(tmp_path, monkeypatch, text):
    """As in containers that bring a /proc of their own: every case failed at its end."""
    status = tmp_path / "status"
    if text is not None:
        status.write_text(text)
    monkeypatch.setattr(memory, "STATUS", status)
    assert 64 * MIB < grown() < psutil.virtual_memory().total


@pytest.mark.parametrize("there", [True, False])
def test_a_peak_that_cannot_be_forgotten_stays(tmp_path, monkeypatch, there):
    clear = tmp_path / "clear_refs"
    if there:
        clear.mkdir()  # even root cannot write to it
    monkeypatch.setattr(memory, "CLEAR", clear)
    memory.forget_peak_memory()
    assert (tmp_path / "clear_refs").is_dir() == there
