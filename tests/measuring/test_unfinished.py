"""Runs that a journal tells of: as the run itself would tell, read beside it; and what is no such journal."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from conftest import edit

import bench
from bench import report
from bench.cases.options import choice_of
from bench.measuring.group import Group
from bench.measuring.journal import Journal
from bench.measuring.runner import Runner
from bench.measuring.unfinished import is_journal, journal_of, runs_of
from bench.records.record import MEASURED, NOT_REACHED, SKIPPED
from bench.sides.side import Side, here
from bench.support.errors import InputError

WORDS = {
    **{"backend": ["numpy"], "dtype": ["float64"], "points": ["200"], "steps": "100", "device": ["cpu"]},
    **{"variant": ["manual", "nn"], "processes": "3", "max_time": "0.03"},
}


def interrupted(path: Path, sides: list[Side], monkeypatch: pytest.MonkeyPatch, **words: object) -> Runner:
    """A run that ends in the turns of the second group of its second process, and has its journal still."""
    before, groups = Group._take_turns, []

    def take_turns(group: Group) -> None:
        groups.append(group)
        if len(groups) == 4:
            raise KeyboardInterrupt
        before(group)

    runner = Runner(choice_of(**{**WORDS, **words}), sides, timed=True)
    runner.select(planned.case for planned in runner.planned)
    runner.keep_journal(path, resume=False)
    with monkeypatch.context() as patched:
        patched.setattr(Group, "_take_turns", take_turns)
        runner.run()
    assert runner.interrupted and runner.whole == 1
    return runner


@pytest.fixture(scope="module")
def left(tmp_path_factory) -> Path:
    """The journal of such a run, in which one backend is skipped."""
    path = tmp_path_factory.mktemp("left") / "run.json.journal"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXX", "no-such-compiler")
        interrupted(path, [here()], patch, backend=["numpy", "torch-compile"]).journal.close()
    return path


@pytest.fixture
def path(left, tmp_path) -> Path:
    return Path(shutil.copy(left, tmp_path))


def test_a_journal_tells_what_its_run_would_while_that_has_it(tmp_path, monkeypatch):
    path = tmp_path / "run.json.journal"
    runner = interrupted(path, [here()], monkeypatch)
    content = path.read_bytes()
    (run,) = runs_of(path)  # although it is locked
    assert run.unfinished and run.machine.cut_short and run.path == tmp_path / "run.json"
    assert run.records == tuple(runner.so_far(case) for case in runner.selected)
    assert sorted(len(one.processes) for one in run.records) == [1, 2]
    assert {one.sampling.stopped for one in run.records} == {"interrupted"}
    assert run.machine.code == runner.code[""] and run.machine.packages and run.disable_gc is False
    runner.journal.append(b"and it goes on")
    runner.journal.close()
    assert path.read_bytes() != content and [one.name for one in tmp_path.iterdir()] == [path.name]


def test_every_planned_case_is_there(left):
    (run,) = runs_of(left)
    outcomes = {(one.case.variant, one.case.backend): one.outcome for one in run.records}
    assert outcomes == {
        **{(variant, "numpy"): MEASURED for variant in ("manual", "nn")},
        **{(variant, "torch-compile"): SKIPPED for variant in ("manual", "nn")},
    }
    assert all("no-such-compiler" in one.reason for one in run.records if one.outcome == SKIPPED)


def test_a_case_that_was_not_reached_is_said_to_be(path):
    edit(path, "DELETE FROM samples WHERE number > 1", "UPDATE meta SET last = (SELECT checksum FROM samples)")
    (run,) = runs_of(path)
    assert sorted(one.outcome for one in run.records) == [MEASURED, NOT_REACHED, SKIPPED, SKIPPED]


def test_both_sides_of_a_comparison_are_there(tmp_path, monkeypatch, capsys):
    path = tmp_path / "ab.json.journal"
    sides = [replace(here(), label=label, spec=spec) for label, spec in (("a", "."), ("b", "HEAD"))]
    runner = interrupted(path, sides, monkeypatch)
    runner.journal.close()
    runs = runs_of(path)
    assert [run.path for run in runs] == [tmp_path / "a.json", tmp_path / "b.json"]
    assert [(run.machine.comparison.side, run.machine.comparison.spec) for run in runs] == [("a", "."), ("b", "HEAD")]
    for run in runs:
        assert run.records == tuple(runner.so_far(case, label=run.machine.comparison.side) for case in runner.selected)
    assert report.main([str(path)]) == 0
    assert (tmp_path / "report" / "report.md").exists() and str(tmp_path / "report") in capsys.readouterr().out


def test_a_journal_is_loaded_as_a_frame(path):
    frame = bench.load(path)
    assert set(frame["outcome"]) == {MEASURED, SKIPPED} and set(frame["run"]) == {"run"}
    assert (frame.loc[frame["outcome"] == MEASURED, "processes"].tolist()) == [
        len(one.processes) for one in runs_of(path)[0].measured.values()
    ]


def test_a_report_of_a_journal_says_that_it_is_not_whole(path, tmp_path):
    content = path.read_bytes()
    assert report.main([str(path), "--output", str(tmp_path / "report")]) == 0
    text = (tmp_path / "report" / "report.md").read_text()
    assert (
        "**Not whole: run still went on when this was written, or was cut short; cases have 1 to 2 of 3 processes.**"
    ) in text
    assert "planned 4, measured 2, skipped 2" in text
    assert path.read_bytes() == content


def test_what_a_killed_run_was_writing_is_undone_elsewhere(path, tmp_path):
    """SQLite would undo it in the file itself, for whoever may write."""
    before = runs_of(path)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA cache_size = 1")  # so that pages go to the disk before they are committed
        database.execute("UPDATE samples SET content = zeroblob(100000)")
        copy = tmp_path / "copy"
        copy.mkdir()
        for file in tmp_path.glob("run.json.journal*"):
            shutil.copy(file, copy)
        database.rollback()
    database.close()
    hot = copy / path.name
    contents = {file.name: file.read_bytes() for file in copy.iterdir()}
    assert len(contents) == 2 and contents[path.name] != path.read_bytes()
    found = runs_of(hot)
    assert [run.records for run in found] == [run.records for run in before]
    assert {file.name: file.read_bytes() for file in copy.iterdir()} == contents


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9000])


def text(path: Path) -> None:
    path.write_text('{"benchmarks": []}')


def foreign(path: Path) -> None:
    path.unlink()
    edit(path, "CREATE TABLE other (x)")


def unplanned(path: Path) -> None:
    path.unlink()
    Journal.begin(path, {"a": 1}).close()


def unmeasured(path: Path) -> None:
    edit(path, "DELETE FROM samples", "UPDATE meta SET last = checksum")


def another_key(path: Path) -> None:
    path.unlink()
    journal = Journal.begin(path, {"choice": {}, "timed": True})
    journal.tell(b'{"machines": {}, "cases": {}}')
    journal.append(b"{}")
    journal.close()


def rewritten(path: Path, change: Callable[[dict], object], **told: int) -> None:
    """With samples that have their checksums, and yet cannot be; told: of the key."""
    with sqlite3.connect(path) as database:
        key, plan = database.execute("SELECT key, plan FROM meta").fetchone()
        samples = [content for (content,) in database.execute("SELECT content FROM samples ORDER BY number")]
    database.close()
    path.unlink()
    journal = Journal.begin(path, {**json.loads(key), **told})
    journal.tell(plan)
    for content in samples:
        data = json.loads(content)
        change(data)
        journal.append(json.dumps(data).encode())
    journal.close()


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, "cannot be read"),
    "empty": (emptied, "empty"),
    "half written": (cut, "damaged"),
    "a JSON": (text, "damaged"),
    "foreign": (foreign, "it is no journal of fitbench"),
    "not begun": (unplanned, "nothing is measured yet"),
    "without samples": (unmeasured, "nothing is measured yet"),
    "altered": (lambda path: edit(path, "UPDATE samples SET content = 'x' WHERE number = 2"), "damaged in sample 2"),
    "an altered plan": (lambda path: edit(path, "UPDATE meta SET plan = 'x'"), "damaged in its plan"),
    "a lost plan": (lambda path: edit(path, "UPDATE meta SET plan = NULL"), "damaged in its plan"),
    "another key": (another_key, "or of another version"),
    "another shape": (lambda path: rewritten(path, lambda data: data.pop("start")), "or of another version"),
    "a newer schema": (
        lambda path: rewritten(path, lambda data: data.pop("start"), schema=5),
        "of schema 5, newer than this fitbench, which reads schema 4",
    ),
    "an older schema": (
        lambda path: rewritten(path, lambda data: data.pop("start"), schema=3),
        "of schema 3, too old for this fitbench, which reads schema 4",
    ),
    "no rounds": (lambda path: rewritten(path, lambda data: data.update(rounds=None)), "its rounds"),
    "a stray": (lambda path: rewritten(path, lambda data: data["case"].update(variant="optim")), "was not planned"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_sound_journal_is_refused_in_one_line_and_stays(fault, path, capsys):
    spoil, told = FAULTS[fault]
    spoil(path)
    before = path.read_bytes() if path.exists() else None
    assert report.main([str(path), "--output", str(path.parent / "report")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {path}: ") and told in line and "delete" not in line
    assert (path.read_bytes() if path.exists() else None) == before
    assert not (path.parent / "report").exists()


def test_a_journal_is_known_by_its_name_and_by_its_content(path, tmp_path):
    assert is_journal(path) and is_journal(journal_of(tmp_path / "none.json"))
    renamed = path.rename(tmp_path / "renamed")
    assert is_journal(renamed) and runs_of(renamed)[0].path == renamed
    other = tmp_path / "run.json"
    other.write_text("{}")
    assert not is_journal(other) and not is_journal(tmp_path / "absent.json")


def test_a_run_is_not_reported_twice(path, capsys):
    """By its journal, and by the JSON that it leaves after each process."""
    (run,) = runs_of(path)
    entries = [{"extra_info": one.flat()} for one in run.records]
    run.path.write_bytes(msgspec.json.encode({"benchmarks": [], "not_measured": entries}))
    assert report.main([str(path), str(run.path), "--output", str(path.parent / "report")]) == 2
    assert "given twice" in capsys.readouterr().err


def test_only_a_journal_that_is_read_may_be_wrong(path):
    """What is refused when it is read is refused when it is resumed, too, which says what can be done."""
    edit(path, "UPDATE meta SET plan = 'x'")
    with pytest.raises(InputError, match="damaged in its plan; delete it, and run without --resume"):
        Journal.resume(path, {})
