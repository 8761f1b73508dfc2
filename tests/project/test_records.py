"""docs/records.md is what the code makes of it, and tells of every column that a table has."""

import sys
from typing import Annotated

import msgspec
import pytest
from builders import record, rounds, run_of
from conftest import ROOT
from msgspec import Meta

from bench.records.meanings import meanings
from bench.records.rounds import PAGE_FAULTS, READ_SECONDS
from bench.reporting import frames
from bench.reporting.data import TABLES
from bench.reporting.pairs import with_break_evens

sys.path.append(str(ROOT / "docs"))
import records

PAGE = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")


def test_the_page_in_git_is_what_the_script_makes():
    assert records.page() == PAGE, "out of date: python docs/records.py"


def test_a_meaning_that_changed_makes_another_page(monkeypatch):
    monkeypatch.setitem(frames.STARTS, "state", "planted")
    made = records.page()
    assert made != PAGE and "| `state` | planted |" in made


def test_the_types_of_a_file_are_found():
    found = {kind.__name__ for kind in records.kinds()}
    assert found >= {"Record", "Case", "Agreement", "ProcessStart", "Rounds", "Sampling", "Machine", "Comparison"}
    assert [name for name in found if f"\n### {name}\n" not in PAGE] == []


class Told(msgspec.Struct):
    one: Annotated[int, Meta(description="the first")]


class Untold(Told):
    other: int = 0


def test_a_field_without_a_meaning_is_no_page():
    assert meanings(Told) == {"one": "the first"}
    with pytest.raises(AttributeError):
        meanings(Untold)


@pytest.fixture(scope="module")
def made() -> dict[str, list[str]]:
    """The columns of each table, of a run that reads all that there is to read."""
    read = rounds([[1e-5]], readings={PAGE_FAULTS: [1.0], READ_SECONDS: [1e-6]})
    run = run_of("run.json", [record([1e-5], rounds=read), record([1e-5], backend="jax")], packages={})
    frame = with_break_evens(frames.cases({"run": run}))
    return {table.name: list(table.make({"run": run}, frame).columns) for table in TABLES}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_has_the_columns_that_are_told_of_it(table, made):
    told = [*table.keys, *table.columns]
    unused = [name for name in frames.COEFFICIENTS if name in told and name not in "abcd"]
    assert made[table.name] == [name for name in told if name not in unused]


def test_every_column_of_the_one_frame_that_is_no_object_is_told():
    frame = frames.cases({"run": run_of("run.json", [record()])})
    objects = {"record", "model", "net", "paces", "starts", "growth", "cost", "caches", "row"}
    assert {*frame.columns} - objects <= {*frames.EVERY}
