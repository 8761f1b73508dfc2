"""The benchmark: a case converges, is checked and timed in its workers; pytest-benchmark is told a figure a process."""

import pytest

from bench.records.record import FAILED, NOT_REACHED, SKIPPED


# A case that fails or is skipped has nothing to time: that it leaves the fixture unused is no oversight.
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
def test_fit(benchmark, runner, clock, told, case):
    record = runner.record(case)
    if record.outcome in (SKIPPED, NOT_REACHED):  # after Ctrl-C the rest is passed over, not run
        pytest.skip(record.reason)
    if record.outcome == FAILED:
        pytest.fail(record.reason, pytrace=False)
    if record.estimate:  # a process is one round to pytest-benchmark, so that its median is the report's
        figures = record.estimate.process_seconds
        seconds = iter(figures)
        benchmark.pedantic(lambda: clock.advance(next(seconds)), setup=clock.reset, rounds=len(figures))
    else:
        benchmark.pedantic(lambda: None)
    told.add(case)
