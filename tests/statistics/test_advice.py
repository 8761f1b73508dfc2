"""Which to take: the best is the best, a tie is told, and what is not predicted says why."""

import pytest
from builders import record, run_of
from sized import AGAIN, BEFORE, START, line, pace

from bench.statistics.advice import Advice, Asked, Row, advise, enough, questions
from bench.statistics.cold_start import EMPTY, STEADY, WARM
from bench.statistics.intervals import Interval
from bench.support.errors import InputError

ASKED = Asked(1000, 1001, ("manual",), "float32", "cpu")
(FRESH, *_) = ASKS = questions(warm=False)


def rows(**seconds: tuple[float, float, float]) -> Advice:
    told = {name: {FRESH: Interval(*ends)} for name, ends in seconds.items()}
    return Advice(ASKED, ASKS, [Row("manual", name, each, each, {}) for name, each in told.items()])


def test_the_headline_is_that_of_the_caches():
    assert [(one.state, one.fits) for one in questions(warm=False)] == [
        *((EMPTY, 1), (WARM, 1), (STEADY, 1)),
        *((EMPTY, fits) for fits in (10, 100, 1000)),
    ]
    assert [(one.state, one.fits) for one in questions(warm=True)][:2] == [(WARM, 1), (EMPTY, 1)]
    assert {one.state for one in questions(warm=True)[3:]} == {WARM}


def test_the_best_is_told_apart_where_the_intervals_allow():
    best = rows(torch=(3.0, 2.9, 3.1), numpy=(1.0, 0.9, 1.1), jax=(2.0, 1.9, 2.1)).best(FRESH)
    assert best is not None and best.second is not None and best.more is not None
    assert (best.row.backend, best.second.backend, best.told_apart) == ("numpy", "jax", True)
    assert best.more.value == pytest.approx(2.0)


def test_a_tie_is_told():
    best = rows(numpy=(1.25, 1.15, 1.35), torch=(1.2, 1.1, 1.3)).best(FRESH)
    assert best is not None and (best.row.backend, best.told_apart) == ("torch", False)


def test_without_an_interval_nothing_is_told_apart():
    best = rows(numpy=(1.0, float("nan"), float("nan")), torch=(5.0, 4.9, 5.1)).best(FRESH)
    assert best is not None and not best.told_apart


def test_one_that_is_alone_is_the_best_and_of_none_there_is_none():
    best = rows(numpy=(1.0, 0.9, 1.1)).best(FRESH)
    assert best is not None and best.second is None and best.told_apart
    assert rows().best(FRESH) is None


def test_all_questions_are_answered_by_the_same_sums():
    (row,) = advise([run_of("run.json", line())], ASKED).rows
    once = 1000 * pace(1000)
    expected = [START + BEFORE + once] * 2 + [AGAIN + once]
    expected += [START + BEFORE + fits * once + (fits - 1) * AGAIN for fits in (10, 100, 1000)]
    assert [row.seconds[each].value for each in ASKS] == pytest.approx(expected, rel=0.02)


def test_what_is_not_predicted_says_why():
    records = [
        *line(),
        *line(sizes=(100, 1000), backend="torch"),
        *line(sizes=(100, 1000), backend="jax"),
        record(backend="jax", points=10_000, outcome="failed", reason="late"),
        record(backend="native", outcome="skipped", reason="not written"),
        *line(("warm", "warm"), backend="jax-loop"),
    ]
    found = {row.backend: row for row in advise([run_of("run.json", records)], ASKED).rows}
    assert found["torch"].reasons[FRESH] == "timed at 2 sizes; 3 are needed"
    assert found["jax"].reasons[FRESH] == "timed at 2 of 3 sizes; failed: late"
    assert found["native"].reasons[FRESH] == "skipped: not written"
    assert found["jax-loop"].reasons[FRESH].startswith("no process of the run began with empty caches")
    assert {*found["jax-loop"].seconds} == {one for one in ASKS if one.state != EMPTY}


def test_a_variant_that_no_run_holds_is_refused():
    with pytest.raises(
        InputError, match="nn in float32 on cpu: in none of the runs; they hold manual in float32 on cpu"
    ):
        advise([run_of("run.json", line())], Asked(1000, 10, ("nn",), "float32", "cpu"))


def test_a_run_is_enough_with_three_sizes_of_a_case():
    assert enough(run_of("run.json", line()), ASKED)
    assert not enough(run_of("run.json", [*line(sizes=(100, 1000)), *line(sizes=(10_000,), backend="jax")]), ASKED)
