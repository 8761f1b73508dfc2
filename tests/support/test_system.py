"""What may be used of the machine: memory, where containers limit it, and the instructions of the processor."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.support import system

GIB = 2**30
FREE = 64 * GIB  # of the machine, whatever a container says


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of control groups, in which this process is in no group of its own."""
    monkeypatch.setattr(system, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(system, "OWN", tmp_path / "own")
    free = psutil.virtual_memory()._replace(available=FREE)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    return tmp_path / "groups"


def plant(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"memory.{name}").write_text(f"{content}\n")


def stat(**lines: int) -> str:
    return "\n".join(f"{name} {value}" for name, value in lines.items())


def test_a_page_takes_more_than_nothing_and_less_than_a_disk():
    assert 1e-8 < system.page_seconds() < 1e-3


def test_without_groups_it_is_what_the_machine_has(groups):
    assert system.available_memory() == FREE


def test_without_a_limit_it_is_what_the_machine_has(groups):
    plant(groups, max="max", current=GIB)
    assert system.available_memory() == FREE


def test_the_cache_of_files_is_not_used_memory(groups):
    """After a pip install it is most of what a container is said to use."""
    lines = stat(anon=GIB, file=5 * GIB, inactive_file=3 * GIB, active_file=GIB, slab_reclaimable=GIB // 2)
    plant(groups, max=8 * GIB, current=7 * GIB, stat=lines)
    assert system.available_memory() == 8 * GIB - (7 * GIB - 9 * GIB // 2)


def test_what_cannot_be_taken_back_is_used(groups):
    plant(groups, max=8 * GIB, current=7 * GIB, stat=stat(anon=5 * GIB, shmem=2 * GIB, inactive_file=0))
    assert system.available_memory() == GIB


def test_a_group_without_statistics_has_what_its_limit_leaves(groups):
    plant(groups, max=8 * GIB, current=7 * GIB)
    assert system.available_memory() == GIB


def test_the_first_version_of_groups_is_read_too(groups):
    lines = stat(cache=5 * GIB, total_inactive_file=3 * GIB, total_active_file=GIB)
    plant(groups / "memory", limit_in_bytes=8 * GIB, usage_in_bytes=7 * GIB, stat=lines)
    assert system.available_memory() == 5 * GIB


@pytest.mark.parametrize(("outer", "inner", "free"), [(8, 4, 3), (4, 8, 3), (8, "max", 7), ("max", 8, 7)])
@pytest.mark.parametrize(
    ("told", "below", "limit", "used"),
    [
        ("0::/outer/inner", "", "max", "current"),
        ("4:cpu,memory:/outer/inner\n0::/", "memory", "limit_in_bytes", "usage_in_bytes"),
    ],
)
def test_the_narrowest_of_a_group_and_those_around_it_counts(groups, outer, inner, free, told, below, limit, used):
    system.OWN.write_text(f"{told}\n")
    for folder, most in (("outer", outer), ("outer/inner", inner)):
        plant(groups / below / folder, **{limit: most if most == "max" else most * GIB, used: GIB})
    assert system.available_memory() == free * GIB


@pytest.mark.parametrize("told", ["0::/machine/of/the/host", "0::/../elsewhere", "nonsense", ""])
def test_in_a_container_that_is_told_a_path_outside_of_it_its_own_root_counts(groups, told):
    system.OWN.write_text(told)
    plant(groups, max=2 * GIB, current=GIB)
    assert system.available_memory() == GIB


CPU = "processor\t: {number}\nmodel name\t: A CPU\nflags\t\t: fpu sse2 {more}\ncpu MHz\t\t: {number}\n\n"


def told(path: Path, *more: str) -> list[str]:
    path.write_text("".join(CPU.format(number=number, more=each) for number, each in enumerate(more)))
    system.instructions.cache_clear()
    return system.instructions()


def test_processors_of_other_instructions_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(system, "CPUS", tmp_path / "cpuinfo")
    try:
        first = told(tmp_path / "cpuinfo", "avx2", "avx2")
        assert first == ["flags\t\t: fpu sse2 avx2"] == told(tmp_path / "cpuinfo", "avx2")  # not how many, nor how fast
        assert told(tmp_path / "cpuinfo", "avx2 avx512f") != first
        assert len(told(tmp_path / "cpuinfo", "avx2", "avx512f")) == 2  # both kinds of a mixed machine
        (tmp_path / "cpuinfo").unlink()
        system.instructions.cache_clear()
        assert system.instructions()
    finally:
        system.instructions.cache_clear()


# Nine threads that sleep longer than a test takes, four of them started by another; it prints once all are there.
SLEEPING = """
import sys, threading, time
def nested():
    threading.Thread(target=time.sleep, args=[600]).start()
    time.sleep(600)
for _ in range(4):
    threading.Thread(target=nested).start()
while threading.active_count() < 9:
    time.sleep(0.01)
print(flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not system.PROCESSES.is_dir(), reason="no list of threads")
def test_a_process_is_pinned_with_all_threads_that_it_has(all_cores):
    """`os.sched_setaffinity(pid)` alone would move its first thread, and no other."""
    with subprocess.Popen([sys.executable, "-c", SLEEPING], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None and process.stdout.readline()
            for cores in ([all_cores[-1]], all_cores[:2]):
                system.pin(process.pid, cores)
                threads = [int(task.name) for task in (system.PROCESSES / str(process.pid) / "task").iterdir()]
                assert len(threads) == 9
                assert [os.sched_getaffinity(one) for one in threads] == [{*cores}] * 9
        finally:
            process.kill()
    system.pin(process.pid, all_cores)  # it has ended: nothing


def topology(folder: Path, siblings: dict[int, str], nodes: dict[int, str]) -> None:
    for core, text in siblings.items():
        (folder / f"cpu{core}" / "topology").mkdir(parents=True)
        (folder / f"cpu{core}" / "topology" / "thread_siblings_list").write_text(f"{text}\n")
    for core, text in nodes.items():
        (folder / f"cpu{core}" / "node0").mkdir()
        (folder / f"cpu{core}" / "node0" / "cpulist").write_text(f"{text}\n")


def test_cores_apart_are_one_of_each_physical_core_on_the_same_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(system, "TOPOLOGY", tmp_path)
    assert system.apart([7, 1, 3], near=7) == [7, 1, 3]  # the system tells nothing
    # Cores 0 to 3 and their second threads, 4 to 7, two and two on a memory.
    siblings = {core: f"{core % 4},{core % 4 + 4}" for core in range(8)}
    topology(tmp_path, siblings, {core: "0-1,4-5" if core % 4 < 2 else "2-3,6-7" for core in range(8)})
    assert system.apart([7, *range(7)], near=7) == [7, 2]
    assert system.apart([1, 5, 0, 4], near=1) == [1, 0]
    (tmp_path / "cpu0" / "topology" / "thread_siblings_list").write_text("of no use")
    assert system.apart([1, 5, 0, 4], near=1) == [1, 0, 4]
