"""Damaged files through every command that reads them: one line and exit code 2, or a report; never a traceback.

FITBENCH_DAMAGED=10000 .venv/bin/pytest tests/commands/test_damaged.py -s    # more of them, and the slowest
"""

import contextlib
import io
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import msgspec
import pytest
from builders import AGREEMENT, case, rounds, start
from damage import damaged, document
from hypothesis import HealthCheck, given, seed, settings

from bench import compare, export, report, spread
from bench.cases.options import choice_of
from bench.measuring.assembly import record_of
from bench.records.reading import sample as sample_of
from bench.records.record import Facts, Sample
from bench.reporting import frames
from bench.reporting import report as reporting
from bench.support.errors import InputError

pytestmark = pytest.mark.filterwarnings("error")  # they would be seen on the terminal

COPIES = int(os.environ.get("FITBENCH_DAMAGED", "500"))
SEED = int(os.environ.get("FITBENCH_SEED", "0"))
WHOLE = 1 if COPIES > 1000 else 10  # of so many reports that can be made, one is: else its frame alone
SAVED = 20  # of so many pictures that are drawn, one is written
often = settings(
    max_examples=COPIES, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False
)


class Folder:
    """Where a run lies beside its damaged copy, and what came of the copies."""

    def __init__(self, path: Path) -> None:
        self.path, self.bad, self.good, self.output = path, path / "bad.json", path / "good.json", path / "out"
        self.tracked = path / "asv"
        self.good.write_text(json.dumps(document()))
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0

    def run(self, command: str, main, *words: Path | str) -> int:
        """A command in this process: what it prints must be what it promises."""
        printed, said, begun = io.StringIO(), io.StringIO(), time.perf_counter()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
            code = main([str(word) for word in words])
        self.slowest = max(self.slowest, time.perf_counter() - begun)
        self.counts[f"{command} {code}"] += 1
        assert code in (0, 2)
        if code == 2:
            assert printed.getvalue() == "" and said.getvalue().startswith("error: ")
            assert said.getvalue().count("\n") == 1, said.getvalue()
        return code


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Iterator[Folder]:
    folder = Folder(tmp_path_factory.mktemp("damaged"))
    yield folder
    print(dict(folder.counts), f"slowest: {folder.slowest:.1f} s")


@pytest.fixture(scope="module")
def pictures() -> Iterator[None]:
    """Making reports and files of pictures takes nearly all the time: not all are made."""
    makes, saves = (cycle([True, *[False] * (every - 1)]) for every in (WHOLE, SAVED))
    write, save = report.write, reporting.canvas.save

    def sometimes(runs, output: Path, baseline: str, pictures: bool) -> None:
        if next(makes):
            write(runs, output, baseline, pictures)
        else:
            frames.cases(runs, baseline)
            output.mkdir(exist_ok=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "write", sometimes)
        patch.setattr(export, "write_atomically", Path.write_text)  # which need not wait for the disk
        patch.setattr(reporting.canvas, "save", lambda *about: next(saves) and save(*about))
        yield


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir())


@seed(SEED)
@often
@given(copy=damaged(document()))
def test_a_damaged_run_is_refused_in_one_line_or_shown(folder: Folder, pictures: None, copy: bytes):
    folder.bad.write_bytes(copy)
    here, reports = files(Path.cwd()), folder.counts["report 0"]
    code = folder.run("report", report.main, folder.bad, "--output", folder.output)
    assert folder.output.exists() == (code == 0 or reports > 0)
    folder.run("compare", compare.main, folder.good, folder.bad, "--force")
    folder.run("compare", compare.main, folder.bad, folder.good)
    folder.run("spread", spread.main, folder.good, folder.bad)
    folder.run("github", export.main, "github", folder.bad)
    folder.run("bencher", export.main, "bencher", folder.bad)
    folder.run("asv", export.main, "asv", folder.bad, "--output", folder.tracked)
    assert set(files(folder.path)) <= {folder.good, folder.bad, folder.output, folder.tracked}
    assert files(Path.cwd()) == here


def plain_sample() -> dict:
    sample = Sample(
        side="",
        process=1,
        case=case(),
        failure=None,
        facts=Facts(threads=1, cores=[1], coefficients=[0.0, 1.0, 2.0, 3.0], losses=[(100, 7.0)]),
        agreement=AGREEMENT,
        start=start(1, "warm"),
        rounds=rounds([[1e-5, 2e-5, 3e-5]]),
    )
    return msgspec.to_builtins(sample)


CHOICE = choice_of(device=["cpu"], backend=["numpy"], variant=["manual"])


@seed(SEED)
@often
@given(copy=damaged(plain_sample()))
def test_a_damaged_sample_is_refused_in_one_line_or_makes_a_record(copy: bytes):
    """As `--resume` reads those of a journal whose checksums are right."""
    try:
        sample = sample_of(Path("run.json.journal"), copy)
    except InputError as error:
        assert "\n" not in str(error) and str(error).startswith("run.json.journal: ")
        return
    for samples in ([sample], [sample, msgspec.structs.replace(sample, process=sample.process + 1)]):
        timed: Sequence[bool] = [sample.rounds is not None] if sample.failure is None else [True, False]
        for each in timed:
            record_of(sample.case, CHOICE, samples, each).flat()


@pytest.mark.parametrize("main", [report.main, compare.main])
def test_the_check_can_fail(folder: Folder, main, monkeypatch):
    """A reader that lets a wrong value pass ends in a traceback, which the check lets through."""
    monkeypatch.setattr("bench.records.reading.msgspec.convert", lambda value, kind: kind(**value))
    folder.bad.write_text(json.dumps(document()))
    words = (folder.bad, "--output", folder.output) if main is report.main else (folder.good, folder.bad)
    with pytest.raises((TypeError, AttributeError)):
        folder.run("none", main, *words)
