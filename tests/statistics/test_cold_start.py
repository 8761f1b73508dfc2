"""What it costs to start, by the state in which a process began."""

import msgspec
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


def test_starts_with_the_fewest_beside_them_count():
    """The cold one had another beside it, and is the only one; of the warm ones one was alone."""
    states = [("empty", 1, 5.0), ("warm", 0, 2.0), ("warm", 3, 2.5), ("warm", 0, 2.25)]
    processes = [
        start(i, import_seconds=0.0, startup_seconds=0.0, build_seconds=0.0, first_call_seconds=seconds)
        for i, (_, _, seconds) in enumerate(states)
    ]
    told = [
        msgspec.structs.replace(one, cache_state=state, beside=beside)
        for one, (state, beside, _) in zip(processes, states, strict=True)
    ]
    case = record(processes=told)
    found = {one.state: (one.processes, one.total) for one in cold_start.starts(case)}
    assert found["empty"] == (1, 5.0) and found["warm"] == (2, 2.125)
    assert found["steady"][0] == 4  # which is measured on the cores of the run alone
    assert cold_start.costs(case, "warm").tolist() == [2.0, 2.25]
