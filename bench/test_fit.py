"""The benchmark: each case converges and is checked in its worker; its rounds are then told to pytest-benchmark."""

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
    if record.rounds:
        rounds = record.rounds.kept.seconds
        seconds = iter(rounds)
        benchmark.pedantic(lambda: clock.advance(next(seconds)), setup=clock.reset, rounds=len(rounds))
    else:
        benchmark.pedantic(lambda: None)
    told.add(case)
