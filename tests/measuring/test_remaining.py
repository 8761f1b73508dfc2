"""How long a run will still take, in closed form."""

import pytest

from bench.measuring.remaining import Remaining, about, seconds_left


@pytest.mark.parametrize(
    ("taken", "groups", "processes", "left"),
    [
        ([[]], 4, 3, None),  # nothing has ended
        ([[20.0]], 4, 3, None),  # with the first group all workers start
        ([[20.0, 3.0]], 4, 3, 2 * 3.0 + 2 * (20.0 + 3 * 3.0)),
        ([[20.0, 3.0, 5.0, 4.0]], 4, 3, 2 * (20.0 + 3 * 4.0)),  # a median
        ([[20.0, 3.0, 5.0, 4.0], [8.0]], 4, 3, 3 * 4.0 + (8.0 + 3 * 4.0)),
        ([[20.0, 3.0, 5.0, 4.0], [8.0, 1.0]], 4, 3, 2 * 1.0 + (8.0 + 3 * 1.0)),  # the latest process tells best
        ([[20.0, 3.0, 5.0, 4.0], []], 4, 2, 20.0 + 3 * 4.0),
        ([[2.0], [2.0], [2.0]], 1, 3, 0.0),
        ([[5.0], [7.0, 2.0]], 3, 2, 2.0),  # of the first only one was left when it was resumed
    ],
)
def test_the_time_left_is_what_the_rest_took_so_far(taken, groups, processes, left):
    assert seconds_left(taken, groups, processes) == left


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.0, ", about 10 s left"),
        (10.1, ", about 20 s left"),
        (50.0, ", about 50 s left"),
        (51.0, ", about 1 min left"),
        (89.0, ", about 1 min left"),
        (91.0, ", about 2 min left"),
        (3599.0, ", about 60 min left"),
        (5400.0, ", about 1.5 h left"),
    ],
)
def test_it_is_told_in_few_words(seconds, words):
    assert about(seconds) == words


def test_a_run_that_goes_on_knows_more():
    times = iter([0.0, 30.0, 40.0, 50.0, 60.0])
    run = Remaining(processes=2, clock=lambda: next(times))
    run.begin(groups=2)
    assert run.left() == ""
    run.done()  # 30 s
    assert run.left() == ""
    run.done()  # 10 s
    run.begin(groups=2)
    assert run.left() == ", about 40 s left"  # 30 + 10
    run.done()  # 10 s
    assert run.left() == ", about 10 s left"


def test_a_process_that_was_whole_when_the_run_was_resumed_takes_nothing():
    times = iter([0.0, 30.0, 40.0])
    run = Remaining(processes=3, clock=lambda: next(times))
    run.begin(groups=0)
    run.begin(groups=2)
    run.done()
    run.done()
    assert run.left() == ", about 40 s left"  # one more: 30 + 10
