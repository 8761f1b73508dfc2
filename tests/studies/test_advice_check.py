"""The check of the advice: what it makes, what it leaves out, and that it can fail."""

from dataclasses import replace

import pytest
from builders import run_of
from sized import line, pace

from bench.sides.side import here
from bench.statistics.advice import Asked, costs_of
from bench.statistics.cold_start import EMPTY, WARM
from bench.studies import advice
from bench.studies.advice import LONGEST, STEPS, Answer, Plan, Point, answers, chosen, passes, verdicts
from bench.studies.advice_table import table, told

ASKED = Asked(1, 1, ("manual",), "float32", "cpu")
POINT = Point(300, 50)


def answer(backend: str, predicted: float, real: float, point: Point = POINT, state: str = WARM) -> Answer:
    return Answer(point, state, backend, predicted, real, 0.3, real)


def test_points_are_spread_over_sizes_that_were_not_measured():
    costs = costs_of([run_of("run.json", line())], ASKED)
    points = chosen(costs, 10, seed=1)
    sizes = [one.points for one in points]
    assert sizes == sorted(sizes) and len({*sizes}) == 10 and not {100, 1000, 10_000} & {*sizes}
    assert 100 < sizes[0] < 160 and 6300 < sizes[-1] < 10_000
    assert all(1 <= one.steps <= STEPS * 1.05 and one.steps * pace(one.points) < 1.2 * LONGEST for one in points)
    assert points == chosen(costs, 10, seed=1) != chosen(costs, 10, seed=2)


def far(backend: str, seconds: float) -> list:
    return line(("empty", "warm"), starts=lambda size: {"first_call_seconds": seconds}, backend=backend)


def test_where_time_is_short_what_is_far_from_the_cheapest_and_takes_long_is_left_out():
    """2.9 s against 60 and 30 s: of the two dear ones both stay, as far as there is time."""
    run = run_of("run.json", [*line(), *far("torch-compile", 57.1), *far("jax", 27.1)])
    plan = Plan.of([run], ASKED, 4, 6, seed=0)
    made = [cost.case.backend for _, cost in plan.jobs]
    assert made.count("numpy") == 4 and 0 < made.count("torch-compile") < 4 and made.count("jax") > 0
    assert len(plan.jobs) + len(plan.left_out) == 12
    everything = Plan.of([run], ASKED, 4, 60, seed=0)
    assert len(everything.jobs) == 12 and everything.left_out == []


def test_a_check_passes_where_nine_of_ten_predictions_and_names_hold():
    good = [answer("numpy", 1.0, 1.19, Point(300, i)) for i in range(9)]
    assert passes([*good, answer("numpy", 1.0, 1.21, Point(300, 9))])
    assert not passes([*good[:8], *(answer("numpy", 1.0, each, Point(300, 9)) for each in (0.8, 1.21))])
    assert not passes([])


def test_what_is_named_may_cost_a_tenth_more_than_the_best():
    near = [answer("numpy", 1.0, 1.09), answer("torch", 1.05, 1.0)]
    (one,) = verdicts(near)
    assert (one.named, one.best, one.right) == ("numpy", "torch", True)
    wrong = [answer("numpy", 1.0, 1.15), answer("torch", 1.05, 1.0)]
    assert all(each.near for each in wrong) and not passes(wrong)
    assert verdicts(wrong)[0].more == pytest.approx(1.15)


def test_real_fits_are_made_in_processes_of_their_own_and_told(monkeypatch):
    monkeypatch.setattr(advice, "REPEATS", 1)
    plan = Plan.of([run_of("run.json", line())], ASKED, 1, 1, seed=0)
    found = list(answers(plan, here(), None))
    assert [one.state for one in found] == [EMPTY, WARM]  # one process: NumPy keeps no compiled code
    assert found[0].real == found[1].real and 0 < found[0].real < 60 and found[0].beside > 0
    assert "numpy, " in told(found[0]) and "predicted 2.9" in told(found[0])
    said = table(plan, found)
    disturbed = [replace(one, real=9.0, predicted=1.1, undisturbed=1.0) for one in found]
    told_so = table(plan, disturbed)
    assert "within 20 %: 0 of 2 predictions" in told_so and "disturbed: 2 of 2 shared their core" in told_so
    assert "2 would be within, and 2 named" in told_so
    assert "| numpy " in said and f"of {len(found)} predictions" in said and "not counted, " in said
