"""`pytest bench` as a user runs it, with the one backend that starts fast: its JSON and its options.

What is wrong with their words is in tests/cases/test_options.py.
"""

import json
import math
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from builders import record, write
from conftest import PYTEST, ROOT, bench, copy_suite, interrupt, records, run, start

from bench import report
from bench.cases.options import choice_of
from bench.conftest import resuming
from bench.measuring import destination
from bench.measuring.reporter import Reporter
from bench.measuring.runner import Runner
from bench.records.rounds import COLUMNS, PAGE_FAULTS
from bench.reporting import units
from bench.sides.code import files, hash_of
from bench.sides.side import here
from bench.support.controls import CONTROLS
from bench.support.errors import InputError
from bench.support.programs import program

FAST = ("--device", "cpu", "--backend", "numpy", "--steps", "300", "--processes", "2", "--max-time", "0.1")
SMALL = (*FAST, "--dtype", "float64", "--points", "200", "--seed", "3")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A run that left its JSON, and was saved in a storage of pytest-benchmark's."""
    folder = tmp_path_factory.mktemp("run")
    path, save = folder / "deep" / "run.json", (f"--benchmark-storage={folder / 'storage'}", "--benchmark-save=one")
    done = bench(*SMALL, "--variant", "manual,nn", f"--benchmark-json={path}", *save)
    assert done.returncode == 0, done.stdout
    return done.stdout, json.loads(path.read_text()), folder / "storage"


@pytest.fixture(scope="module")
def timed(stored):
    return stored[:2]


def test_stats_are_the_workers_seconds_per_iteration_a_figure_a_process(timed):
    """A figure each, net of the machine, whose mean is that of the report."""
    _, document = timed
    for entry in document["benchmarks"]:
        rounds = entry["extra_info"]["rounds"]
        rows = list(zip(rounds["process"], rounds["seconds"], rounds["warm_up"], strict=True))
        kept = [[seconds for one, seconds, warming in rows if one == each and not warming] for each in (0, 1)]
        assert all(len(one) >= 8 for one in kept)  # a block a process at least
        told = entry["extra_info"]["estimate"]
        raw = statistics.median(statistics.median(map(math.log, one)) for one in kept)
        assert told["raw_seconds"] == pytest.approx(math.exp(raw), rel=0.02)  # but for rounds that shared their core
        assert entry["stats"]["data"] == told["process_seconds"]
        assert entry["stats"]["rounds"] == 2
        assert entry["stats"]["mean"] == pytest.approx(told["seconds"], rel=1e-12)
        assert 1e-7 < told["seconds"] < 1e-3


def test_the_estimate_in_the_json_is_what_the_report_shows(timed, tmp_path):
    _, document = timed
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document))
    assert report.main([str(path), "--output", str(tmp_path / "report")]) == 0
    text = (tmp_path / "report" / "details.md").read_text()
    shown = pd.read_csv(tmp_path / "report" / "tables" / "iteration-time.csv").set_index("variant")
    for entry in document["benchmarks"]:
        told = entry["extra_info"]["estimate"]
        found = shown.loc[entry["extra_info"]["variant"]]
        assert told["seconds"] == found["seconds"]
        assert [told["low"], told["high"]] == [found["low_seconds"], found["high_seconds"]]
        cell = units.spread(told["seconds"], told["low"], told["high"])
        assert re.search(rf"^\| {entry['extra_info']['variant']} +\| {re.escape(cell)}", text, re.MULTILINE)


def test_ids_groups_and_flat_fields_name_the_case(timed):
    _, document = timed
    manual, nn = document["benchmarks"]
    assert manual["param"] == "manual-numpy-cpu-float64-200"
    assert nn["group"] == "nn-cpu-float64-200"
    flat = {"variant": "nn", "backend": "numpy", "device": "cpu", "dtype": "float64", "points": 200}
    assert nn["params"] == flat
    assert flat.items() <= nn["extra_info"].items()


def test_record_holds_what_the_specification_lists(timed):
    _, document = timed
    info = document["benchmarks"][0]["extra_info"]
    assert info["schema"] == document["fitbench_schema"] == 4
    assert [step for step, _ in info["losses"]] == [1, 2, 5, 10, 20, 50, 100, 200, 300]
    assert info["losses"][-1][1] == pytest.approx(info["exact_losses"][-1][1], rel=1e-12)
    assert len(info["coefficients"]) == 4
    assert info["agreement"]["horizon"] == info["steps"] == 300
    assert info["agreement"]["digits"] > 12
    machine = document["machine_info"]["fitbench"]
    assert {"cpu", "cores", "affinity", "governor", "load_average", "os", "python", "git_commit", "git_dirty"} <= set(
        machine
    )
    assert machine["packages"]["numpy"]


def test_rounds_are_columns_in_turns_of_several_processes(timed):
    _, document = timed
    info = document["benchmarks"][0]["extra_info"]
    rounds = info["rounds"]
    controls = rounds["controls"]
    readings = rounds["readings"]
    assert set(rounds) == {*COLUMNS, "controls", "readings"} and set(controls) == set(CONTROLS)
    assert set(readings) == {PAGE_FAULTS} and all(value >= 0 for value in readings[PAGE_FAULTS])
    columns = [*(rounds[name] for name in COLUMNS), *controls.values(), *readings.values()]
    assert {len(column) for column in columns} == {len(rounds["seconds"])}
    assert all(value > 0 for column in controls.values() for value in column)
    assert sorted(set(rounds["process"])) == [0, 1] == [one["process"] for one in info["processes"]]
    for process in (0, 1):
        turns = [turn for turn, one in zip(rounds["turn"], rounds["process"], strict=True) if one == process]
        assert turns == list(range(len(turns)))
    assert rounds["time"] == sorted(rounds["time"])
    assert sum(rounds["steps"][: rounds["turn"].index(1)]) <= 300
    assert info["sampling"]["stopped"] in ("precision", "max-time")
    assert info["sampling"]["asked"] == 2
    assert info["lost"] == [] and not document["machine_info"]["fitbench"]["cut_short"]


def test_the_code_that_was_measured_is_known_by_its_hash(timed):
    _, document = timed
    assert document["machine_info"]["fitbench"]["code"] == hash_of(ROOT, files(ROOT))


def test_the_worker_processes_differ(timed):
    _, document = timed
    started = [one["started"] for one in document["benchmarks"][0]["extra_info"]["processes"]]
    assert started[0] < started[1]


def test_summary_tells_how_many_agree_and_how_well(timed):
    output, document = timed
    digits = min(entry["extra_info"]["agreement"]["digits"] for entry in document["benchmarks"])
    assert "2 of 2 cases agree with the exact fit" in output
    assert f"float64: {digits:.1f} digits at worst" in output


def test_the_run_ends_with_its_figures_and_not_with_pooled_statistics(timed):
    output, document = timed
    for entry in document["benchmarks"]:
        figure, case = entry["extra_info"]["estimate"], entry["extra_info"]["variant"]
        assert re.search(rf"^{case} +{re.escape(units.seconds(figure['seconds']))}", output, re.MULTILINE)
    assert "cpu, 200 points, float64\n" in output
    assert "Name (time in" not in output and "\x1b" not in output


@pytest.mark.skipif(os.name != "posix", reason="a terminal of POSIX")
def test_a_terminal_shows_what_is_being_measured_while_pytest_waits(tmp_path):
    """It is written while the first test goes on, whose output pytest keeps to itself."""
    words = (*SMALL, "--variant=manual", "--points=1000000", "--case-timeout=10", f"--benchmark-json={tmp_path / 'a'}")
    parent, child = os.openpty()
    with subprocess.Popen([sys.executable, "-m", *PYTEST, *words], cwd=ROOT, stdout=child) as process:
        os.close(child)
        shown = b""
        while b"process 1 of 2, group 1 of 2: manual, cpu, float64, " not in shown:
            shown += os.read(parent, 1000)  # raises where the run has ended without
        process.kill()
    os.close(parent)
    assert (
        b"warning: --fit-time 4: fits have fewer than 300 steps: 100 at 1000000 points" in shown
    )  # what will take long, before it begins


def test_a_log_tells_what_is_measured_and_is_flushed(tmp_path):
    """It says what is measured while it is measured, and not when a buffer is full."""
    words = (*SMALL, "--variant=manual", "--benchmark-json", str(tmp_path / "run.json"))
    with subprocess.Popen([sys.executable, "-m", *PYTEST, *words], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        shown = b""
        while b"process 1 of 2, group 1 of 1: manual, cpu, float64\n" not in shown:
            more = os.read(process.stdout.fileno(), 1000)
            assert more, shown  # else it ended without
            shown += more
        assert process.poll() is None  # it goes on
        rest = process.stdout.read()
    assert process.returncode == 0 and b"1 passed" in rest


def test_pytest_benchmark_can_compare_such_files(timed, tmp_path):
    (tmp_path / "0001_a.json").write_text(json.dumps(timed[1]))
    command = [sys.executable, "-m", "pytest_benchmark", "compare", str(tmp_path / "0001_a.json")]
    assert "manual-numpy-cpu-float64-200" in subprocess.run(command, capture_output=True, text=True).stdout


def test_a_saved_run_is_compared_and_the_load_is_not_taken_for_another_machine(stored):
    _, _, storage = stored
    (saved,) = storage.glob("*/0001_one.json")
    few = (*SMALL, "--variant=manual", "--processes=1", f"--benchmark-storage={storage}", "--benchmark-compare=0001")
    few = (*few, f"--benchmark-json={storage / 'again.json'}")
    document = json.loads(saved.read_text())
    document["machine_info"]["fitbench"]["load_average"] = [99.0, 99.0, 99.0]
    saved.write_text(json.dumps(document))
    done = bench(*few)
    assert "(0001_one)" in done.stdout and "Name (time in" in done.stdout  # in the table of pytest-benchmark
    assert "machine_info is different" not in done.stdout + done.stderr
    document["machine_info"]["fitbench"]["cpu"] = "another"
    saved.write_text(json.dumps(document))
    done = bench(*few)
    assert "machine_info is different" in done.stdout + done.stderr


def test_benchmark_disable_checks_without_timing(tmp_path):
    path = tmp_path / "agree.json"
    done = bench(*FAST, "--variant", "manual", "--benchmark-disable", f"--benchmark-json={path}")
    assert done.returncode == 0
    assert "2 of 2 cases agree" in done.stdout
    document = json.loads(path.read_text())
    assert document["benchmarks"] == []
    assert [entry["extra_info"]["outcome"] for entry in document["not_measured"]] == ["agreed", "agreed"]
    assert all(entry["extra_info"]["rounds"] is None for entry in document["not_measured"])


def test_k_selects_by_readable_ids():
    done = bench(*FAST, "--collect-only", "-q", "-k", "manual-numpy-cpu-float32 or optim and float64")
    found = [line for line in done.stdout.splitlines() if "::" in line]
    assert found == [
        "bench/test_fit.py::test_fit[manual-numpy-cpu-float32-2000]",
        "bench/test_fit.py::test_fit[optim-numpy-cpu-float64-2000]",
    ]


def test_bare_pytest_runs_the_tests_alone():
    # To import all of the tests takes long, and the frameworks with them.
    few = [f"--ignore={path}" for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "cases"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:hypothesispytest", *few]
    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()
    assert {line.split("/")[0] for line in found if "::" in line} == {"tests"}


def coefficients(seed: int) -> list[float]:
    """Of the fit that `timed` makes, made here."""
    words = {"variant": ["manual"], "backend": ["numpy"], "device": ["cpu"], "dtype": ["float64"], "points": ["200"]}
    runner = Runner(choice_of(**words, steps="300", seed=str(seed)), [here()], timed=False)
    (planned,) = runner.planned
    runner.select([planned.case])
    return runner.record(planned.case).coefficients


def test_the_same_seed_gives_the_same_fit_and_another_seed_another(timed):
    _, document = timed
    manual, _ = (entry["extra_info"] for entry in document["benchmarks"])
    assert manual["seed"] == 3
    assert manual["coefficients"] == coefficients(3) != coefficients(1)


def test_jax_runs_on_the_device_asked_for_and_numpy_says_why_not(tmp_path):
    path = tmp_path / "run.json"
    done = bench(
        *("--backend", "numpy,jax-loop", "--device", "cpu:1", "--variant", "manual", "--dtype", "float32"),
        *("--steps", "200", "--processes", "1", "--max-time", "0.1", f"--benchmark-json={path}"),
        XLA_FLAGS="--xla_force_host_platform_device_count=2",
    )
    assert done.returncode == 0, done.stdout
    found = records(path)
    assert found["manual-jax-loop"]["outcome"] == "measured"
    assert found["manual-jax-loop"]["device"] == "cpu:1"
    assert (found["manual-numpy"]["outcome"], found["manual-numpy"]["reason"]) == (
        "skipped",
        "NumPy runs on the cpu, not on cpu:1",
    )


def test_a_missing_compiler_skips_with_the_command_that_installs_it(tmp_path):
    path = tmp_path / "run.json"
    words = ("--device=cpu", "--backend=torch-compile", "--variant=manual", f"--benchmark-json={path}")
    done = bench(*words, CXX="no-such-compiler")
    assert done.returncode == 0
    found = records(path)["manual-torch-compile"]
    assert done.stdout.count(f"2 skipped: {found['reason']}\n") == 1  # of both dtypes
    assert found["outcome"] == "skipped"
    assert "no-such-compiler" in found["reason"]
    assert "install" in found["reason"]


def test_a_json_path_that_is_there_and_empty_is_not_taken_away(tmp_path):
    path = tmp_path / "run.json"
    path.touch()
    path.chmod(0o640)
    assert bench("--backend", "numpy", "--collect-only", "-q", f"--benchmark-json={path}").returncode == 0
    assert path.exists()


@pytest.fixture(scope="module")
def unsaved(tmp_path_factory):
    """A copy of the suite, in which a run was made of which nobody said where to keep it."""
    copy = copy_suite(tmp_path_factory.mktemp("unsaved"))
    return copy, bench(*SMALL, "--variant=manual", "--processes=1", cwd=copy)


def test_a_run_is_kept_if_nobody_says_where(unsaved, monkeypatch):
    copy, done = unsaved
    monkeypatch.chdir(copy)
    assert done.returncode == 0, done.stdout
    (path,) = (copy / "reports").iterdir()  # and no journal beside it
    assert re.fullmatch(r"bench-\d{4}-\d\d-\d\d-\d{6}\.json", path.name)
    name = path.relative_to(copy)
    assert f"the run is kept in {name}" in done.stdout
    assert f"the run: {name}\nits report: {program('python')} -m bench.report {name}\n" in done.stdout
    made_from = run("bench.report", cwd=copy)  # which takes the newest
    assert made_from.returncode == 0 and (path.with_suffix("") / "report.md").exists(), made_from.stderr


@pytest.mark.parametrize("words", [["--collect-only"], ["--benchmark-disable"], ["--benchmark-skip"]])
def test_what_times_nothing_keeps_nothing_unasked(unsaved, words):
    copy, _ = unsaved
    before = list((copy / "reports").glob("*.json"))
    assert bench(*SMALL, "--variant=manual", *words, cwd=copy).returncode in (0, 5), words
    assert list((copy / "reports").glob("*.json")) == before


def test_a_run_that_cannot_be_kept_does_not_begin(copy):
    (copy / "reports").touch()
    done = bench(*SMALL, cwd=copy)
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if line.strip())
    assert line == (
        "Exit: reports: a run is kept there unless --benchmark-json says where, and it cannot be written (File exists)"
    )


def test_a_free_name_is_taken_for_a_run(tmp_path, monkeypatch):
    class Now(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(destination, "datetime", Now)
    (tmp_path / "bench-2026-01-02-030405.json").touch()
    (tmp_path / "bench-2026-01-02-030405-2.json.journal").touch()
    assert destination.usual(tmp_path).resolve() == (tmp_path / "bench-2026-01-02-030405-3.json").resolve()
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_but_an_earlier_run_is_overwritten(tmp_path):
    path = tmp_path / "run.json"
    for content in ("[project]", "{}", '{"benchmarks": []}'):
        path.write_text(content)
        with pytest.raises(InputError) as caught:
            destination.given(path)
        assert str(caught.value).startswith(
            f"--benchmark-json {path}: would be overwritten, and is no run of fitbench ("
        )
        assert path.read_text() == content
    path.write_text("")
    assert destination.given(path) == path
    write(path, [record()])
    before = path.read_bytes()
    assert destination.given(path) == path and path.read_bytes() == before


def test_a_foreign_file_ends_a_run_before_it_begins(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]")
    done = bench(*SMALL, f"--benchmark-json={path}")
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if line.strip())
    assert f"--benchmark-json {path}: would be overwritten" in line
    assert path.read_text() == "[project]"


def test_help_is_help_whatever_else_is_asked_for(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    done = bench("--help", f"--benchmark-json={path}", "--processes=0")
    assert done.returncode == 0 and "--processes=P" in done.stdout and done.stderr == ""
    assert path.read_text() == "mine"


def test_the_command_that_goes_on_has_the_users_own_options():
    words = ["bench", "--seed", "3", "--benchmark-json", "a.json", "-k", "nn or optim", "--resume"]
    expected = f"{program('pytest')} bench --seed 3 -k 'nn or optim' '--benchmark-json=a b.json' --resume"
    assert resuming(Path("a b.json"), words) == expected
    assert resuming(Path("a b.json"), [*words[:3], "--benchmark-json=x", *words[5:]]) == expected


LONG = ("--device=cpu", "--backend=numpy", "--variant=manual", "--dtype=float64", "--points=200", "--steps=300")
ENDLESS = (*LONG, "--processes=200", "--cold=0", "--max-time=200", "--precision=0.0001%")  # a second a process


def wait_for(what: Callable[[], bool], goes_on: Callable[[], bool]) -> None:
    while not what():
        assert goes_on()
        time.sleep(0.02)  # a run signals nobody how far it is: its files are looked at again and again


def test_after_each_process_there_are_a_json_and_a_report_of_what_there_is(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)  # from where the run goes
    path, page = tmp_path / "run.json", tmp_path / "report" / "report.md"
    process = start(path, *ENDLESS, f"--report={page.parent}")
    try:
        wait_for(lambda: page.exists() and page.stat().st_size > 0, lambda: process.poll() is None)
        document, text = json.loads(path.read_text()), page.read_text()
        output = interrupt(process)
    finally:
        process.kill()
    assert document["machine_info"]["fitbench"]["cut_short"]  # as nobody knew whether it would be whole
    (entry,) = document["benchmarks"]
    assert len(entry["extra_info"]["processes"]) < 200 and entry["extra_info"]["sampling"]["stopped"] == "interrupted"
    assert (
        "**Not whole: run still went on when this was written, or was cut short; cases have 1 of 200 processes" in text
    )
    assert f"its report: {page.with_name('index.html')}, of the processes that were whole when it was made\n" in output
    command = f"{program('python')} -m bench.report {path} --output {page.parent}"
    assert f"one of all that was measured: {command}\n" in output
    assert "**Not whole: run " in page.read_text()  # the newest that was whole
    assert not list(tmp_path.rglob("*.tmp"))


def test_at_the_end_the_report_is_of_the_whole_run(tmp_path):
    path, page = tmp_path / "run.json", tmp_path / "report" / "report.md"
    done = bench(*LONG, "--processes=1", "--max-time=0.05", f"--benchmark-json={path}", f"--report={page.parent}")
    assert done.returncode == 0, done.stdout
    assert "Not whole" not in page.read_text() and "Cut short" not in page.read_text()
    assert (
        f"its report: {page.with_name('index.html')}\n" in done.stdout
        and f"its report is written to {page.parent}" in done.stdout
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == ["report", "run.json"]


def test_an_earlier_run_is_kept_until_the_new_one_is_whole(tmp_path):
    """Its journal alone tells what there is."""
    path, page = write(tmp_path / "run.json", [record()]), tmp_path / "report" / "report.md"
    before = path.read_bytes()
    process = start(path, *ENDLESS, f"--report={page.parent}")
    try:
        wait_for(lambda: page.exists() and page.stat().st_size > 0, lambda: process.poll() is None)
        process.kill()
        process.wait()
    finally:
        process.kill()
    assert path.read_bytes() == before and "1 of 200 processes" in page.read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--report="], "--report '': empty; expected a folder"),
        (["--report=here"], "--report here: cannot be written (File exists); expected a folder"),
        (["--report=foreign"], "foreign/report.md: is there, and is no report of fitbench"),
        (["--report=new", "--benchmark-disable"], "--report new: the run is kept in no file; give a --benchmark-json"),
        (["--report=new", "--benchmark-json=/dev/null"], "--report new: the run is kept in no file"),
    ],
)
def test_a_report_that_cannot_be_written_ends_a_run_before_it_begins(copy, words, told):
    (copy / "here").touch()
    (copy / "foreign").mkdir()
    (copy / "foreign" / "report.md").write_text("mine")
    done = bench(*SMALL, *words, cwd=copy)
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if line.strip())
    assert told in line
    assert not (copy / "new").exists() and (copy / "foreign" / "report.md").read_text() == "mine"


def test_a_report_that_fails_costs_no_run(tmp_path):
    told = []
    reporter = Reporter(tmp_path / "report", told.append)
    source = tmp_path / "run.json.journal"
    source.write_text("no journal")
    job = reporter.job(source, lambda: told.append("before"))
    job.work(None, 0)
    assert told[0] == "before" and told[1].startswith(f"no report so far: {source}: damaged (file is not a database)")
    assert len(told) == 2 and not (tmp_path / "report").exists()
    reporter.kill()
    assert reporter.make(source) is None  # and it begins no more


def test_a_report_is_ended_with_its_run(tmp_path, monkeypatch):
    """It would go on beside what comes next."""
    monkeypatch.setattr("bench.measuring.reporter.sys.executable", shutil.which("sleep"))
    started, before = [], subprocess.Popen

    class Sleeping(before):
        def __init__(self, words, **rest) -> None:
            started.append(self)
            super().__init__([words[0], "600"], **rest)

    monkeypatch.setattr("bench.measuring.reporter.subprocess.Popen", Sleeping)
    reporter = Reporter(tmp_path, lambda line: None)
    killer = threading.Timer(0.2, reporter.kill)
    killer.start()
    assert reporter.make(tmp_path / "run.json") is None
    assert started[0].returncode == -signal.SIGTERM


# A report that is never done with bringing a draft to the disk, until it is asked to end; or not even then.
ENDLESSLY = """
import signal, sys
from bench.support import exits, files

def stay(_):
    if DEAF:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(sys.argv[1] + ".begun", "w").close()
    while True:
        signal.pause()

files.os.fsync = stay
from bench.report import main
exits.run(main)
"""


@pytest.mark.parametrize("deaf", [False, True])
def test_a_report_that_is_ended_while_it_writes_leaves_nothing_behind(deaf, tmp_path, monkeypatch):
    """Only one that does not listen is killed, as the planted one: it leaves its draft."""
    path, scratch, before = write(tmp_path / "run.json", [record()]), tmp_path / "scratch", subprocess.Popen
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("bench.measuring.reporter.END_SECONDS", 0.2 if deaf else 60)

    def popen(words, **rest):
        return before([words[0], "-c", ENDLESSLY.replace("DEAF", str(deaf)), *words[3:]], **rest)

    monkeypatch.setattr("bench.measuring.reporter.subprocess.Popen", popen)
    reporter = Reporter(tmp_path / "report", lambda line: None)
    thread = threading.Thread(target=reporter.make, args=(path,))
    thread.start()
    wait_for(path.with_name("run.json.begun").exists, thread.is_alive)
    reporter.kill()
    thread.join()
    assert bool(list(tmp_path.rglob("*.tmp"))) is bool(list(scratch.iterdir())) is deaf
