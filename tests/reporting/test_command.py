"""`python -m bench.report`: which runs it takes, and what it refuses."""

import os
from pathlib import Path

import pytest
from builders import record, rounds, start, write

from bench import report
from bench.records.record import AGREED, FAILED
from reports import NUMPY, TORCH, made, render_nothing

TIMED = record().flat()


def refused(capsys, *words: object) -> str:
    """The one line that says what is wrong."""
    assert report.main([*map(str, words)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("error: ") and printed.err.count("\n") == 1
    return printed.err.removeprefix("error: ").strip()


def test_without_arguments_the_newest_run_is_reported_beside_it(tmp_path, monkeypatch, capsys):
    render_nothing(monkeypatch)
    monkeypatch.chdir(tmp_path)
    old = write(Path("reports/zzz.json"), [record(variant="nn")])
    write(Path("reports/new.json"), [record()])
    os.utime(old, (1, 1))
    assert report.main([]) == 0
    assert str(Path("reports/new/index.html")) in capsys.readouterr().out
    assert "manual" in Path("reports/new/report.md").read_text(encoding="utf-8")


def test_a_report_of_several_runs_takes_the_place_of_none_of_one(tmp_path, monkeypatch):
    render_nothing(monkeypatch)
    monkeypatch.chdir(tmp_path)
    runs = [str(write(Path(f"reports/{name}.json"), [record()])) for name in ("one", "two")]
    for each in (runs[:1], runs):
        assert report.main(each) == 0
    assert {path.parent.name for path in tmp_path.glob("reports/*/report.md")} == {"one", "one+two"}


def test_the_report_of_a_comparison_lies_beside_it(tmp_path, monkeypatch):
    """Its files are called a.json and b.json everywhere: reports of two of them must not take each other's place."""
    render_nothing(monkeypatch)
    monkeypatch.chdir(tmp_path)
    sides = [
        write(Path(f"{name}/{side}.json"), [record()], comparison={"id": name, "side": side, "spec": "."})
        for name in ("one", "two")
        for side in "ab"
    ]
    for each in (sides[:2], sides[2:]):
        assert report.main([*map(str, each)]) == 0
    assert {path.parent for path in tmp_path.glob("**/report.md")} == {tmp_path / "one/report", tmp_path / "two/report"}


def foreign(path: Path) -> str:
    path.write_text('{"benchmarks": [{"name": "test_other", "extra_info": {}, "stats": {}}]}')
    return "of another project"


def missing(path: Path) -> str:
    return "cannot be read"


def truncated(path: Path) -> str:
    path.write_text(write(path, [record()]).read_text()[:500])
    return "truncated"


def binary(path: Path) -> str:
    path.write_bytes(b"\xff\xfe\x00")
    return "not text"


def untimed_yet_measured(path: Path) -> str:
    write(path, [{**TIMED, "rounds": None}])
    return "benchmarks[0].extra_info: outcome 'measured': expected `rounds` after the warm-up"


def never_warm(path: Path) -> str:
    write(path, [{**TIMED, "rounds": rounds([NUMPY], warm_up=3)}])
    return "benchmarks[0].extra_info: outcome 'measured': expected `rounds` after the warm-up"


def half_a_process(path: Path) -> str:
    write(path, [{**TIMED, "processes": [{"process": 0, "cache_state": None}]}])
    return "benchmarks[0].extra_info: outcome 'measured': expected `processes` with all parts of their start"


def unheard_of_state(path: Path) -> str:
    write(path, [{**TIMED, "processes": [start(state="lukewarm")]}])
    return "benchmarks[0].extra_info.processes[0].cache_state: invalid enum value 'lukewarm'"


def twice(path: Path) -> str:
    write(path, [record(), record()])
    return "holds this case twice"


SPOILT = [
    *(foreign, missing, truncated, binary, twice),
    *(untimed_yet_measured, never_warm, half_a_process, unheard_of_state),
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_bad_input_is_one_line_and_touches_nothing(spoil, tmp_path, capsys):
    good, bad = write(tmp_path / "good.json", [record()]), tmp_path / "bad.json"
    message, output = spoil(bad), tmp_path / "out"
    output.mkdir()
    (output / "report.md").write_text("what was there")
    assert message in refused(capsys, good, bad, "--output", output)
    assert [path.name for path in output.iterdir()] == ["report.md"]
    assert (output / "report.md").read_text() == "what was there"


def test_the_same_file_twice_is_refused(tmp_path, capsys):
    run = write(tmp_path / "run.json", [record()])
    assert "given twice" in refused(capsys, run, run, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["out", "out/tables", "out/report.md/x"])
def test_an_output_that_cannot_be_written(place, tmp_path, capsys):
    run = write(tmp_path / "run.json", [record(outcome=FAILED, reason="wrong")])
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("in the way")
    message = refused(capsys, run, "--output", tmp_path / "out")
    assert message.startswith(f"{tmp_path / 'out'}: cannot be written")
    assert (tmp_path / place).read_text() == "in the way"


def test_an_output_without_a_name_is_refused(tmp_path, capsys):
    run = write(tmp_path / "run.json", [record()])
    assert refused(capsys, run, "--output", "") == "--output '': empty; expected a folder"


def test_no_run_at_all(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert refused(capsys).startswith("reports: no run to report")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["nobody", "jax", ""])
def test_a_baseline_that_no_run_holds_is_refused(name, tmp_path, capsys):
    run = write(tmp_path / "run.json", [record(TORCH, backend="torch"), record(outcome=AGREED)])
    message = refused(capsys, run, "--output", tmp_path / "out", "--baseline", name)
    assert message == f"--baseline {name!r}: in none of the runs; allowed: numpy, torch"
    assert not (tmp_path / "out").exists()


def test_the_usual_baseline_may_be_missing_and_be_named(tmp_path):
    run = write(tmp_path / "run.json", [record(backend="torch", outcome=FAILED, reason="wrong")])
    text = made(tmp_path / "out", run, options=("--baseline", "numpy"))
    assert text == made(tmp_path / "out", run)
