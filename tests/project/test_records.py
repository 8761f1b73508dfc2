"""docs/records.md tells every field of a file and every column of a table, and no other."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from builders import record, run_of
from conftest import ROOT

from bench.records.record import Facts, Machine, Record
from bench.reporting import frames
from bench.reporting.report import data

PAGE = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")


def documented(title: str) -> list[str]:
    """The names in the first column of the table below a heading."""
    part = re.split(rf"(?m)^#+ {re.escape(title)}$", PAGE)[1].split("\n#")[0]
    cells = re.findall(r"(?m)^\| (`.*?) \|", part)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def types(kind: Any) -> Iterator[type]:
    """A type of the file, and all that are inside it."""
    told = msgspec.inspect.type_info(kind)
    waiting, seen = [told], set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, msgspec.inspect.StructType | msgspec.inspect.DataclassType) and one.cls not in seen:
            seen.add(one.cls)
            yield one.cls
        waiting += [field.type for field in getattr(one, "fields", ())]
        waiting += getattr(one, "types", ())
        waiting += [getattr(one, name) for name in ("item_type", "key_type", "value_type") if hasattr(one, name)]


def own_fields(kind: Any) -> list[str]:
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    inherited = Facts.__struct_fields__ if kind is Record else ()
    return [name for name in kind.__struct_fields__ if name not in inherited and name != "case"]


KINDS = sorted({*types(Record), *types(Machine), Facts}, key=lambda kind: kind.__name__)


def test_the_types_of_a_file_are_found() -> None:
    found = {kind.__name__ for kind in KINDS}
    assert found >= {"Record", "Case", "Agreement", "ProcessStart", "Rounds", "Sampling", "Machine", "Comparison"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_field_of_a_file_is_told(kind: type) -> None:
    assert f"\n### {kind.__name__}\n" in PAGE
    assert sorted(documented(kind.__name__)) == sorted(own_fields(kind))


def tables() -> dict[str, list[str]]:
    run = run_of("run.json", [record(), record(backend="jax")], packages={})
    frame = frames.cases({"run": run})
    return {f"{name}.csv": list(table.columns) for name, table in data({"run": run}, frame)}


TABLES = tables()


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_a_table_is_told(name: str) -> None:
    shared = documented("The CSV of a report")
    assert f"\n### {name}\n" in PAGE
    told = documented(name)
    assert not set(told) & set(shared)
    assert set(told) <= set(TABLES[name])
    assert {*told, *shared} >= set(TABLES[name])


def test_no_table_is_told_that_is_not_written() -> None:
    assert {*re.findall(r"(?m)^### (.*\.csv)$", PAGE)} == set(TABLES)
    assert set(documented("The CSV of a report")) == {*frames.KEYS, "outcome", "reason"}
