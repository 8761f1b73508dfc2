"""Jobs side by side: which goes where and when, shown by jobs that wait for each other."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from bench.measuring.scheduler import Cores, Job, Scheduler, longest

SECONDS = 30.0  # more than anything here takes; whoever waits as long has found a fault


def scheduler(*places: Cores) -> Scheduler:
    return Scheduler(lambda: places)


def job(line: str, work: Callable[[], object], **more: Any) -> Job:
    return Job(line, lambda cores, beside: work() and None, **more)


def test_two_lines_go_side_by_side_each_on_cores_of_its_own():
    both, told = threading.Barrier(2), []

    def work(cores: Cores, beside: int) -> None:
        both.wait(SECONDS)  # raises where the other one does not come
        told.append((cores, beside))

    scheduler([0], [1]).run([Job("a", work), Job("b", work)])
    assert sorted(told) == [([0], 1), ([1], 1)]


def test_the_jobs_of_a_line_go_one_after_the_other_in_their_order():
    going, told = threading.Lock(), []

    def work(name: str) -> Callable[[], None]:
        def do() -> None:
            assert going.acquire(blocking=False)
            told.append(name)
            going.release()

        return do

    scheduler([0], [1], [2]).run([job("a", work(f"{i}")) for i in range(50)])
    assert told == [f"{i}" for i in range(50)]


@pytest.mark.parametrize(("places", "most"), [(1, None), (3, 1)])
def test_no_more_go_at_once_than_there_are_places_or_than_are_allowed(places, most):
    told, going = [], threading.Lock()

    def work(cores: Cores, beside: int) -> None:
        assert going.acquire(blocking=False)
        told.append((cores, beside))
        going.release()

    scheduler(*([i] for i in range(places))).run([Job(i, work) for i in range(20)], most=most)
    assert told == [([0], 0)] * 20  # alone, and on the first cores


def test_no_more_go_at_once_than_there_is_memory_for_and_one_alone_always_does():
    going, most, lock = [], [], threading.Lock()

    def work(size: int) -> Callable[[], None]:
        def do() -> None:
            with lock:
                going.append(size)
                most.append(sum(going))
            time.sleep(0.002)  # so that whatever may go beside it has begun
            with lock:
                going.remove(size)

        return do

    sizes = [3, 5, 2, 12, 4, 1, 6, 3, 2, 5] * 2
    jobs = [job(f"{i}", work(size), holds=size) for i, size in enumerate(sizes)]
    scheduler([0], [1], [2]).run(jobs, room=10)
    assert len(most) == len(sizes) and max(total for total in most if total != 12) <= 10


def test_judging_keeps_no_core_waiting_and_happens_where_it_was_asked_for():
    second, told = threading.Event(), []

    def judge() -> None:
        assert second.wait(SECONDS)  # which begins while we judge, on the only core
        told.append(threading.current_thread())

    scheduler([0]).run([job("a", lambda: None, judge=judge), job("a", second.set)])
    assert told == [threading.main_thread()]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_is_raised_while_judging_ends_the_work_that_goes_on_and_begins_no_more(error):
    begun, ended, late = threading.Event(), threading.Event(), []

    def judge() -> None:
        assert begun.wait(SECONDS)
        raise error

    def work() -> None:
        begun.set()
        assert ended.wait(SECONDS)

    jobs = [job("a", lambda: None, judge=judge), job("b", work), *(job("b", lambda: late.append(1)) for _ in range(9))]
    with pytest.raises(error):
        scheduler([0], [1]).run(jobs, ended.set)
    assert late == []
    assert not [one for one in threading.enumerate() if one.name.endswith("(help)")]


def test_what_work_raises_is_raised_and_each_job_is_told():
    told = []

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        scheduler([0]).run([job("a", fail, abandon=lambda: told.append("a"))], lambda: told.append("all"))
    assert told == ["all", "a"]


def test_cores_that_another_run_takes_are_left_and_the_work_goes_on_on_the_rest():
    places, told = [[0], [1]], []
    both = threading.Barrier(2)

    def take(cores: Cores, beside: int) -> None:
        both.wait(SECONDS)
        if cores == [1]:
            del places[1]

    def work(cores: Cores, beside: int) -> None:
        told.append(cores)

    jobs = [Job("a", take), Job("b", take)]
    Scheduler(lambda: list(places)).run([*jobs, *(Job(i, work) for i in range(10))])
    assert told.count([0]) >= 9  # the other one may have begun before they were taken
    places.clear()
    told.clear()
    Scheduler(lambda: list(places) or [[7]]).run([Job("a", work)])
    assert told == [[7]]


def test_the_line_that_will_take_longest_begins_first():
    waiting = [job(name, lambda: None) for name in "aabbbc"]
    took = {"a": [3.0, 1.0], "b": [1.0], "c": [3.5]}  # to come: 4, 3 and 3.5 s
    assert longest(waiting, (), took) is waiting[0]
    assert longest(waiting, ("a",), took) is waiting[5]
    assert longest(waiting, ("a", "c"), took) is waiting[2]
    assert longest(waiting, ("a", "b", "c"), took) is None
    del took["b"]  # nobody knows
    assert longest(waiting, (), took) is waiting[2]


def test_a_scheduler_remembers_how_long_a_line_took():
    one, told = scheduler([0]), []
    slow = threading.Event()
    one.run([job("slow", lambda: slow.wait(0.05)), job("fast", lambda: None)])
    one.run([job("fast", lambda: told.append("fast")), job("slow", lambda: told.append("slow"))])
    assert told == ["slow", "fast"]
