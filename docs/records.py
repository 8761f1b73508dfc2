"""Write docs/records.md: every field of a file and every column of a table, from where they are defined.

python docs/records.py [FILE]     # default: docs/records.md
"""

import inspect
import itertools
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from bench.records.meanings import meanings
from bench.records.record import Facts, Machine, Record
from bench.reporting import frames
from bench.reporting.data import TABLES, Data

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 120

HEAD = """
# What is in the files

Seconds, bytes and fractions of 1 throughout; per iteration, where it is timings. What was not reached, or what the
system did not tell, is null (JSON) or empty (CSV). This page is made of the code, by `python docs/records.py`: a field
is described where it is declared, a column where its table is.

## The JSON of a run

pytest-benchmark's format: `benchmarks` are the cases that were timed, with their `stats` in seconds per iteration, and
`not_measured`, in the same form without `stats`, all others that were planned. Ours stands in `extra_info` of each (a
`Record`, with the fields of its `Case` and its `Facts` beside its own) and in `machine_info.fitbench` (a `Machine`).
A file may be passed on: it names no host, no home folder and no user, and holds values of environment variables only
where they are known options, or were given to `bench.ab` as a side. Fields may be added without a new `schema`; pass
over those that you do not know. A file of an older `schema` is read as today's; one of a newer is refused.
"""
LOAD = """
## The frame of bench.load

`bench.load("run.json")`, or of several files, is a pandas frame: a row a case, whatever became of it. It begins with
the columns that name a case and its outcome, as the tables below do, and has these:
"""
MORE = "The others are those of these tables, as far as the runs have them, and are described there: "
CSV = """
## The CSV of a report

In `tables/`, in UTF-8. A text that a spreadsheet would run as a formula has an apostrophe before it. What a row is of
stands in its first columns, which each table names:
"""


def kinds() -> list[type]:
    """The types of a file, from the record and the machine to what is inside them."""
    found: dict[type, None] = {}
    for top in (Record, Machine):
        waiting: list[Any] = [msgspec.inspect.type_info(top)]
        while waiting:
            one = waiting.pop(0)
            if isinstance(one, msgspec.inspect.StructType | msgspec.inspect.DataclassType):
                found.setdefault(one.cls)
                found.update(dict.fromkeys(base for base in one.cls.__mro__[1:] if base is Facts))
            waiting += [field.type for field in getattr(one, "fields", ())]
            waiting += getattr(one, "types", ())
            parts = ("type", "item_type", "key_type", "value_type")
            waiting += [getattr(one, name) for name in parts if hasattr(one, name)]
    return list(found)


def fields(kind: type) -> dict[str, str]:
    """Those that a type declares itself, by name, with their meanings."""
    return {name: meaning for name, meaning in meanings(kind).items() if name in kind.__annotations__}


def table(title: str, told: Mapping[str, str]) -> Iterator[str]:
    """A Markdown table; names that follow each other and mean the same share a row."""
    yield f"\n| {title} | meaning |\n|---|---|"
    for meaning, names in itertools.groupby(told, key=told.__getitem__):
        yield f"| {_listed(names)} | {meaning} |"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _kind(kind: type) -> Iterator[str]:
    about = " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
    yield f"\n### {kind.__name__}\n\n{textwrap.fill(about, WIDTH)}"
    yield from table("field", fields(kind))


def _csv(one: Data) -> Iterator[str]:
    yield f"\n### {one.name}.csv\n\n{textwrap.fill(f'{one.rows} It begins with {_listed(one.keys)}.', WIDTH)}"
    if one.columns:
        yield from table("column", one.columns)


def lines() -> Iterator[str]:
    """The page, in parts that are lines or more."""
    yield HEAD.strip()
    for kind in kinds():
        yield from _kind(kind)
    yield f"\n{LOAD.strip()}"
    yield from table("column", frames.BEFORE)
    yield "\n" + MORE + ", ".join(f"[{name}.csv](#{name}csv)" for name in (*frames.COLUMNS, "threads")) + "."
    yield f"\n{CSV.strip()}"
    yield from table("column", frames.ABOUT)
    for one in TABLES:
        yield from _csv(one)


def page() -> str:
    return "\n".join(lines()) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "records.md"
    target.write_text(page(), encoding="utf-8")
