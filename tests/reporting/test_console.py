"""The table that a run ends with: what it says, that it fits, when it is shown, and that no fault of it ends a run."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from builders import record

from bench import conftest
from bench.measuring.own_table import asked_for, given
from bench.records.record import AGREED, FAILED, NOT_REACHED, SKIPPED, Estimate, Record
from bench.reporting import console, units
from bench.support import terminal


def timed(seconds: float, low: float | None, high: float | None, **changes: Any) -> Record:
    told = {name: changes.pop(name) for name in ("unstable", "factors") if name in changes}
    about = {"seconds": seconds, "low": low, "high": high, "confidence": 0.95, "process_seconds": [seconds]}
    return record(estimate=Estimate(**{**about, "unstable": False, "factors": ["core"], **told}), **changes)


RECORDS = [
    timed(1.71e-5, 1.70e-5, 1.72e-5),
    timed(4.05e-6, 3.97e-6, 4.15e-6, backend="jax-loop", unstable=True),
    record(backend="native", outcome=SKIPPED, reason="not installed"),
    record(backend="jax-loop", variant="nn", outcome=FAILED, reason="wrong"),
    timed(2e-5, None, None, variant="nn"),
    timed(5e-5, 4e-5, 6e-5, dtype="float64"),
]


def test_it_says_what_the_report_will():
    assert list(console.lines(RECORDS)) == [
        "cpu, 2000 points, float32",
        "variant              numpy    jax-loop   native",
        "manual             17.1 \u00b5s  4.05 \u00b5s* <  skipped",
        "  95 % interval  17.0-17.2   3.97-4.15",
        "  digits               6.0         6.0",
        "nn                 20.0 \u00b5s      failed        -",
        "  95 % interval          -",
        "  digits               6.0",
        "",
        "cpu, 2000 points, float64",
        "variant              numpy",
        "manual             50.0 \u00b5s",
        "  95 % interval  40.0-60.0",
        "  digits               6.0",
        "",
        "Time per iteration, net of the machine. < is the fastest of its row. * is unstable: its processes",
        "differ by more than the machine explains.",
    ]


def test_a_figure_is_as_the_report_writes_it():
    assert units.spread(1.71e-5, 1.70e-5, 1.72e-5) == "17.1 \u00b5s (17.0 to 17.2)"


def test_figures_from_which_nothing_is_taken_away_are_said_to_be_as_read():
    assert list(console.lines([timed(1e-5, None, None, factors=[])]))[-1] == "Time per iteration, as read."


@pytest.mark.parametrize("outcome", [AGREED, SKIPPED, NOT_REACHED])
def test_a_run_that_timed_nothing_has_no_table(outcome):
    assert list(console.lines([record(outcome=outcome, reason="no")])) == []


LONG = [
    timed(1.23e-5 + i * 1e-10, 9.99e-6, 0.123, variant="v" * 100, backend=f"backend-{'x' * 80}-{i}", points=10**15)
    for i in range(12)
]


def test_it_is_at_most_100_columns_wide_whatever_it_holds():
    lines = list(console.lines(LONG))
    assert max(map(len, lines)) <= 100
    assert sum(line.count("12.3 \u00b5s") for line in lines) == 12 and sum("s <" in line for line in lines) == 1
    assert sum(line.startswith("variant") for line in lines) > 1  # as many tables as it takes


def test_the_width_is_what_makes_it_so(monkeypatch):
    monkeypatch.setattr(console, "WIDTH", 1000)
    assert max(map(len, console.lines(LONG))) > 100


def told(option: dict[str, Any], records: list[Record] = RECORDS) -> list[str]:
    usual = {"verbose": 0, "benchmark_quiet": False, "benchmark_verbose": False}
    return conftest._figures(SimpleNamespace(option=SimpleNamespace(**{**usual, **option})), records)


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        ({}, True),
        ({"verbose": -1}, True),
        ({"verbose": -2}, False),
        ({"benchmark_quiet": True}, False),
        ({"benchmark_quiet": True, "benchmark_verbose": True}, True),
    ],
)
def test_it_is_shown_unless_pytest_is_told_to_be_quiet(option, shown):
    assert bool(told(option)) == shown


def test_a_fault_of_it_is_a_line_and_no_end_of_the_run(monkeypatch):
    monkeypatch.setattr(console, "lines", lambda _: 1 / 0)
    (line,) = told({})
    assert line.startswith("warning: no table (ZeroDivisionError")


def test_a_terminal_without_some_character_is_given_another(monkeypatch):
    for encoding, shown in (("ascii", "1 us"), ("utf-8", "1 \u00b5s"), ("latin-1", "1 \u00b5s")):
        monkeypatch.setattr(sys, "__stdout__", SimpleNamespace(encoding=encoding))
        assert terminal.plain(["1 \u00b5s"]) == [shown]
    monkeypatch.setattr(sys, "__stdout__", None)
    assert terminal.plain(["1 \u00b5s"]) == ["1 \u00b5s"]


def config(*words: str, ini: tuple[str, ...] = (), **option: Any) -> Any:
    usual = {"benchmark_compare": [], "benchmark_compare_fail": None}
    return SimpleNamespace(
        option=SimpleNamespace(**{**usual, **option}),
        getini=lambda _: list(ini),
        invocation_params=SimpleNamespace(args=words),
    )


ASKING = ["--benchmark-sort=min", "--benchmark-columns=min,max", "--benchmark-group-by=func", "--benchmark-histogram"]


@pytest.mark.parametrize("word", [*ASKING, "--benchmark-name=short", "--benchmark-time-unit=ns"])
def test_an_option_about_its_table_asks_for_it_by_whatever_way(word, monkeypatch):
    assert asked_for(config("bench", word)) and asked_for(config(ini=(word,)))
    assert conftest.pytest_benchmark_group_stats(config(word)) is None  # whoever groups them usually does
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-q {word}")
    assert asked_for(config("bench"))


@pytest.mark.parametrize("option", [{"benchmark_compare": True}, {"benchmark_compare_fail": ["min:5%"]}])
def test_so_does_a_comparison(option):
    assert asked_for(config(**option))


def test_without_one_it_has_no_groups_to_show(monkeypatch):
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    words = ("bench", "-q", "-k", "a or b", "--steps=3", "--benchmark-json=x", "--benchmark-disable-gc", "--report=y")
    assert given(words) == [] and conftest.pytest_benchmark_group_stats(config(*words)) == []
