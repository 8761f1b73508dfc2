"""The types of what a case leaves behind: what is right shows that it is, and only kept rounds count."""

from dataclasses import replace

import numpy as np
import pytest
from builders import AGREEMENT, record, rounds, run_of, start
from msgspec.structs import replace as changed

from bench.records.record import AGREED, FAILED, MEASURED, SKIPPED, Comparison, Facts, Sample
from bench.records.rounds import COLUMNS, Rounds, Row, joined
from bench.support.errors import InputError

ROUNDS = Rounds(**{**{name: [1, 2, 3] for name in COLUMNS}, "seconds": [9.0, 1.0, 2.0]})


def test_kept_rounds_are_those_after_the_warm_up():
    told = changed(ROUNDS, warm_up=[True, False, False], yardstick_seconds=[None, None, 0.5])
    columns = record(rounds=told).kept
    assert columns["seconds"].tolist() == [1.0, 2.0]
    assert columns["process"].tolist() == [2, 3]
    assert np.isnan(columns["yardstick_seconds"][0]) and columns["yardstick_seconds"][1] == 0.5


def test_of_what_was_not_timed_no_round_is_kept():
    columns = record(outcome=SKIPPED, reason="a reason").kept
    assert list(columns) == list(COLUMNS) and not any(len(column) for column in columns.values())


def test_rounds_are_made_row_by_row_and_joined_process_by_process():
    rows = [Row(0, turn, 0, 0.2 * turn, 20, value, value, 0.007) for turn, value in enumerate((3e-5, 1e-5))]
    first, second = Rounds.of(rows, warm_up=1), Rounds.of([row._replace(process=1, time=100.0) for row in rows[:1]], 0)
    assert first == rounds([[3e-5, 1e-5]], warm_up=1)
    assert joined([first, second]).process == [0, 0, 1] and joined([first, second]).warm_up == [True, False, False]


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_of_one_length(name):
    with pytest.raises(ValueError, match=r"^expected columns process, turn, .* of one length$"):
        changed(ROUNDS, **{name: [1, 2]})


WARMING = rounds([[1e-5, 2e-5]], warm_up=2)
HALF = start(first_call_seconds=None)


@pytest.mark.parametrize(
    ("outcome", "lacking", "message"),
    [
        (MEASURED, {"agreement": None}, "outcome 'measured': expected an `agreement`"),
        (AGREED, {"agreement": None}, "outcome 'agreed': expected an `agreement`"),
        (MEASURED, {"processes": None}, "outcome 'measured': expected `processes` with all parts of their start"),
        (AGREED, {"processes": []}, "outcome 'agreed': expected `processes` with all parts of their start"),
        (MEASURED, {"processes": [start(), HALF]}, "expected `processes` with all parts of their start"),
        (MEASURED, {"rounds": None}, "outcome 'measured': expected `rounds` after the warm-up"),
        (MEASURED, {"rounds": WARMING}, "outcome 'measured': expected `rounds` after the warm-up"),
    ],
)
def test_a_record_that_is_said_to_be_right_has_what_shows_it(outcome, lacking, message):
    with pytest.raises(ValueError, match=message):
        record(outcome=outcome, **lacking)
    record(outcome=FAILED, reason="wrong", **lacking)  # of which nothing is asked


def sample(**changes) -> Sample:
    told = {"failure": None, "facts": Facts(), "agreement": AGREEMENT, "start": start(), "rounds": None}
    return Sample(**{"side": "a", "process": 0, "case": record().case, **told, **changes})


@pytest.mark.parametrize("lacking", [{"agreement": None}, {"start": HALF}])
def test_so_has_a_sample(lacking):
    with pytest.raises(ValueError, match="expected a `failure`, or an `agreement` and all parts of the `start`"):
        sample(**lacking)
    assert sample(failure="wrong", **lacking).failure == "wrong"


def test_a_sample_has_rounds_after_the_warm_up_or_none():
    assert sample().rounds is None
    with pytest.raises(ValueError, match="expected `rounds` after the warm-up"):
        sample(rounds=WARMING)


def test_a_run_finds_its_records_by_case_and_holds_none_twice():
    numpy, torch = record(), record(backend="torch", outcome=FAILED, reason="wrong")
    run = run_of("run.json", [numpy, torch])
    assert run.by_case == {numpy.case: numpy, torch.case: torch} and run.measured == {numpy.case: numpy}
    again = run_of("run.json", [numpy, torch, changed(torch, agreement=replace(AGREEMENT, digits=1.0))])
    with pytest.raises(InputError, match=r"^run.json: manual-torch-cpu-float32-2000: the run holds this case twice$"):
        _ = again.by_case


def test_looks_of_a_comparison_begin_before_they_end():
    assert Comparison("1", "a", ".", (3, 3)).looks == (3, 3)
    with pytest.raises(ValueError, match="expected `looks` that begin before they end"):
        Comparison("1", "a", ".", (4, 3))
