"""report.md: the answers first and the machines last, a screen a size, and no figure that the tables do not have."""

from pathlib import Path

import pytest
from builders import record, write

from bench import report
from bench.records.record import FAILED, SKIPPED
from reports import LOOP, NUMPY, TORCH, modes, render_nothing, row


def short(tmp_path: Path, *records, options=()) -> str:
    run = write(tmp_path / "run.json", records)
    assert report.main([str(run), "--output", str(tmp_path / "out"), *options]) == 0
    return (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def nothing(monkeypatch):
    render_nothing(monkeypatch)


def test_the_fastest_is_said_first_and_marked(tmp_path):
    slow = [[each] * 3 for each in (2e-5, 2.01e-5)]
    fast = [[each] * 3 for each in (1e-5, 1.01e-5)]
    text = short(
        tmp_path,
        *[record(slow, variant=name) for name in ("manual", "nn", "optim")],
        *[record(fast, variant=name, backend="jax") for name in ("manual", "nn")],
        record([[4e-5] * 3, [4.1e-5] * 3], variant="optim", backend="jax"),
    )
    assert "jax is the fastest in 2 of 3 variants, numpy in 1." in text
    cells = row(text, "manual")
    assert cells[1].startswith("20.0 µs") and cells[2].startswith("**10.0 µs") and cells[2].endswith("**")
    assert [line for line in text.splitlines() if line.startswith("## ")][-1] == "## Machines"
    assert "All 6" not in text and "6 of 6 cases that ran agree with the exact fit" in text


def test_who_is_not_told_apart_is_no_fastest_beyond_doubt(tmp_path):
    noisy = [[1e-5] * 3, [2e-5] * 3, [3e-5] * 3]
    text = short(tmp_path, record(noisy), record([[1.01e-5] * 3, [2.9e-5] * 3, [2e-5] * 3], backend="torch"))
    assert "is the fastest in 1 of 1 variants (0 beyond doubt)" in text


def test_what_is_unstable_is_marked_and_what_failed_is_told(tmp_path):
    text = short(
        tmp_path,
        *modes(),
        record(backend="x", outcome=FAILED, reason="left"),
        record(backend="y", outcome=SKIPPED, reason="no y"),
    )
    _, numpy, torch, jax, x = row(text, "manual")[:5]
    assert " \\*" in numpy and " \\*" not in torch and " \\*" in jax and x == "failed"
    assert "**1 failed**, and have no timing." in text
    assert "- 1 failed: left\n- 1 skipped: no y" in text


def test_twelve_cases_take_two_screens(tmp_path):
    cases = [
        record(pace, variant=v, backend=b)
        for v in ("manual", "nn", "optim", "tuned")
        for b, pace in (("numpy", NUMPY), ("torch", TORCH), ("jax-loop", LOOP))
    ]
    assert len(short(tmp_path, *cases).splitlines()) < 80


def test_the_usual_pictures_are_drawn_and_all_on_request(tmp_path):
    short(tmp_path, record())
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {"iteration-time-cpu-2000.png"}
    assert "`--pictures` draws" in (tmp_path / "out" / "details.md").read_text()
    short(tmp_path, record(), options=["--pictures"])
    assert len(list((tmp_path / "out").glob("*.png"))) > 5
