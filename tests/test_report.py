"""The report, made from small runs that are written here: every figure has a source on this page."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib import colormaps

import impls
from bench import canvas, frames, heatmaps, plots, report
from bench.backends import backends
from bench.record import AGREED, FAILED, MEASURED, NOT_REACHED, SKIPPED, Record, load

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = ("torch", "jax", "jaxlib", "autograd", "equinox", "optax")
NUMPY, TORCH, LOOP = [4e-5, 1e-5, 2e-5], [8e-5, 4e-5, 5e-5], [5e-6, 5e-6, 5e-6]  # medians: 20, 50 and 5 µs
EXACT = [[100, 700.0], [200, 10.0]]


def record(variant="manual", backend="numpy", seconds=NUMPY, outcome=MEASURED, reason=None, **changes) -> dict:
    """A record as the runner makes it; one that is not right has no facts."""
    facts = {
        "device_name": "A CPU",
        "threads": 1,
        "cores": [1],
        "matmul_precision": "highest",
        "import_seconds": 0.5,
        "startup_seconds": 0.25,
        "build_seconds": 0.125,
        "first_call_seconds": 2.0,
        "peak_memory_bytes": 3 * 2**20,
        "coefficients": [0.0, 0.85, 0.0, -0.09],
        "losses": [[100, 700.0], [200, 10.00001]],
        "exact_losses": EXACT,
        "agreement": {
            "kind": "trajectory",
            "horizon": 200,
            "replayed": 0,
            "worst_error": 1e-6,
            "worst_step": 200,
            "worst_name": "loss",
            "digits": 6.0,
            "bound_fraction": 0.125,
            "largest_bound": 8e-6,
            "excess_loss": 0.1,
        },
    }
    if outcome == MEASURED:
        facts["rounds"] = [
            {"turn": turn, "place": 0, "seconds": one, "cpu_seconds": one} for turn, one in enumerate(seconds)
        ]
    case = {"variant": variant, "backend": backend, "device": "cpu", "dtype": "float32", "points": 2000}
    case |= {"outcome": outcome, "reason": reason, "seed": 7, "steps": 200}
    return Record(**{**case, **(facts if outcome in (MEASURED, AGREED) else {}), **changes}).as_dict()


def write(path: Path, *records: dict, **machine) -> Path:
    """A run's JSON, in the shape of pytest-benchmark."""
    told = {"cpu": "A CPU", "cores": 2, "affinity": [0, 1], "os": "An OS", "python": "3.11.7", "memory_bytes": 2**34}
    told |= {"packages": {"torch": "2.13.0", "jax": "0.10.2", "numpy": "2.4.6"}, "git_commit": "0123456789abcdef"}
    timed = [one for one in records if one["outcome"] == MEASURED]
    document = {
        "machine_info": {"fitbench": {**told, "git_dirty": True, **machine}},
        "datetime": "2026-11-23T15:53:25+00:00",
        "benchmarks": [{"extra_info": one, "stats": {}} for one in timed],
        "not_measured": [{"extra_info": one} for one in records if one not in timed],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def made(output: Path, *files: Path) -> str:
    """The text of the report on the files."""
    assert report.main([*map(str, files), "--output", str(output)]) == 0
    return (output / "report.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    return text.split(f"## {title}")[1].split("\n## ")[0]


def row(text: str, *begin: str) -> list[str]:
    """The cells of the first table row that begins so."""
    rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|")
    return next(cells for cells in rows if cells[: len(begin)] == list(begin))


LEFT = "left the exact fit at step 100: a | b <i> $x$"


@pytest.fixture(scope="module")
def holes(tmp_path_factory) -> tuple[Path, str]:
    """A report on a run with every outcome, and with a backend and a variant that are unknown here."""
    folder = tmp_path_factory.mktemp("holes")
    run = write(
        folder / "run.json",
        record("elsewhere", "their-own", [1e-5] * 3),
        record(backend="numpy"),
        record(backend="their-own", seconds=LOOP),
        record(backend="torch", seconds=TORCH),
        record(backend="jax", outcome=SKIPPED, reason="jax not installed"),
        record("nn", "numpy", outcome=AGREED),
        record("nn", "torch", outcome=FAILED, reason=LEFT, first_call_seconds=0.777, losses=[[100, 1.0]]),
        record("nn", "jax", outcome=NOT_REACHED, reason="the run ended before it was measured and reported"),
    )
    return folder / "report", made(folder / "report", run)


def test_times_are_the_median_and_the_range_of_the_rounds(holes):
    _, text = holes
    cells = row(section(text, "Iteration time"), "manual")
    assert cells == [
        "manual",
        "20.0 µs (10.0 to 40.0)",
        "50.0 µs (40.0 to 80.0)",
        "skipped [1]",
        "5.00 µs (5.00 to 5.00)",
    ]


def test_speed_is_the_ratio_of_medians_and_says_which_way(holes):
    folder, text = holes
    # 20 µs against 50 µs and against 5 µs.
    cells = row(section(text, "Speed against numpy"), "manual")
    assert cells == ["manual", "baseline", "2.50x slower", "skipped [1]", "4.00x faster"]
    ratios = pd.read_csv(folder / "tables" / "speedup.csv").set_index(["variant", "backend"])["speedup"]
    assert ratios["manual", "torch"] == pytest.approx(0.4, rel=1e-15)
    assert ratios["manual", "their-own"] == pytest.approx(4.0, rel=1e-15)
    assert row(section(text, "Speed against numpy"), "elsewhere")[-1] == "no numpy to compare with"


def test_cold_parts_add_up(holes):
    _, text = holes
    cells = row(section(text, "Cold start"), "manual", "torch")
    assert cells[2:7] == ["500 ms", "250 ms", "125 ms", "2.00 s", "2.88 s"]  # 2.875 s, to three digits


def test_agreement_and_resources(holes):
    folder, text = holes
    cells = row(section(text, "Agreement"), "manual", "torch")
    assert cells[2:8] == ["trajectory", "200", "6.0", "1.0e-06", "loss, step 200", "12.5 %"]
    assert row(section(text, "Memory"), "manual", "torch")[2:8] == ["3.00 MiB", "1", "1", "highest", "-", "-"]
    errors = pd.read_csv(folder / "tables" / "losses.csv").query("variant == 'manual' and backend == 'torch'")
    assert list(errors["relative_error"]) == [0.0, pytest.approx(1e-6, rel=1e-6)]  # |10.00001 - 10| / 10


def test_holes_are_labelled_noted_and_listed(holes):
    folder, text = holes
    times = section(text, "Iteration time")
    assert row(times, "nn") == ["nn", "agreed [2]", "failed [3]", "not reached [4]", "-"]
    assert "- [1] jax not installed\n" in times
    assert r"- [3] left the exact fit at step 100: a \| b \<i> \$x\$" in times
    assert row(section(text, "Cold start"), "nn", "torch") == ["nn", "torch", *["-"] * 6, "failed [2]"]
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
    cold = pd.read_csv(folder / "tables" / "cold-start.csv").query("outcome == 'failed'")
    assert len(cold) == 1 and cold[list(frames.PARTS)].isna().all(axis=None)
    assert "777" not in text
    assert pd.read_csv(folder / "tables" / "losses.csv").query("variant == 'nn'")["backend"].unique() == ["numpy"]


def test_csv_keeps_every_digit(tmp_path):
    third = 1e-5 / 3
    made(tmp_path / "out", write(tmp_path / "run.json", record(seconds=[third] * 3)))
    times, rounds = (
        pd.read_csv(tmp_path / f"out/tables/{name}.csv", dtype=str) for name in ("iteration-time", "rounds")
    )
    assert float(times["median_seconds"][0]) == third
    assert list(times.columns) == [*frames.KEYS, "outcome", "reason", *frames.TIMING, "steps", "seed"]
    assert [float(one) for one in rounds["seconds"]] == [third] * 3


def test_every_link_leads_to_a_file_and_every_picture_shows_something(holes):
    folder, text = holes
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert {f"tables/{path.name}" for path in (folder / "tables").iterdir()} == {
        one for one in links if one[-4:] == ".csv"
    }
    names = {Path(one).stem for one in links if one[-4:] == ".png"}
    case = "cpu-2000"
    kinds = {"iteration-time", "speedup", "cold-start", "agreement"}
    assert names == {f"{kind}-{case}" for kind in kinds} | {f"loss-{case}-float32"}
    for name in names:
        image = matplotlib.image.imread(folder / f"{name}.png")
        assert image.shape[1] == 1350 and len(np.unique(image[:, :, 0])) > 20
        assert ElementTree.parse(folder / f"{name}.svg").getroot().tag.endswith("svg")
        assert f"({name}.svg)" in text


def test_unknown_names_come_last_and_have_a_colour(tmp_path):
    known = list(backends())
    names = ["theirs", *reversed(known), "third"]
    run = write(tmp_path / "run.json", record("elsewhere"), *(record(backend=name) for name in names))
    frame = frames.cases({"run": load(run)})
    assert frames.present(frame, "backend") == [*known, "theirs", "third"]
    assert frames.present(frame, "variant") == ["manual", "elsewhere"]
    axes = plots.iteration_time(frame).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["manual", *known, "theirs", "third", "elsewhere", *known, "theirs", "third"]
    medians = {
        line.get_ydata()[0]: (line.get_color(), line.get_marker()) for line in axes.lines if len(line.get_ydata()) == 1
    }
    looks = [medians[y] for y in range(1, len(names) + 1)]
    assert len(set(looks)) == len(names)
    assert len({colour for colour, _ in looks}) == min(len(names), len(canvas.COLOURS))


def test_colours_repeat_only_with_another_marker(tmp_path):
    names = [f"backend-{i:02}" for i in range(2 * len(canvas.COLOURS))]
    frame = frames.cases({"run": load(write(tmp_path / "run.json", *(record(backend=name) for name in names)))})
    lines = [line for line in plots.iteration_time(frame).axes[0].lines if len(line.get_ydata()) == 1]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == len(names)


def test_variants_are_ordered_as_they_teach(tmp_path):
    records = [record(name) for name in reversed(impls.variants())]
    frame = frames.cases({"run": load(write(tmp_path / "run.json", *records))})
    assert list(frame["variant"]) == list(impls.variants())


def test_heat_map_of_speed_is_centred_at_as_fast(tmp_path):
    run = write(
        tmp_path / "run.json", record(), record(backend="torch", seconds=NUMPY), record(backend="jax", seconds=LOOP)
    )
    axes = heatmaps.speedup(frames.cases({"run": load(run)})).axes[0]
    middle, fastest = colormaps["RdBu"](0.5), colormaps["RdBu"](1.0)
    assert [patch.get_facecolor() for patch in axes.patches] == [middle, middle, fastest]
    assert [text.get_text() for text in axes.texts] == ["baseline", "as fast", "4.00x\nfaster"]


def test_holes_are_written_into_pictures(tmp_path):
    run = write(
        tmp_path / "run.json",
        record(),
        record("nn", "numpy"),
        record(backend="jax", outcome=SKIPPED, reason="jax not installed"),
    )
    frame = frames.cases({"run": load(run)})
    for draw in (plots.iteration_time, heatmaps.speedup, plots.cold_start, heatmaps.digits):
        words = " ".join(text.get_text().replace("\n", " ") for axes in draw(frame).axes for text in axes.texts)
        assert "skipped: jax not installed" in words and "not in this run" in words, draw
    titles = [axes.get_title(loc="left") for axes in plots.loss(frame).axes]
    assert titles[0] == "manual (not drawn: jax: skipped)"


def test_dtypes_are_panels_and_sizes_are_pictures(tmp_path):
    cases = [record(dtype=dtype, points=points) for dtype in ("float64", "float32") for points in (2000, 200000)]
    text = made(tmp_path / "out", write(tmp_path / "run.json", *cases))
    assert "(iteration-time-cpu-2000.png)" in text and "(iteration-time-cpu-200000.png)" in text
    assert "(loss-cpu-2000-float64.png)" in text and "(loss-cpu-200000-float32.png)" in text
    frame = frames.cases({"run": load(tmp_path / "run.json")})
    panels = plots.iteration_time(frame[frame["points"] == 2000]).axes
    assert [axes.get_title() for axes in panels] == ["float32", "float64"]


def test_runs_are_told_apart(tmp_path):
    here = write(tmp_path / "here" / "run.json", record(), cpu="Here's CPU", git_dirty=False)
    there = write(tmp_path / "there" / "run.json", record(seconds=LOOP), cpu="There's CPU")
    third = write(tmp_path / "there" / "other.json", record(outcome=AGREED))
    text = made(tmp_path / "out", here, there, third)
    assert row(text, "")[1:] == ["here/run", "there/run", "other"]
    machines = section(text, "Machines")
    assert row(machines, "CPU") == ["CPU", "Here's CPU", "There's CPU", "A CPU"]
    assert row(machines, "git commit")[1:3] == ["0123456789", "0123456789 + uncommitted changes"]
    assert [row(machines, name)[1] for name in ("affinity", "threads", "steps", "seed")] == ["0, 1", "1", "200", "7"]
    assert [row(machines, name)[1] for name in ("Python", "torch", "jax", "numpy")] == [
        "3.11.7",
        "2.13.0",
        "0.10.2",
        "2.4.6",
    ]
    times = section(text, "Iteration time")
    for run, time in (("here/run", "20.0 µs"), ("there/run", "5.00 µs")):
        assert time in times.split(f"**Run {run}: cpu")[1].split("**Run")[0]
        assert f"(iteration-time-{run.replace('/', '-')}-cpu-2000.png)" in times
    assert "**Run other: cpu (A CPU), float32, 2000 points, 200 steps**: nothing was timed." in times
    assert sorted(pd.read_csv(tmp_path / "out" / "tables" / "machines.csv")["run"]) == [
        "here/run",
        "other",
        "there/run",
    ]


def test_pictures_of_runs_with_like_names_do_not_overwrite_each_other(tmp_path):
    files = [write(tmp_path / f"{name}.json", record()) for name in ("a b", "a-b")]
    text = made(tmp_path / "out", *files)
    assert "(agreement-a-b-cpu-2000.png)" in text and "(agreement-a-b-cpu-2000-2.png)" in text


def test_nothing_timed(tmp_path):
    text = made(tmp_path / "out", write(tmp_path / "run.json", record(outcome=AGREED), record("nn", outcome=AGREED)))
    for title in ("Iteration time", "Speed against numpy"):
        assert section(text, title).count("nothing was timed.") == 1
        assert "|" not in section(text, title)
    assert not list((tmp_path / "out").glob("iteration-time*")) and not list((tmp_path / "out").glob("speedup*"))
    assert (tmp_path / "out" / "agreement-cpu-2000.png").exists()
    assert row(section(text, "Agreement"), "nn", "numpy")[4] == "6.0"


def test_nothing_right(tmp_path):
    text = made(tmp_path / "out", write(tmp_path / "run.json", record(outcome=FAILED, reason="a reason")))
    assert "no case came to agree" in section(text, "Agreement")
    assert row(section(text, "Cases not measured"), "run")[-1] == "reason"
    assert "a reason" in section(text, "Cases not measured")


def test_without_numpy_there_is_no_speed(tmp_path):
    text = made(tmp_path / "out", write(tmp_path / "run.json", record(backend="torch")))
    assert "`numpy` on the cpu was not timed in this run" in section(text, "Speed against numpy")
    assert "50.0" not in section(text, "Speed against numpy")


def test_one_step_is_enough_for_a_picture(tmp_path):
    short = record(steps=1, losses=[[1, 5.0]], exact_losses=[[1, 5.0]])
    made(tmp_path / "out", write(tmp_path / "run.json", short))
    assert (tmp_path / "out" / "loss-cpu-2000-float32.png").exists()


def test_same_run_same_files(tmp_path):
    run = write(tmp_path / "run.json", record())
    for name in ("one", "two"):
        made(tmp_path / name, run)
    for file in (tmp_path / "one").glob("*.*"):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_without_arguments_the_newest_run_is_reported_beside_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    old = write(Path("reports/zzz.json"), record("nn"))
    write(Path("reports/new.json"), record())
    os.utime(old, (1, 1))
    assert report.main([]) == 0
    assert str(Path("reports/new/report.md")) in capsys.readouterr().out
    assert "manual" in Path("reports/new/report.md").read_text(encoding="utf-8")


def foreign(path: Path) -> str:
    path.write_text('{"benchmarks": [{"name": "test_other", "extra_info": {}, "stats": {}}]}')
    return "of another project"


def missing(path: Path) -> str:
    return "cannot be read"


def truncated(path: Path) -> str:
    path.write_text(write(path, record()).read_text()[:500])
    return "truncated"


def binary(path: Path) -> str:
    path.write_bytes(b"\xff\xfe\x00")
    return "not text"


def untimed_yet_measured(path: Path) -> str:
    write(path, record(rounds=None))
    return "manual, numpy: measured, but its record is incomplete"


def twice(path: Path) -> str:
    write(path, record(), record())
    return "holds this case twice"


@pytest.mark.parametrize("spoil", [foreign, missing, truncated, binary, untimed_yet_measured, twice])
def test_bad_input_is_one_line_and_touches_nothing(spoil, tmp_path, capsys):
    good, bad = write(tmp_path / "good.json", record()), tmp_path / "bad.json"
    message, output = spoil(bad), tmp_path / "out"
    output.mkdir()
    (output / "report.md").write_text("what was there")
    assert report.main([str(good), str(bad), "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and message in error
    assert [path.name for path in output.iterdir()] == ["report.md"]
    assert (output / "report.md").read_text() == "what was there"


def test_the_same_file_twice_is_refused(tmp_path, capsys):
    run = str(write(tmp_path / "run.json", record()))
    assert report.main([run, run, "--output", str(tmp_path / "out")]) == 2
    assert "given twice" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["out", "out/tables", "out/report.md/x"])
def test_an_output_that_cannot_be_written(place, tmp_path, capsys):
    run = write(tmp_path / "run.json", record())
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("in the way")
    assert report.main([str(run), "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path / 'out'}: cannot be written") and error.count("\n") == 1
    assert (tmp_path / place).read_text() == "in the way"


def test_no_run_at_all(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert report.main([]) == 2
    assert capsys.readouterr().err.startswith("error: reports: no run to report")
    assert list(tmp_path.iterdir()) == []


# What is not there cannot be imported: a module that the import system finds, and that fails when it is asked for.
CHECK = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FRAMEWORKS!r}:
            print("asked for", name, file=sys.stderr)  # seen even where the error is caught
            raise ModuleNotFoundError(f"no module {{name}} here")

sys.meta_path.insert(0, Absent())
import importlib
sys.exit(importlib.import_module(sys.argv[1]).main(sys.argv[2:]))
"""


def without_frameworks(module: str, *words: object, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHECK, module, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(path)))}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def test_a_report_needs_no_framework(tmp_path):
    run = write(tmp_path / "run.json", record(), record("nn", "torch", seconds=TORCH))
    done = without_frameworks("bench.report", run, "--output", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "report.md").exists()


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_that_check_can_fail(framework, tmp_path):
    planted = f"try:\n    import {framework}.nn\nexcept ImportError:\n    pass\nfrom bench.report import main\n"
    (tmp_path / "planted.py").write_text(planted)
    done = without_frameworks("planted", tmp_path / "missing.json", path=tmp_path)
    assert done.stderr.startswith(f"asked for {framework}\nerror: ")
