"""What it costs to start, by the state in which a process began."""

from builders import record, start

from bench.statistics import cold_start


def test_the_total_is_the_median_of_totals():
    # The medians of the parts are 2 and 2.5, whose sum is 4.5; the totals are 4, 3 and 5.5.
    parts = [(1.0, 3.0), (2.0, 1.0), (3.0, 2.5)]
    processes = [
        start(i, import_seconds=0.0, startup_seconds=0.0, build_seconds=build, first_call_seconds=first)
        for i, (build, first) in enumerate(parts)
    ]
    (found, steady) = cold_start.starts(record(processes=processes))
    assert (found.parts["build_seconds"], found.parts["first_call_seconds"]) == (2.0, 2.5)
    assert (found.total, found.low, found.high) == (4.0, 3.0, 5.5)
    assert steady.state == cold_start.STEADY
