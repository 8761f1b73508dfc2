"""The benchmark: each case converges and is checked in its worker; its rounds are then told to pytest-benchmark."""

import pytest

from bench.case import Case
from bench.record import FAILED, NOT_REACHED, SKIPPED
from bench.sampling import kept_columns


# A case that fails or is skipped has nothing to time: that it leaves the fixture unused is no oversight.
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
def test_fit(benchmark, runner, clock, variant, backend, device, dtype, points):
    record = runner.record(Case(variant, backend, device, dtype, points))
    if record.outcome in (SKIPPED, NOT_REACHED):  # after Ctrl-C the rest is passed over, not run
        pytest.skip(record.reason)
    if record.outcome == FAILED:
        pytest.fail(record.reason, pytrace=False)
    benchmark.extra_info.update(record.as_dict())
    if record.rounds:
        rounds = kept_columns(record.rounds)["seconds"]
        seconds = iter(rounds)
        benchmark.pedantic(lambda: clock.advance(next(seconds)), setup=clock.reset, rounds=len(rounds))
    else:
        benchmark.pedantic(lambda: None)
