"""`python -m bench.advise` on small runs that are written here: what it prints, its exit codes, what it refuses."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from builders import MACHINE, record, start, write

from bench import advise
from bench.records.record import Machine, Record
from bench.workers.process import WorkerError

HERE = Machine(**MACHINE)
SIZES = (100, 1000, 10_000)


def line(backend: str, seconds: float, imports: float, sizes=SIZES, **axes) -> list[Record]:
    processes = [start(i, import_seconds=imports * (1 + 0.01 * i)) for i in range(3)]
    return [
        record([[seconds * 1.01**i] * 3 for i in range(3)], backend=backend, points=size, processes=processes, **axes)
        for size in sizes
    ]


def both() -> list[Record]:
    """1 s to import and 1 ms a step; 3 s, and 10 us: equal after some 2000 steps."""
    return [*line("numpy", 1e-3, 1.0), *line("jax", 1e-5, 3.0)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs lie, on the machine that they were made on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(advise, "machine_of", lambda side: HERE)
    return tmp_path


def told(capsys, *words: str) -> str:
    assert advise.main(words) == 0
    return capsys.readouterr().out


def refused(capsys, *words: str) -> str:
    assert advise.main(words) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("error: ")
    return said.err


def test_few_steps_and_many_have_different_answers(capsys):
    path = str(write(Path("run.json"), both()))
    few = told(capsys, "--points", "2000", "--steps", "100", path)
    many = told(capsys, "--points", "2000", "--steps", "1e5", path)
    assert "take numpy: fresh, empty caches: numpy 3.4" in few and "times as much (" in few
    assert "take jax: fresh, empty caches: jax 6.4" in many
    assert [row.split()[0] for row in few.splitlines() if "*" in row and "ms" in row] == ["numpy", "jax"]


def test_two_that_cost_about_the_same_are_not_told_apart(capsys):
    path = str(write(Path("run.json"), [*line("numpy", 1e-5, 1.0), *line("jax", 1e-5, 1.001)]))
    said = told(capsys, "--points", "2000", "--steps", "10", path).split("take ")[1]
    assert said.startswith("numpy or jax: ") and "no telling them apart" in said


def test_the_newest_run_that_holds_enough_is_read(capsys):
    Path("reports").mkdir()
    for age, (name, records) in enumerate(
        [
            ("one.json", line("numpy", 1e-5, 1.0, sizes=(100,))),
            ("new.json", both()),
            ("old.json", line("torch", 1e-5, 1.0)),
        ]
    ):
        path = write(Path("reports") / name, records)
        os.utime(path, (1e9 - age, 1e9 - age))
    assert advise.main(["--points", "2000", "--steps", "100"]) == 0
    said = capsys.readouterr()
    assert "numpy" in said.out and "torch" not in said.out
    assert said.err == "told by reports/new.json\n"


def test_without_such_a_run_the_command_that_makes_one_is_told(capsys):
    Path("reports").mkdir()
    said = refused(capsys, "--points", "2000", "--steps", "100")
    assert "no run there has manual in float32 on cpu at three sizes or more; make one with: pytest bench" in said


def test_a_run_of_another_machine_is_refused_unless_forced(capsys):
    path = str(write(Path("run.json"), both(), cpu="Another CPU"))
    said = refused(capsys, "--points", "2000", path)
    assert "run.json: made on another machine than this: cpu Another CPU and A CPU; give --force" in said
    assert advise.main(["--points", "2000", path, "--force"]) == 0
    said = capsys.readouterr()
    assert "take numpy" in said.out and said.err == "warning: run.json: cpu Another CPU and A CPU\n"


def test_other_versions_are_warned_of(capsys):
    path = str(write(Path("run.json"), both(), packages={**MACHINE["packages"], "torch": "2.12.0"}))
    assert advise.main(["--points", "2000", path]) == 0
    assert capsys.readouterr().err == "warning: run.json: torch 2.12.0, now 2.13.0\n"


def test_formats_hold_the_same_figures(capsys):
    words = ("--points", "2000", "--steps", "100", "--warm", str(write(Path("run.json"), both())))
    rows = json.loads(told(capsys, *words, "--format", "json"))
    lines = list(csv.DictReader(io.StringIO(told(capsys, *words, "--format", "csv"))))
    assert [row["seconds"] for row in rows] == [float(line["seconds"]) for line in lines]
    assert (rows[0]["backend"], rows[0]["state"], rows[0]["fits"], rows[0]["best"]) == ("numpy", "warm", 1, True)
    assert rows[0]["low"] < rows[0]["seconds"] < rows[0]["high"]
    assert "| numpy " in told(capsys, *words, "--format", "markdown")


def test_several_variants_have_a_row_each(capsys):
    path = str(write(Path("run.json"), [*both(), *line("numpy", 1e-5, 1.0, variant="nn")]))
    said = told(capsys, "--points", "2000", "--steps", "1e5", "--variant", "manual,nn", path)
    assert "take nn numpy: " in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--points", "3"], "--points 3: out of range"),
        (["--points", "100,200"], "--points 100,200: several; expected one"),
        (["--dtype", "float16"], "--dtype 'float16': unknown"),
        (["--variant", "nn"], "nn in float32 on cpu: in none of the runs; they hold manual in float32 on cpu"),
        (["--minutes", "3"], "expected --check K"),
        (["--check", "3", "--points", "100"], "--points: of no use with --check"),
        (["--check", "0"], "--check 0: out of range"),
        (["--check", "3"], "manual: no case was timed at three sizes, with empty caches and with warm ones"),
        (["run.json"], "manual-numpy-cpu-float32-100: run.json holds it too"),
    ],
)
def test_bad_input_is_one_line(words, message, capsys):
    path = str(write(Path("run.json"), line("numpy", 1e-5, 1.0, sizes=SIZES[: 2 if words[0] == "--check" else 3])))
    assert message in refused(capsys, *words, path)


def test_a_fit_that_fails_shows_nothing(capsys, monkeypatch):
    def failing(*_):
        raise WorkerError("round: the worker was killed")

    monkeypatch.setattr(advise, "answers", failing)
    assert advise.main(["--check", "1", str(write(Path("run.json"), both()))]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "error: round: the worker was killed\n")


def test_where_nothing_can_be_told_the_exit_code_says_so(capsys):
    assert advise.main(["--points", "1e6", str(write(Path("run.json"), both()))]) == 1
    said = capsys.readouterr().out
    assert "fresh, empty caches: nothing can be told" in said
    assert (
        "not told of numpy, jax: 1000000 points: beyond what sizes of 100 to 10000 can tell; allowed: 50 to 20000"
        in said
    )
