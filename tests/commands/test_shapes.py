"""Wrong shapes by name, through every command that reads files: one line that names the file, and exit code 2."""

import json
import sqlite3
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from conftest import bench
from damage import document

from bench import compare, evidence, report, spread

INFO = ("benchmarks", 0, "extra_info")
ROUNDS = (*INFO, "rounds")
OURS = ("machine_info", "fitbench")
DEEP: Any = 1
for _ in range(500):
    DEEP = [DEEP]

SHAPES: list[tuple[tuple[Any, ...], Any]] = [
    ((*ROUNDS, "process"), ["x"]),
    ((*ROUNDS, "process", 0), "x"),
    ((*ROUNDS, "process", 0), 1e30),
    ((*ROUNDS, "process", 0), -1),
    ((*ROUNDS, "seconds", 0), 1e308),
    ((*ROUNDS, "seconds", 0), 0),
    ((*ROUNDS, "seconds", 0), None),
    ((*ROUNDS, "time", 0), 1e308),
    ((*ROUNDS, "steps", 0), 1e30),
    ((*ROUNDS, "warm_up"), [True]),
    ((*INFO, "processes", 0, "process"), ["x"]),
    ((*INFO, "processes", 0, "process"), 1e30),
    ((*INFO, "processes", 0, "first_call_seconds"), 1e308),
    ((*INFO, "processes"), {"process": 0}),
    ((*INFO, "agreement"), "x"),
    ((*INFO, "agreement", "digits"), 1e308),
    ((*INFO, "losses"), [["x", 1.0]]),
    ((*INFO, "losses"), [[1, 1e308]]),
    ((*INFO, "coefficients"), {"a": 1}),
    ((*INFO, "points"), 10**400),
    ((*INFO, "schema"), [2]),
    ((*INFO, "variant"), "\x1b[31m"),
    (INFO, []),
    ((*OURS, "comparison"), "x"),
    ((*OURS, "comparison"), {"id": 1, "side": "a", "spec": "."}),
    (OURS, ["x"]),
    (OURS, "x"),
    ((*OURS, "packages"), ["numpy"]),
    ((*OURS, "environment"), {"XLA_FLAGS": 1}),
    ((*OURS, "load_average"), [1e308]),
    ((*OURS, "affinity"), "0-3"),
    (("machine_info",), []),
    (("benchmarks",), {}),
    (("not_measured",), DEEP),
    (("not_measured",), [None]),
]


def changed(way: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copy = deepcopy(document())
    *before, last = way
    inside: Any = copy
    for key in before:
        inside = inside[key]
    inside[last] = value
    return copy


@pytest.mark.parametrize(
    ("way", "value"), SHAPES, ids=lambda part: ".".join(map(str, part)) if isinstance(part, tuple) else ""
)
def test_a_wrong_shape_is_refused_by_every_command(
    way: tuple[Any, ...], value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, folder, output = (tmp_path / name for name in ("good.json", "bad.json", "ab", "out"))
    good.write_text(json.dumps(document()))
    bad.write_text(json.dumps(changed(way, value)))
    folder.mkdir()
    (folder / "a.json").write_text(good.read_text())
    (folder / "b.json").write_text(bad.read_text())
    runs: list[tuple[Callable[[list[str]], int], list[Any], Path]] = [
        (report.main, [bad, "--output", output], bad),
        (report.main, [good, bad, "--output", output], bad),
        (compare.main, [good, bad, "--force"], bad),
        (compare.main, [bad, good], bad),
        (spread.main, [good, bad], bad),
        (evidence.main, [folder, "--times", "10"], folder / "b.json"),
    ]
    for main, words, named in runs:
        assert main([str(word) for word in words]) == 2
        printed = capsys.readouterr()
        assert printed.out == "" and printed.err.startswith(f"error: {named}: ")
        assert printed.err.count("\n") == 1 and printed.err.strip().isprintable()
    assert not output.exists()


def test_no_facts_of_ours_are_as_good_as_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty `fitbench`, whatever its shape, tells nothing, and nothing of it is shown."""
    for value in ([], {}, None):
        (tmp_path / "run.json").write_text(json.dumps(changed(OURS, value)))
        assert compare.main([str(tmp_path / "run.json"), str(tmp_path / "run.json")]) == 2
        assert "given twice" in capsys.readouterr().err


def text(path: Path) -> None:
    path.write_text('{"side": "", "process": 0}\n[1]\nx\n')


def foreign_tables(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE other (x)")
        database.execute("INSERT INTO other VALUES (1)")
    database.close()


def foreign_rows(path: Path) -> None:
    from bench.measuring.journal import TABLES

    with sqlite3.connect(path) as database:
        for sql in TABLES.values():
            database.execute(sql)
        database.execute("INSERT INTO meta VALUES (?, ?, ?, ?, ?, ?)", (b"{}", 7, 1, 7, None, None))
        database.execute("INSERT INTO samples VALUES (1, 'x', 'y')")
    database.close()


def cut(path: Path) -> None:
    foreign_rows(path)
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize("make", [text, foreign_tables, foreign_rows, cut])
def test_a_journal_that_is_none_is_refused_by_resume(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    journal = Path(f"{path}.journal")
    make(journal)
    before = journal.read_bytes()
    done = bench("--backend=numpy", "--resume", f"--benchmark-json={path}")
    assert done.returncode == 2
    said = [line for line in (done.stdout + done.stderr).splitlines() if str(journal) in line]
    assert len(said) == 1 and "damaged" in said[0] and "delete it, and run without --resume" in said[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert journal.read_bytes() == before and not path.exists()
