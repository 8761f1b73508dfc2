"""What several tests of the reporting have in common: small runs, frames of them, and a report's text taken apart."""

from pathlib import Path

import pandas as pd
import pytest
from builders import record, run_of, start

from bench import report
from bench.records.record import Record
from bench.reporting import canvas, frames
from bench.reporting.pairs import with_break_evens

PICTURES = ("--pictures",)  # all of them
NUMPY, TORCH, LOOP = [4e-5, 1e-5, 2e-5], [8e-5, 4e-5, 5e-5], [5e-6, 5e-6, 5e-6]  # medians: 20, 50 and 5 µs
SPACE = "\u00a0"


def framed(*records: Record, **words) -> pd.DataFrame:
    """The frame of a run, as a report has it."""
    return with_break_evens(frames.cases({"run": run_of("run.json", records)}, **words))


def jitted(*firsts: tuple[str, float], **changes) -> Record:
    """A record of processes, one for each state and duration of the first call, at 10 µs a step."""
    processes = [start(i, state, first_call_seconds=first) for i, (state, first) in enumerate(firsts)]
    return record([[1e-5] * 3] * len(firsts), backend="jax", processes=processes, **changes)


def modes() -> list[Record]:
    """A case of which two processes are at 10 µs and two at 15, one whose every round may be either, and a drift."""
    fast, slow = [1e-5] * 20, [1.5e-5] * 20
    return [
        record([fast, slow, fast, slow]),
        record([[1e-5, 1.5e-5] * 10] * 4, backend="torch"),
        record([[1e-5 * 1.1**i] * 20 for i in range(5)], backend="jax"),
    ]


def paid() -> list[Record]:
    """numpy starts in 1 s and steps in 20 µs; jax in 5 s (empty) or 2 s (warm), and steps in 10 µs; torch is dearer to
    start than numpy and slower than both; the loop starts like jax with an empty cache, and steps in 5 µs.
    """
    return [
        _priced("numpy", 2e-5, *[(None, 1.0)] * 4),
        _priced("torch", 4e-5, *[(None, 3.0)] * 4),
        _priced("jax", 1e-5, *[("empty", 5.0)] * 2, *[("warm", 2.0)] * 2),
        _priced("jax-loop", 5e-6, ("empty", 5.0), *[("warm", 2.5)] * 3),
    ]


def _priced(backend: str, pace: float, *starts: tuple[str | None, float]) -> Record:
    """A record of processes, one for each state and the seconds that it costs to start so."""
    nothing = dict.fromkeys(("import_seconds", "startup_seconds", "build_seconds"), 0.0)
    processes = [start(i, state, **nothing, first_call_seconds=total) for i, (state, total) in enumerate(starts)]
    return record([[pace] * 3] * len(starts), backend=backend, processes=processes)


def made(output: Path, *files: Path, options: tuple[str, ...] = ()) -> str:
    """The text of the details of the report on the files."""
    assert report.main([*map(str, files), "--output", str(output), *options]) == 0
    return (output / "details.md").read_text(encoding="utf-8")


def render_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are drawn, but their files stay empty: to render them takes most of a report's time."""

    def save(_: object, path: Path) -> None:
        for ending in (".png", ".svg"):
            Path(f"{path}{ending}").touch()

    monkeypatch.setattr(canvas, "save", save)


def section(text: str, title: str) -> str:
    return text.split(f"## {title}")[1].split("\n## ")[0]


def row(text: str, *begin: str) -> list[str]:
    """The cells of the first table row that begins so."""
    rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|")
    return next(cells for cells in rows if cells[: len(begin)] == list(begin))
