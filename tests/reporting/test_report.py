"""Whole reports on small runs: what stands in which section, which files there are, and that links lead to them."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import msgspec
import numpy as np
import pandas as pd
import pytest
from builders import record, start, write
from conftest import ROOT

from bench.records.record import AGREED, FAILED, NOT_REACHED, SKIPPED, Record
from bench.reporting import frames
from bench.reporting.ratios import MULTIPLES
from bench.statistics import cold_start
from reports import LOOP, NUMPY, PICTURES, SPACE, TORCH, made, modes, paid, render_nothing, row, section


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Makes the text of a report on one run of these records; its files are in `out`, pictures empty."""
    render_nothing(monkeypatch)

    def text(*records: Record, options: tuple[str, ...] = (), **machine) -> str:
        return made(tmp_path / "out", write(tmp_path / "run.json", records, **machine), options=options)

    return text


FRAMEWORKS = ("torch", "jax", "jaxlib", "autograd", "equinox", "optax")
LEFT = "left the exact fit at step 100: a | b <i> $x$"


@pytest.fixture(scope="module")
def holes(tmp_path_factory) -> tuple[Path, str]:
    """A report on a run with every outcome, and with a backend and a variant that are unknown here."""
    folder = tmp_path_factory.mktemp("holes")
    wrong = {"processes": [start(build_seconds=0.777)], "losses": [(100, 1.0)]}
    run = write(
        folder / "run.json",
        [
            record([1e-5] * 3, variant="elsewhere", backend="their-own"),
            record(),
            record(LOOP, backend="their-own"),
            record(TORCH, backend="torch"),
            record(backend="jax", outcome=SKIPPED, reason="jax not installed"),
            record(variant="nn", outcome=AGREED),
            record(variant="nn", backend="torch", outcome=FAILED, reason=LEFT, **wrong),
            record(variant="nn", backend="jax", outcome=NOT_REACHED, reason="the run ended before it was measured"),
        ],
    )
    return folder / "report", made(folder / "report", run, options=PICTURES)


# Of one process: exp(+-1.96 sqrt(pi / 6) 1.4826 MAD) of the logs, whose MAD are log 2 and log 1.25.
def test_times_are_the_figure_and_its_interval(holes):
    _, text = holes
    cells = row(section(text, "Iteration time"), "manual")
    assert cells == [
        "manual",
        "20.0 µs (4.66 to 85.9)",
        "50.0 µs (31.3 to 79.9)",
        "skipped [1]",
        "5.00 µs (5.00 to 5.00)",
    ]


def test_speed_is_the_ratio_of_the_times_and_says_which_way(holes):
    folder, text = holes
    cells = row(section(text, "Speed against numpy"), "manual")
    assert cells == [
        "manual",
        "baseline",
        "2.50x slower",  # of one process no interval is known
        "skipped [1]",
        "4.00x faster",
    ]
    found = pd.read_csv(folder / "tables" / "speedup.csv").set_index(["variant", "backend"])
    assert found.loc[("manual", "torch"), "speedup"] == pytest.approx(0.4, rel=1e-12)
    assert found.loc[("manual", "their-own"), "speedup"] == pytest.approx(4, rel=1e-12)
    assert found.loc[("manual", "torch"), "shared_processes"] == 1
    assert row(section(text, "Speed against numpy"), "elsewhere")[-1] == "no numpy to compare with"


def test_cold_parts_add_up(holes):
    folder, text = holes
    cells = row(section(text, "Cold start"), "manual", "torch", "no cache")
    assert cells[3:9] == ["1", "500 ms", "250 ms", "125 ms", "2.00 s", "2.88 s"]  # 2.875 s, to three digits
    data = pd.read_csv(folder / "tables" / "cold-start.csv").query("variant == 'manual' and backend == 'torch'")
    assert list(data["state"]) == ["no cache", "steady"] and data["total_seconds"].iloc[0] == 2.875


def test_agreement_and_resources(holes):
    folder, text = holes
    cells = row(section(text, "Agreement"), "manual", "torch")
    assert cells[2:8] == ["trajectory", "200", "6.0", "1.0e-06", "loss, step 200", "12.5 %"]
    cells = row(section(text, "Memory"), "manual", "torch")
    assert cells[2:10] == ["3.00 MiB", "-", "-", "1", "1", "highest", "-", "-"]
    errors = pd.read_csv(folder / "tables" / "losses.csv").query("variant == 'manual' and backend == 'torch'")
    assert list(errors["relative_error"]) == [0.0, pytest.approx(1e-6, rel=1e-6)]  # |10.00001 - 10| / 10


def test_holes_are_labelled_noted_and_listed(holes):
    folder, text = holes
    times = section(text, "Iteration time")
    assert row(times, "nn") == ["nn", "agreed [2]", "failed [3]", "not reached [4]", "-"]
    assert "- [1] jax not installed\n" in times
    assert r"- [3] left the exact fit at step 100: a \| b \<i> \$x\$" in times
    assert row(section(text, "Cold start"), "nn", "torch") == ["nn", "torch", *["-"] * 7, "failed [2]"]
    rest = pd.read_csv(folder / "tables" / "not-measured.csv")
    outcomes = [
        ("manual", "jax", SKIPPED),
        ("nn", "numpy", AGREED),
        ("nn", "torch", FAILED),
        ("nn", "jax", NOT_REACHED),
    ]
    assert list(rest[["variant", "backend", "outcome"]].itertuples(index=False, name=None)) == outcomes
    assert rest["reason"][2] == LEFT
    assert "- run: planned 8, measured 4, skipped 1, agreed 1, failed 1, not reached 1" in text


def test_a_wrong_case_has_no_figure_anywhere(holes):
    folder, text = holes
    starts = pd.read_csv(folder / "tables" / "cold-start.csv").query("outcome == 'failed'")
    assert len(starts) == 1 and starts[list(cold_start.PARTS)].isna().all(axis=None)
    assert "777" not in text
    assert pd.read_csv(folder / "tables" / "losses.csv").query("variant == 'nn'")["backend"].unique() == ["numpy"]


def test_every_link_leads_to_a_file_and_every_picture_shows_something(holes):
    folder, text = holes
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert {f"tables/{path.name}" for path in (folder / "tables").iterdir()} == {
        one for one in links if one[-4:] == ".csv"
    }
    names = {Path(one).stem for one in links if one[-4:] == ".png"}
    case = "cpu-2000"
    kinds = {"iteration-time", "processes", "speedup", "cold-start", "break-even", "agreement"}
    assert names == {f"{kind}-{case}" for kind in kinds} | {f"loss-{case}-float32", "machine"}
    for name in names:
        image = matplotlib.image.imread(folder / f"{name}.png")
        assert image.shape[1] == 1350 and len(np.unique(image[:, :, 0])) > 20
        assert ElementTree.parse(folder / f"{name}.svg").getroot().tag.endswith("svg")
        assert f"({name}.svg)" in text


# What is not there cannot be imported: a module that the import system finds, and that fails when it is asked for.
CHECK = f"""
import importlib
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FRAMEWORKS!r}:
            print("asked for", name, file=sys.stderr)  # seen even where the error is caught
            raise ModuleNotFoundError(f"no module {{name}} here")

sys.meta_path.insert(0, Absent())
for name in {FRAMEWORKS!r}:  # the check can fail
    try:
        importlib.import_module(f"{{name}}.nn")
    except ImportError:
        pass
print("and then", file=sys.stderr)
sys.exit(importlib.import_module("bench.report").main(sys.argv[1:]))
"""


def test_a_report_needs_no_framework_and_is_the_same_wherever_it_is_made(holes):
    folder, _ = holes
    again = folder.with_name("again")
    command = [sys.executable, "-c", CHECK, str(folder.with_name("run.json")), "--output", str(again), "--pictures"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    asked = "".join(f"asked for {name}\n" for name in FRAMEWORKS)
    assert (done.returncode, done.stderr) == (0, f"{asked}and then\n")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.*"))
    assert files == sorted(path.relative_to(again) for path in again.rglob("*.*"))
    assert {file.suffix for file in files} == {".md", ".html", ".png", ".svg", ".csv", ".sha256"}
    for file in files:
        assert (folder / file).read_bytes() == (again / file).read_bytes(), file


ON_CORES = """
import sys
from bench.support import side_by_side
cores = int(sys.argv.pop(1))
side_by_side.allowed_cores = lambda: [0] * cores
from bench import report
from bench.reporting import canvas
canvas.save = lambda figure, path: open(f"{path}.png", "w").close()  # to render them takes most of the time
sys.exit(report.main(sys.argv[1:]))
"""


def test_copies_of_the_process_make_the_report_that_it_makes_alone(tmp_path):
    """Of two runs of three sizes, so that costs are told: what is passed from copy to copy is whole."""
    sizes, one_size = (100, 1000, 10000), paid()
    records = [msgspec.structs.replace(one, case=replace(one.case, points=n)) for n in sizes for one in one_size]
    runs = [write(tmp_path / f"{name}.json", records) for name in "ab"]
    for cores in (1, 3):
        command = [sys.executable, "-c", ON_CORES, str(cores), *map(str, runs), "--output", str(tmp_path / str(cores))]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert (done.returncode, done.stderr) == (0, "")
    alone, together = ((tmp_path / cores / "report.sha256").read_text() for cores in "13")
    assert alone == together and alone.count(".csv") > 10


def test_graphs_that_were_drawn_into_the_folder_are_linked_to(monkeypatch, tmp_path):
    render_nothing(monkeypatch)
    path, output = write(tmp_path / "run.json", [record()]), tmp_path / "out"
    assert "None was drawn." in section(made(output, path), "Graphs of a step")
    (output / "graphs").mkdir()
    for name in ("nn.html", "manual-jax.svg", "not a graph.svg", "nn.dot"):
        (output / "graphs" / name).touch()
    text = section(made(output, path), "Graphs of a step")
    assert re.findall(r"\]\((.*?)\)", text) == ["graphs/manual-jax.svg", "graphs/nn.html"]


def test_csv_keeps_every_digit(told, tmp_path):
    third = 1e-5 / 3  # which no decimal fraction is
    told(record([third] * 3))
    times, rounds = (
        pd.read_csv(tmp_path / f"out/tables/{name}.csv", dtype=str) for name in ("iteration-time", "rounds")
    )
    assert float(times["seconds"][0]) == pytest.approx(third, rel=1e-14) == float(times["raw_seconds"][0])
    columns = [*frames.INTERVAL, *frames.AS_READ, *frames.MACHINE, *frames.SAMPLING, *frames.STABILITY, *MULTIPLES]
    assert list(times.columns) == [*frames.KEYS, "outcome", "reason", *columns, "steps", "seed"]
    assert [float(one) for one in rounds["seconds"]] == [third] * 3


def test_what_is_unstable_is_said_wherever_its_figure_stands(told):
    text = told(*modes())
    evidence = "2 of 4 processes at 10.0 µs, 2 at 15.0 µs: 50 % apart"
    times = section(text, "Iteration time")
    numpy, torch, jax = row(times, "manual")[1:]
    assert numpy.endswith(", unstable [1]") and jax.endswith(", unstable [2]") and "unstable" not in torch
    assert f"- [1] unstable: {evidence}\n" in times and "- [2] unstable: drifts by +46 %" in times
    assert row(section(text, "Speed against numpy"), "manual")[1] == "baseline, unstable [1]"
    assert [row(section(text, "Sampling"), "manual", name)[7] for name in ("numpy", "torch")] == [evidence, "-"]


def test_what_it_costs_to_start_stands_beside_when_it_is_paid_back(told, tmp_path):
    text = told(*paid())
    assert row(section(text, "Cold start"), "manual", "jax", "warm")[3:] == [
        "2",
        *["0.00 ns"] * 3,
        "2.00 s",
        "2.00 s (2.00 to 2.00)",
    ]
    # (5 - 1) / (20 - 10) µs; what costs less to start and is slower has nothing to pay back.
    cells = row(section(text, "Break-even"), "manual", "jax")
    assert cells[2] == "400 000 (400 000 to 400 000)".replace("400 000", f"400{SPACE}000")
    assert "| numpy " not in section(text, "Break-even")
    found = pd.read_csv(tmp_path / "out/tables/break-even.csv").set_index(["backend", "other", "state"])
    assert len(found) == 4 * 3 * 2
    assert found.loc[("jax", "numpy", "empty"), "iterations"] == pytest.approx(4e5, rel=1e-9)
    assert len(pd.read_csv(tmp_path / "out/tables/ratios.csv")) == 4 * 3


def test_dtypes_and_sizes_have_pictures(told):
    cases = [record(dtype=dtype, points=points) for dtype in ("float64", "float32") for points in (2000, 200000)]
    text = told(*cases, options=PICTURES)
    assert "(iteration-time-cpu-2000.png)" in text and "(iteration-time-cpu-200000.png)" in text
    assert "(loss-cpu-2000-float64.png)" in text and "(loss-cpu-200000-float32.png)" in text
    assert text.count("(iteration-time-") == 4  # as PNG and as SVG: the dtypes share one


def test_nothing_timed(told, tmp_path):
    text = told(record(outcome=AGREED), record(variant="nn", outcome=AGREED), options=PICTURES)
    for title in ("Iteration time", "Speed against numpy", "Break-even"):
        assert section(text, title).count("nothing was timed.") == 1
        assert "|" not in section(text, title)
    out = tmp_path / "out"
    assert not [*out.glob("iteration-time*"), *out.glob("speedup*"), *out.glob("break-even*")]
    assert (out / "agreement-cpu-2000.png").exists()
    assert row(section(text, "Agreement"), "nn", "numpy")[4] == "6.0"


def test_nothing_right(told):
    text = told(record(outcome=FAILED, reason="a reason"))
    assert "no case came to agree" in section(text, "Agreement")
    assert row(section(text, "Cases not measured"), "run")[-1] == "reason"
    assert "a reason" in section(text, "Cases not measured")


def test_without_numpy_there_is_no_speed(told):
    speed = section(told(record(TORCH, backend="torch")), "Speed against numpy")
    assert "`numpy` on the cpu was not timed in this run" in speed and "50.0" not in speed


def test_another_baseline_is_named_by_title_table_and_data(told, tmp_path):
    text = told(record([NUMPY] * 2), record([TORCH] * 2, backend="torch"), options=("--baseline", "torch"))
    assert "## Speed against numpy" not in text
    speed = section(text, "Speed against torch")
    assert "The seconds of `torch` on the cpu, of the same variant" in speed
    assert row(speed, "manual")[1:] == ["2.50x faster (2.50 to 2.50)", "baseline"]
    found = pd.read_csv(tmp_path / "out/tables/speedup.csv").set_index("backend")
    assert set(found["baseline"]) == {"torch"}
    assert found["baseline_seconds"].tolist() == pytest.approx([5e-5, 5e-5], rel=1e-12)
    assert list(found.loc["numpy", [*frames.SPEEDUP]]) == pytest.approx([2.5, 2.5, 2.5], rel=1e-12)
    # It changes what is compared with, and no time.
    assert row(section(text, "Iteration time"), "manual")[1] == "20.0 µs (20.0 to 20.0)"


def test_a_baseline_that_was_not_timed_is_named(told):
    text = told(record(), record(backend="torch", outcome=FAILED, reason="wrong"), options=("--baseline", "torch"))
    assert "`torch` on the cpu was not timed in this run" in section(text, "Speed against torch")
