"""`--format` of compare and ab: what programs and GitHub read of a comparison, and that stdout holds nothing else."""

import csv
import io
import json
import math
from dataclasses import replace

import pytest
from builders import case

from bench import compare
from bench.anatomy.texts import CHANGED
from bench.cases.case import NAMES
from bench.reporting.verdict_data import FORMATS, SCHEMA, as_csv, as_json, in_format
from bench.reporting.verdicts import escape
from bench.statistics.decision import SAME, SLOWER, UNDECIDED
from bench.statistics.intervals import Interval
from bench.statistics.verdict import FAILED, NOT_COMPARED, Row, Table

NOTHING = Interval(math.nan, math.nan, math.nan)
EVIL = "=cmd | ![x](https://evil/p.png) <img src=x> `*_ www.evil.org a@b.org"
ROWS = (
    Row(case(), SLOWER, None, 1e-5, 1.25e-5, Interval(1.25, 1.2, 1.3), 0.08, 6.0, 4.75, (1.22, 1.28), 5, code=CHANGED),
    Row(
        case(backend="jax"),
        UNDECIDED,
        "one process",
        1e-5,
        2e-5,
        Interval(2.0, math.nan, math.nan),
        math.inf,
        6.0,
        None,
        (math.nan, math.nan),
        1,
    ),
    Row(case(backend="torch"), NOT_COMPARED, EVIL),
)
TABLE = Table(
    *("old.json", "new.json", ROWS, NOTHING, 0.05, False, {"core": 1.01, "memory": 0.5}, 0.25, ("torch 1 -> 2",)),
    *(("new.json",), ("threads 1 and 2",), ("new.json: killed",), "python -m bench.ab"),
)
KEYS = [
    *("schema", "verdict", "exit_code", "old", "new", "paired", "threshold", "confidence", "counts", "geometric_mean"),
    *("machine", "correlation", "changed", "unlike", "cut_short", "lost", "together", "cases"),
]
COLUMNS = [
    *(*NAMES, "verdict", "reason", "old_seconds", "new_seconds", "ratio", "ratio_low", "ratio_high"),
    *("own_low", "own_high", "smallest_slowdown", "old_digits", "new_digits", "processes", "more_processes"),
    "generated_code",
]


def refuse(word: str) -> None:
    raise ValueError(f"no JSON: {word}")


def test_json_has_all_that_is_known_and_null_for_what_is_not():
    printed = as_json(TABLE, 1)
    told = json.loads(printed, parse_constant=refuse)
    assert printed.isascii() and list(told) == KEYS
    assert (told["schema"], told["verdict"], told["exit_code"]) == (SCHEMA, "fail", 1)
    assert told["counts"] == {
        **{"slower": 1, "faster": 0, "same": 0, "undecided": 1},
        **{"failed": 0, "not compared": 1, "vanished": 0, "appeared": 0},
    }
    assert told["geometric_mean"] == {"value": None, "low": None, "high": None}
    assert (told["threshold"], told["confidence"], told["paired"]) == (0.05, 0.95, False)
    assert (told["machine"], told["correlation"]) == ({"core": 1.01, "memory": 0.5}, 0.25)
    assert [told[name] for name in ("changed", "unlike", "cut_short", "lost", "together")] == [
        ["torch 1 -> 2"],
        ["threads 1 and 2"],
        ["new.json"],
        ["new.json: killed"],
        "python -m bench.ab",
    ]
    slower, undecided, rest = told["cases"]
    assert all(list(each) == COLUMNS for each in told["cases"])
    assert list(slower.values()) == [
        *("manual", "numpy", "cpu", "float32", 2000),
        *(SLOWER, None, 1e-5, 1.25e-5, 1.25, 1.2, 1.3, 1.22, 1.28, 0.08, 6.0, 4.75, 5, None, "changed"),
    ]
    assert [undecided[name] for name in COLUMNS[6:]] == [
        "one process",
        1e-5,
        2e-5,
        2.0,
        *(None,) * 5,
        6.0,
        None,
        1,
        None,
        None,
    ]
    assert [rest[name] for name in COLUMNS[5:]] == [NOT_COMPARED, EVIL, *(None,) * 13]


def test_json_says_where_nothing_is_known_of_the_machine():
    told = json.loads(as_json(replace(TABLE, states={}, correlation=None, together=None), 1))
    assert (told["machine"], told["correlation"], told["together"]) == ({}, None, None)


def test_the_verdict_on_all_is_told_without_a_gate_too():
    told = json.loads(as_json(replace(TABLE, rows=(replace(ROWS[0], verdict=SAME),), cut_short=()), 0))
    assert (told["verdict"], told["exit_code"]) == ("pass", 0)


def test_csv_has_the_columns_of_the_json_and_no_formula():
    rows = list(csv.DictReader(io.StringIO(as_csv(TABLE))))
    assert [list(row) for row in rows] == [COLUMNS] * 3
    for row, told in zip(rows, json.loads(as_json(TABLE, 1))["cases"], strict=True):
        numbers = {name: value for name, value in told.items() if not isinstance(value, str)}
        assert {name: json.loads(row[name] or "null") for name in numbers} == numbers
    assert rows[2]["reason"] == f"'{EVIL}"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", " =", "\t="])
def test_what_a_spreadsheet_would_compute_is_text(begin):
    (row,) = csv.DictReader(io.StringIO(as_csv(replace(TABLE, rows=(replace(ROWS[2], reason=f"{begin}1+1"),)))))
    assert row["reason"] == f"'{begin}1+1"


def test_no_cell_of_a_csv_breaks_its_line():
    (row,) = csv.DictReader(io.StringIO(as_csv(replace(TABLE, rows=(replace(ROWS[2], reason='a\r\x1b[2J,\n"b'),)))))
    assert row["reason"] == 'a\ufffd\ufffd[2J,\n"b'


def test_markdown_is_a_table_under_the_verdict():
    printed = in_format("markdown", TABLE, 1)
    heading, names, cells, summary = printed.split("\n\n")
    assert heading == "### fitbench: fail" and names == "- old: old.json\n- new: new.json"
    titles, rule, *rows = cells.splitlines()
    assert titles.split()[1] == "case" and set(rule) <= set("|-:")
    assert len(rows) == 2 and all(row.count("|") == 8 for row in rows)
    assert titles.split("|")[-2].strip() == "generated code" and [row.split("|")[-2].strip() for row in rows] == [
        "changed",
        "",
    ]
    assert "1.250 (1.220 to 1.280)" in rows[0] and "slower" in rows[0]
    assert summary.startswith("- 1 slower, 1 undecided, 1 not compared;") and "- cut short" in summary


def test_names_are_only_text_in_markdown():
    assert escape(EVIL) in in_format("markdown", TABLE, 1)
    row = replace(ROWS[0], case=case(backend="![x](y)|z"))
    assert escape(row.case.id) in in_format("markdown", replace(TABLE, rows=(row,)), 1)


def test_no_word_is_lost_on_generated_code_where_nothing_is_known():
    told = replace(TABLE, rows=(replace(ROWS[0], code=None),))
    assert "generated code" not in in_format("text", told, 1) + in_format("markdown", told, 1)


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_without_a_row_to_compare_can_be_told(name):
    assert in_format(name, replace(TABLE, rows=(replace(ROWS[2], verdict=FAILED),), geometric_mean=None), 1)


def test_an_unknown_format_is_one_line(capsys):
    with pytest.raises(SystemExit) as caught:
        compare.main(["a", "b", "--format=xml"])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--format" in line and all(name in line for name in FORMATS)
