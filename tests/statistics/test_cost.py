"""What whole fits cost: of records of known parts, the sums are those made by hand."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from builders import record, rounds, run_of, start
from sized import AGAIN, BEFORE, SIZES, START, line, pace

from bench.records.record import Record, Run
from bench.statistics.before import before
from bench.statistics.cheapest import cheapest
from bench.statistics.cold_start import EMPTY, STEADY, WARM
from bench.statistics.cost import Cost, costs
from bench.statistics.intervals import quotient
from bench.statistics.model import fit
from bench.support.controls import CONTROLS
from bench.support.errors import InputError


def costs_of(*records: Record) -> list[Cost]:
    return costs([(run := run_of("run.json", records), fit([*run.measured.values()]))])


def test_a_fit_costs_its_start_its_compilation_and_its_iterations():
    (found,) = costs_of(*line())
    for points, steps in ((1000, 1), (1000, 1001), (3000, 10_001)):
        iterations = (steps - 1) * pace(points)
        assert found.predict(points, steps, WARM).value == pytest.approx(START + BEFORE + iterations, rel=0.01)
        assert found.predict(points, steps, STEADY).value == pytest.approx(AGAIN + iterations, rel=0.05)
        several = START + BEFORE + 10 * iterations + 9 * AGAIN
        assert found.predict(points, steps, EMPTY, 10).value == pytest.approx(several, rel=0.01)


def test_compiling_is_paid_by_the_state_of_the_caches():
    records = [
        record(
            [[pace(size)] * 3] * 3,
            points=size,
            processes=[
                start(0, "empty", first_call_seconds=9.0, startup_seconds=3.25),
                start(1, "warm"),
                start(2, "warm"),
            ],
        )
        for size in SIZES
    ]
    (found,) = costs_of(*records)
    assert found.predict(1000, 1, EMPTY).value == pytest.approx(START + 3 + BEFORE + 7)
    assert found.predict(1000, 1, WARM).value == pytest.approx(START + BEFORE)


def test_of_a_state_that_no_process_began_in_nothing_is_told():
    (found,) = costs_of(*line(("warm", "warm")))
    with pytest.raises(InputError, match="no process of the run began with empty caches; --cold"):
        found.predict(1000, 10, EMPTY)
    assert math.isnan(found.seconds(1000, 10, EMPTY))
    assert found.predict(1000, 10, WARM).value > 0


@pytest.mark.parametrize("points", [49, 20_001])
def test_beyond_twice_what_was_measured_nothing_is_told(points):
    (found,) = costs_of(*line())
    with pytest.raises(
        InputError, match=f"{points} points: beyond what sizes of 100 to 10000 can tell; allowed: 50 to"
    ):
        found.predict(points, 10, WARM)
    assert math.isnan(found.seconds(points, 10, WARM))


def test_two_sizes_are_too_few():
    assert costs_of(*line(sizes=(100, 1000))) == []


def test_of_one_process_there_is_no_interval():
    (found,) = costs_of(*line((None,)))
    told = found.predict(1000, 10, WARM)
    assert told.value > 0 and math.isnan(told.low) and math.isnan(told.high)


def test_the_interval_holds_how_imports_differ():
    """Of 0.4 and 0.6 s: a further process may be as far from the median as these are, and its median as unsure."""
    records = line()
    spread = [
        record(
            [[pace(one.case.points)] * 3] * 2,
            points=one.case.points,
            processes=[start(i, import_seconds=each) for i, each in enumerate((0.4, 0.6))],
        )
        for one in records
    ]
    (found,) = costs_of(*spread)
    told = found.predict(1000, 1, WARM)
    assert told.low < START - 0.1 + BEFORE and told.high > START + 0.1 + BEFORE


def test_a_restless_machine_makes_seconds_unsure_and_not_what_is_compared():
    """Processes at 0.8 and 1.25 times the pace, as the controls say of the machine: it is not the case that differs."""
    moved = (0.8, 0.8, 1.25, 1.25)
    records = [
        record(
            [[pace(size) * each] * 20 for each in moved],
            points=size,
            processes=[start(i) for i in range(4)],
            rounds=rounds(
                [[pace(size) * each] * 20 for each in moved],
                controls={name: [5e-4 * each for each in moved for _ in range(20)] for name in CONTROLS},
            ),
        )
        for size in SIZES
    ]
    (found,) = costs_of(*records)
    alone, compared = (found.predict(1000, 10**8, WARM, alike=alike) for alike in (False, True))
    assert alone.value == compared.value
    assert compared.high / compared.value < 0.8 * alone.high / alone.value


def test_what_the_first_case_of_a_process_pays_is_paid_by_every_fresh_one():
    """3 s more for the one whose rounds are the earliest: the largest size."""
    begun = {100: 20.0, 1000: 10.0, 10_000: 0.0}
    records = [
        record(
            points=size,
            rounds=rounds([[pace(size)] * 3] * 2, time=[begun[size] + 100 * i + t for i in range(2) for t in range(3)]),
            processes=[start(i, first_call_seconds=2.0 + 3.0 * (size == 10_000)) for i in range(2)],
            seconds=[[pace(size)] * 3] * 2,
        )
        for size in SIZES
    ]
    (found,) = costs_of(*records)
    assert found.predict(100, 1, WARM).value == pytest.approx(START + BEFORE + 3, rel=0.01)


def test_what_variants_share_the_first_of_a_process_pays_for():
    """The features of a size, 2 s, are made with whichever variant comes first, and in a process of its own by each."""
    dear = line(starts=lambda size: {"build_seconds": 2.125}, variant="autograd")
    (_, found) = sorted(costs_of(*line(), *dear), key=lambda one: one.case.variant)
    assert found.case.variant == "manual"
    assert found.predict(1000, 1, WARM).value == pytest.approx(START + BEFORE + 2)


def test_a_case_in_two_runs_is_refused():
    runs = [run_of(name, line()) for name in ("a.json", "b.json")]
    with pytest.raises(InputError, match=r"b\.json: manual-numpy-cpu-float32-100: a\.json holds it too"):
        costs([(run, fit([*run.measured.values()])) for run in runs])


def test_sizes_of_several_runs_are_one_line():
    runs: list[Run] = [run_of(f"{one.case.points}.json", [one]) for one in line()]
    (found,) = costs([(run, fit([*run.measured.values()])) for run in runs])
    assert found.predict(1000, 1001, WARM).value == pytest.approx(START + BEFORE + 1000 * pace(1000), rel=0.01)


SPACED = np.array([1e2, 1e3, 1e4, 1e5, 1e6])


def test_data_that_are_moved_cost_a_line():
    moved = 0.01 + 1e-8 * SPACED
    assert before(SPACED, moved, 0.1).seconds(3e5) == pytest.approx(0.013, rel=1e-3)


def test_a_compiler_that_takes_longer_for_small_sizes_is_followed():
    compiled = np.array([0.7, 0.7, 0.4, 0.4, 0.4])
    found = before(SPACED, compiled, 2.0)
    assert found.seconds([1e2, 3e2, 5e5]) == pytest.approx([0.7, 0.7, 0.4], rel=1e-3)
    assert 0 < found.off < 0.15


@pytest.mark.parametrize("seconds", [0.01 + 1e-8 * SPACED, np.array([0.7, 0.7, 0.4, 0.4, 0.4])])
def test_what_comes_before_can_be_passed_to_another_process(seconds):
    """Or a report makes it twice."""
    found = before(SPACED, seconds, 1.0)
    again = pickle.loads(pickle.dumps(found))
    assert again.seconds(SPACED).tolist() == found.seconds(SPACED).tolist()


def border(points: float) -> float:
    """Of steps, where 1 s and 2e-8 s a point cost as much as 5 s and 1e-8: (T - 1) 1e-8 N = 4."""
    return 1 + 4 / (1e-8 * points)


def crossing() -> list[Record]:
    def parts(total: float):
        rest = dict.fromkeys(("import_seconds", "startup_seconds", "build_seconds"), 0.0)
        return lambda size: {**rest, "first_call_seconds": total}

    cheap = line(starts=parts(1.0), seconds=lambda size: 1e-6 + 2e-8 * size)
    return [*cheap, *line(starts=parts(5.0), seconds=lambda size: 1e-6 + 1e-8 * size, backend="jax")]


def test_the_border_of_the_map_is_where_two_cost_the_same():
    points = np.array([100.0, 1000.0, 10_000.0])
    for j, size in enumerate(points):
        found = cheapest(costs_of(*crossing()), points, border(size) * np.array([0.98, 1.0, 1.02]), WARM)
        assert [found.costs[place].case.backend for place in found.best[:, j]][::2] == ["numpy", "jax"]
        assert found.margin(0)[1, j] == pytest.approx(0, abs=0.01)
        assert found.margin(0)[:, j] == pytest.approx(-found.margin(1)[:, j])


def test_the_cheapest_is_told_apart_where_the_interval_of_the_two_says_so():
    both = [replace(one, usual=replace(one.usual, start_spread=0.05, start_df=10.0)) for one in costs_of(*crossing())]
    sizes, steps = np.array([100.0, 1000.0, 10_000.0]), np.array([2.0, 1e3, 1e5, 4e5, 1e7])
    found = cheapest(both, sizes, steps, WARM)
    for i, j in np.ndindex(len(steps), len(sizes)):
        each = [one.predict(int(sizes[j]), int(steps[i]), WARM, alike=True) for one in both]
        first, second = sorted(each, key=lambda one: one.value)
        assert found.told_apart[i, j] == (quotient(first, second).low > 1)
    assert found.told_apart[0].all() and found.told_apart[-1, -1] and not found.told_apart[3, 1]  # which is the border
    assert cheapest(both[:1], sizes, steps, WARM).told_apart.all()


def test_where_nothing_is_known_the_map_is_empty():
    found = cheapest(costs_of(*crossing()), np.array([40.0, 100.0]), np.array([10.0]), WARM)
    assert found.known.tolist() == [[False, True]] and not found.told_apart[0, 0]
    assert np.isnan(found.margin(0)[0, 0])
