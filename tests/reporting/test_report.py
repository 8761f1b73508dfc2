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
from matplotlib import colormaps, colors

import impls
from bench import report
from bench.backends import backends
from bench.records.record import AGREED, FAILED, MEASURED, NOT_REACHED, ROUND, SKIPPED, Record, load
from bench.reporting import canvas, cold_plots, frames, heatmaps, pairs, plots
from bench.statistics import cold

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = ("torch", "jax", "jaxlib", "autograd", "equinox", "optax")
NUMPY, TORCH, LOOP = [4e-5, 1e-5, 2e-5], [8e-5, 4e-5, 5e-5], [5e-6, 5e-6, 5e-6]  # medians: 20, 50 and 5 µs
EXACT = [[100, 700.0], [200, 10.0]]
FRESH = {"import_seconds": 0.5, "startup_seconds": 0.25, "build_seconds": 0.125, "first_call_seconds": 2.0}
STEADY = {"steady_build_seconds": 1e-5, "steady_call_seconds": 3e-5}


def process(number: int = 0, state: str | None = None, **changes) -> dict:
    """What a record keeps of one process."""
    told = {
        "process": number,
        "started": 1e9 + number,
        "cache_state": state,
        "cache_hits": None if state is None else 0,
    }
    return {**told, **FRESH, **STEADY, "warm_up_rounds": 0, "warm": True, **changes}


def rounds(processes: list[list[float]], warm_up: int = 0) -> dict[str, list]:
    """Columns of rounds, one in 0.2 s, of which each process makes so many before it is warm."""
    rows = [
        (number, turn, 0, 100.0 * number + 0.2 * turn, 20, seconds, seconds, 0.007, turn < warm_up)
        for number, each in enumerate(processes)
        for turn, seconds in enumerate(each)
    ]
    return {name: list(column) for name, column in zip(ROUND, zip(*rows, strict=True), strict=True)}


def record(variant="manual", backend="numpy", seconds=NUMPY, outcome=MEASURED, reason=None, **changes) -> dict:
    """A record as the runner makes it; one that is not right has no facts. seconds: of a process, or of each."""
    each = seconds if isinstance(seconds[0], list) else [seconds]
    facts = {
        "processes": [process(number) for number in range(len(each))],
        "device_name": "A CPU",
        "threads": 1,
        "cores": [1],
        "matmul_precision": "highest",
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
        facts |= {"rounds": rounds(each), "sampling": {"stopped": "precision", "half_width": 0.0125}}
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
        record(
            "nn", "torch", outcome=FAILED, reason=LEFT, processes=[process(build_seconds=0.777)], losses=[[100, 1.0]]
        ),
        record("nn", "jax", outcome=NOT_REACHED, reason="the run ended before it was measured and reported"),
    )
    return folder / "report", made(folder / "report", run)


# The bootstrap of three units takes the extremes of its resamples: its tails are corrected for so few of them.
def test_times_are_the_median_and_its_interval(holes):
    _, text = holes
    cells = row(section(text, "Iteration time"), "manual")
    assert cells == [
        "manual",
        "20.0 µs (10.0 to 40.0)",
        "50.0 µs (40.0 to 80.0)",
        "skipped [1]",
        "5.00 µs (5.00 to 5.00)",
    ]


def framed(folder: Path, *records: dict) -> pd.DataFrame:
    return frames.cases({"run": load(write(folder / "run.json", *records))})


def test_the_unit_is_the_process(tmp_path):
    # Medians 10, 20 and 60 µs: their median is 20, though that of all nine rounds is 30.
    processes = [[1e-5] * 3, [2e-5] * 3, [6e-5, 6e-5, 6e-5, 3e-5, 6e-5]]
    (found,) = framed(tmp_path, record(seconds=processes)).itertuples()
    assert (found.median_seconds, found.low_seconds, found.high_seconds) == (2e-5, 1e-5, 6e-5)
    assert (found.processes, found.rounds) == (3, 11)


def test_warm_up_enters_no_figure_and_stays_in_the_data(tmp_path):
    slow = [[0.5, 0.25, *each] for each in (NUMPY, NUMPY)]
    pair = [record(seconds=[NUMPY, NUMPY]), record(backend="torch", seconds=[TORCH, TORCH])]
    planted = {**pair[0], "rounds": rounds(slow, warm_up=2)}
    clean, warmed = framed(tmp_path / "a", *pair), framed(tmp_path / "b", planted, pair[1])
    same = [*frames.INTERVAL, "rounds", "processes"]
    assert warmed[same].equals(clean[same])
    assert list(warmed["warm_up_rounds"]) == [4, 0]
    # Had the warm-up entered, the median would be another: the fault that this test is there for can be seen.
    wrong = framed(tmp_path / "c", {**pair[0], "rounds": rounds(slow)}, pair[1])
    assert wrong["median_seconds"][0] == 4e-5 != clean["median_seconds"][0]
    data = frames.rounds(warmed)
    assert list(data.columns) == [*frames.KEYS, *ROUND]
    assert list(data.loc[data["warm_up"], "seconds"]) == [0.5, 0.25, 0.5, 0.25]


def test_what_ended_the_sampling(tmp_path):
    late = [process(0), process(1, warm=False)]
    text = made(
        tmp_path / "out",
        write(
            tmp_path / "run.json",
            record(seconds=[NUMPY, NUMPY], processes=late, rounds=rounds([[1.0, *NUMPY]] * 2, warm_up=1)),
            record(backend="torch", sampling={"stopped": "max-time", "half_width": 0.25}),
            record(backend="jax", outcome=AGREED),
        ),
    )
    table = section(text, "Sampling")
    assert row(table, "manual", "numpy")[2:7] == ["2", "6", "2 (not over in 1)", "precision", "1.25 %"]
    assert row(table, "manual", "torch")[2:7] == ["1", "3", "0", "max-time", "25.0 %"]
    assert row(table, "manual", "jax")[2:] == [*["-"] * 6, "agreed [1]"]


FAST, SLOW = [1e-5] * 20, [1.5e-5] * 20


@pytest.fixture(scope="module")
def modes(tmp_path_factory) -> tuple[pd.DataFrame, str]:
    """A case of which two processes are at 10 µs and two at 15, one whose every round may be either, and a drift."""
    folder = tmp_path_factory.mktemp("modes")
    mixed = [1e-5, 1.5e-5] * 10
    drift = [[1e-5 * 1.1**i] * 20 for i in range(5)]
    run = write(
        folder / "run.json",
        record(seconds=[FAST, SLOW, FAST, SLOW]),
        record(backend="torch", seconds=[mixed] * 4),
        record(backend="jax", seconds=drift),
    )
    return frames.cases({"run": load(run)}), made(folder / "out", run)


def test_an_unstable_case_is_marked_with_its_evidence_and_a_stable_one_is_not(modes):
    frame, text = modes
    evidence = "2 of 4 processes at 10.0 µs, 2 at 15.0 µs: 50 % apart"
    times = section(text, "Iteration time")
    numpy, torch, jax = row(times, "manual")[1:]
    assert numpy.endswith(", unstable [1]") and jax.endswith(", unstable [2]") and "unstable" not in torch
    assert f"- [1] unstable: {evidence}\n" in times and "- [2] unstable: drifts by +46 %" in times
    assert row(section(text, "Speed against numpy"), "manual")[1] == "baseline, unstable [1]"
    assert [row(section(text, "Sampling"), "manual", name)[7] for name in ("numpy", "torch")] == [evidence, "-"]
    assert list(frame["unstable_kind"].fillna("")) == ["modes", "", "drift"]
    assert (frame["mode_a_seconds"][0], frame["mode_b_seconds"][0]) == (1e-5, 1.5e-5)


@pytest.mark.parametrize("draw", [plots.iteration_time, plots.processes])
def test_pictures_show_both_modes_and_every_process(modes, draw):
    (axes,) = draw(modes[0]).axes
    scale = 1e-5 if draw is plots.iteration_time else None
    shaded = [patch.get_y() + 0.5 for patch in axes.patches if patch.get_gid() == "unstable"]
    assert shaded == pytest.approx([1, 3])  # numpy and jax, below the name of the variant
    words = [text.get_text() for text in axes.texts]
    assert "10.0 or 15.0 µs" in words and "10.0 to 14.6 µs" in words  # 1.1^4 = 1.4641
    drawn = {line.get_ydata()[0]: line.get_xdata() for line in axes.lines if line.get_gid() == "processes"}
    at = [1.0, 1.5, 1.0, 1.5]  # about their median, 1.25: -20 % and +20 %
    assert drawn[1] == pytest.approx([scale * one if scale else 100 * (one / 1.25 - 1) for one in at])


def test_the_heat_map_of_speed_says_what_is_unstable(modes):
    (axes, *_) = heatmaps.speedup(modes[0]).axes
    assert [text.get_text().endswith("unstable") for text in axes.texts] == [True, False, True]


def test_speed_is_paired_by_turn_and_says_which_way(holes):
    folder, text = holes
    # numpy over torch, turn by turn: 1/2, 1/4 and 2/5; over their-own: 8, 2 and 4.
    cells = row(section(text, "Speed against numpy"), "manual")
    assert cells == [
        "manual",
        "baseline",
        "2.50x slower (2.00 to 4.00)",
        "skipped [1]",
        "4.00x faster (2.00 to 8.00)",
    ]
    found = pd.read_csv(folder / "tables" / "speedup.csv").set_index(["variant", "backend"])
    assert list(found.loc[("manual", "torch"), frames.SPEEDUP]) == pytest.approx([0.4, 0.25, 0.5], rel=1e-12)
    assert list(found.loc[("manual", "their-own"), frames.SPEEDUP]) == pytest.approx([4, 2, 8], rel=1e-12)
    assert found.loc[("manual", "torch"), "shared_turns"] == 3
    assert row(section(text, "Speed against numpy"), "elsewhere")[-1] == "no numpy to compare with"


def test_drift_that_hits_both_alike_is_in_no_ratio(tmp_path):
    slower = [1.0, 3.0, 2.0, 5.0, 4.0]
    numpy, torch = ([one * pace for one in slower] for pace in (1e-5, 2e-5))
    frame = framed(tmp_path, record(seconds=numpy), record(backend="torch", seconds=torch))
    assert list(frame.loc[1, frames.SPEEDUP]) == pytest.approx([0.5, 0.5, 0.5], rel=1e-12)
    # Its turns shuffled, the medians are the same and the pairs are not.
    mixed = framed(tmp_path, record(seconds=numpy), record(backend="torch", seconds=torch[::-1]))
    assert mixed["median_seconds"].equals(frame["median_seconds"]) and mixed["speedup_low"][1] < 0.2


def test_without_shared_turns_a_ratio_has_no_interval(tmp_path):
    alone = rounds([TORCH])
    alone["turn"] = [turn + 100 for turn in alone["turn"]]
    frame = framed(
        tmp_path,
        record(),
        record(backend="torch", seconds=TORCH, rounds=alone),
        record(backend="jax", seconds=LOOP, device="cuda"),
    ).set_index("backend")
    for name, ratio in (("torch", 0.4), ("jax", 4.0)):
        assert frame.loc[name, "speedup"] == pytest.approx(ratio, rel=1e-12)
        assert frame.loc[name, ["speedup_low", "speedup_high"]].isna().all()
        assert frame.loc[name, "shared_turns"] == 0


def test_ratios_of_every_two_backends(tmp_path):
    frame = framed(tmp_path, record(), record(backend="torch", seconds=TORCH), record("nn", "torch"))
    found = pairs.ratios(frame).set_index(["variant", "backend", "other"])
    assert len(found) == 2  # the one of nn is alone
    assert found.loc[("manual", "torch", "numpy"), "ratio"] == pytest.approx(0.4, rel=1e-12)
    assert found.loc[("manual", "numpy", "torch"), ["ratio", "low", "high"]].tolist() == pytest.approx([2.5, 2, 4])


def test_cold_parts_add_up(holes):
    _, text = holes
    cells = row(section(text, "Cold start"), "manual", "torch", "no cache")
    assert cells[3:9] == ["1", "500 ms", "250 ms", "125 ms", "2.00 s", "2.88 s"]  # 2.875 s, to three digits


def jitted(*firsts: tuple[str, float], **changes) -> dict:
    """A record of processes, one for each state and duration of the first call, at 10 µs a step."""
    processes = [process(i, state, first_call_seconds=first) for i, (state, first) in enumerate(firsts)]
    return record(backend="jax", seconds=[[1e-5] * 3] * len(firsts), processes=processes, **changes)


def test_three_states_each_with_its_own_figures(tmp_path):
    case = jitted(("empty", 4.0), ("warm", 1.0), ("warm", 3.0))
    run = write(tmp_path / "run.json", case)
    table = section(made(tmp_path / "out", run), "Cold start")
    fresh = ["500 ms", "250 ms", "125 ms"]
    assert row(table, "manual", "jax", "empty")[3:] == ["1", *fresh, "4.00 s", "4.88 s"]
    # 0.875 s and the first call, of 1, 2 (their median) and 3 s.
    assert row(table, "manual", "jax", "warm")[3:] == ["2", *fresh, "2.00 s", "2.88 s (1.88 to 3.88)"]
    assert row(table, "manual", "jax", "steady")[3:8] == ["3", "-", "-", "10.0 µs", "30.0 µs"]
    data = pd.read_csv(tmp_path / "out" / "tables" / "cold-start.csv").set_index("state")
    assert list(data.index) == ["empty", "warm", "steady"]
    assert list(data.loc["warm", ["total_seconds", "total_low", "total_high"]]) == [2.875, 1.875, 3.875]
    assert data.loc["steady", "total_seconds"] == pytest.approx(4e-5, rel=1e-12)
    assert list(data["state_processes"]) == [1, 2, 3]


def test_the_total_is_the_median_of_totals(tmp_path):
    # The medians of the parts are 2 and 2.5, whose sum is 4.5; the totals are 4, 3 and 5.5.
    parts = [(1.0, 3.0), (2.0, 1.0), (3.0, 2.5)]
    processes = [
        process(i, import_seconds=0.0, startup_seconds=0.0, build_seconds=build, first_call_seconds=first)
        for i, (build, first) in enumerate(parts)
    ]
    (found, steady) = cold.starts(Record(**record(processes=processes)))
    assert (found.parts["build_seconds"], found.parts["first_call_seconds"]) == (2.0, 2.5)
    assert (found.total, found.low, found.high) == (4.0, 3.0, 5.5)
    assert steady.state == cold.STEADY


def test_cold_start_has_a_bar_for_each_state(tmp_path):
    figure = cold_plots.cold_start(framed(tmp_path, record(), jitted(("empty", 4.0), ("warm", 1.0))))
    numpy, jax = figure.axes
    assert [label.get_text() for label in numpy.get_yticklabels()] == ["manual"]
    assert [label.get_text() for label in jax.get_yticklabels()] == ["manual: empty", "manual: warm"]
    ends = {bar.get_y() + bar.get_height() / 2: bar.get_x() + bar.get_width() for bar in jax.patches}
    assert ends == pytest.approx({0.0: 4.875, 1.0: 1.875})


@pytest.fixture(scope="module")
def paid(tmp_path_factory) -> tuple[Path, pd.DataFrame, str]:
    """numpy starts in 1 s and steps in 20 µs; jax in 5 s (empty) or 2 s (warm), and steps in 10 µs; torch is dearer to
    start than numpy and slower than both; the loop starts like jax with an empty cache, and steps in 5 µs.
    """
    folder = tmp_path_factory.mktemp("paid")

    def case(backend: str, pace: float, *starts: tuple[str | None, float]) -> dict:
        nothing = dict.fromkeys(("import_seconds", "startup_seconds", "build_seconds"), 0.0)
        processes = [process(i, state, **nothing, first_call_seconds=total) for i, (state, total) in enumerate(starts)]
        return record(backend=backend, seconds=[[pace] * 3] * len(starts), processes=processes)

    run = write(
        folder / "run.json",
        case("numpy", 2e-5, *[(None, 1.0)] * 4),
        case("torch", 4e-5, *[(None, 3.0)] * 4),
        case("jax", 1e-5, *[("empty", 5.0)] * 2, *[("warm", 2.0)] * 2),
        case("jax-loop", 5e-6, ("empty", 5.0), *[("warm", 2.5)] * 3),
    )
    return folder / "out", frames.cases({"run": load(run)}), made(folder / "out", run)


SPACE = "\u00a0"


def test_break_even_cold_and_warm(paid):
    _, _, text = paid
    empty, warm = section(text, "Break-even").split("Caches empty:")[1].split("Caches warm:")
    titles = ["variant", "backend", *(f"against {name}" for name in ("numpy", "torch", "jax", "jax-loop"))]
    assert row(empty, "variant") == titles == row(warm, "variant")
    # (5 - 1) / (20 - 10) µs, (5 - 3) / (40 - 10) µs, and as dear as the loop, but slower.
    cells = [cell.replace(SPACE, " ") for cell in row(empty, "manual", "jax")[2:]]
    assert cells == ["400 000 (400 000 to 400 000)", "66 700 (66 700 to 66 700)", "-", "at once"]
    # (2 - 1) / (20 - 10) µs; cheaper than torch and faster; cheaper than the loop by 0.5 s, and 5 µs slower.
    cells = [cell.replace(SPACE, " ") for cell in row(warm, "manual", "jax")[2:]]
    assert cells == ["100 000 (100 000 to 100 000)", "at once", "-", "until 100 000 (100 000 to 100 000)"]


def test_one_process_has_no_interval(paid):
    # (5 - 1) / (20 - 5) µs, of one process with an empty cache; (2.5 - 1) / (20 - 5) µs of three with a warm one.
    empty, warm = section(paid[2], "Break-even").split("Caches empty:")[1].split("Caches warm:")
    assert row(empty, "manual", "jax-loop")[2].replace(SPACE, " ") == "267 000"
    assert row(warm, "manual", "jax-loop")[2].replace(SPACE, " ") == "100 000 (100 000 to 100 000)"


def test_break_even_of_every_two_is_in_the_data(paid):
    folder, _, text = paid
    found = pd.read_csv(folder / "tables" / "break-even.csv").set_index(["backend", "other", "state"])
    assert len(found) == 4 * 3 * 2
    assert found.loc[("jax", "numpy", "empty"), "iterations"] == pytest.approx(4e5, rel=1e-9)
    assert found.loc[("numpy", "jax", "empty"), ["cheaper", "pays_back"]].tolist() == ["before", False]
    assert found.loc[("torch", "numpy", "warm"), "iterations"] == np.inf
    assert not found["pays_back"]["numpy"].any() and not found["pays_back"]["torch"].any()
    assert "| numpy " not in section(text, "Break-even")  # it has no row: nothing to pay back


def test_a_dear_start_without_a_cache_is_paid_back_too(tmp_path):
    dear = [process(i, first_call_seconds=7.0) for i in range(2)]
    frame = framed(
        tmp_path, record(seconds=[[2e-5] * 3] * 2), record(backend="torch", seconds=[[1e-5] * 3] * 2, processes=dear)
    )
    found = pairs.break_evens(frame).set_index(["backend", "state"])
    assert found.loc[("torch", "empty"), "iterations"] == pytest.approx(5 / 1e-5, rel=1e-9)
    assert found["pays_back"]["torch"].all() and not found["pays_back"]["numpy"].any()


def test_never_is_never(tmp_path):
    slow = jitted(("empty", 9.0), ("warm", 9.0))
    text = made(tmp_path / "out", write(tmp_path / "run.json", record(seconds=LOOP), slow))
    assert row(section(text, "Break-even"), "manual", "jax")[2] == "never"


def test_a_state_in_which_nothing_was_started_has_no_break_even(tmp_path):
    text = made(tmp_path / "out", write(tmp_path / "run.json", record(), jitted(("empty", 9.0), ("empty", 9.0))))
    assert "Caches warm: no case" in section(text, "Break-even")


def test_lines_cross_at_the_break_even_and_the_strips_change_there(paid):
    (axes,) = cold_plots.break_even(paid[1]).axes
    totals = {(line.get_color(), line.get_linestyle()): line.get_data() for line in axes.lines}
    looks = canvas.styles(paid[1])
    x, numpy = totals[looks["numpy"]["color"], "-"]
    _, jax = totals[looks["jax"]["color"], "-"]
    assert np.interp(0, numpy - jax, x) == pytest.approx(4e5, rel=0.05)
    assert (looks["numpy"]["color"], "--") not in totals  # no cache: the warm start is the cold one
    # Cold, numpy costs the least until the loop does, from (5 - 1) / (20 - 5) µs on.
    numpy_strip, loop_strip, *_ = axes.patches
    assert numpy_strip.get_facecolor()[:3] == colors.to_rgb(looks["numpy"]["color"])
    assert loop_strip.get_facecolor()[:3] == colors.to_rgb(looks["jax-loop"]["color"])
    assert loop_strip.get_x() == pytest.approx(4 / 1.5e-5, rel=2 * (x[1] / x[0] - 1))


@pytest.mark.parametrize("states", [("empty",), ("empty", "warm")])
def test_the_legend_names_the_states_that_are_drawn(states, tmp_path):
    path = write(tmp_path / "run.json", record(), jitted(*((state, 9.0) for state in states)))
    legend = cold_plots.break_even(frames.cases({"run": load(path)})).legends[0]
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["numpy", "jax", *(f"{state} caches" for state in states)]


def test_break_even_needs_something_timed(tmp_path):
    text = made(tmp_path / "out", write(tmp_path / "run.json", record(outcome=AGREED)))
    assert "nothing was timed." in section(text, "Break-even")


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
    assert len(starts) == 1 and starts[list(cold.PARTS)].isna().all(axis=None)
    assert "777" not in text
    assert pd.read_csv(folder / "tables" / "losses.csv").query("variant == 'nn'")["backend"].unique() == ["numpy"]


def test_csv_keeps_every_digit(tmp_path):
    third = 1e-5 / 3
    made(tmp_path / "out", write(tmp_path / "run.json", record(seconds=[third] * 3)))
    times, made_rounds = (
        pd.read_csv(tmp_path / f"out/tables/{name}.csv", dtype=str) for name in ("iteration-time", "rounds")
    )
    assert float(times["median_seconds"][0]) == third
    columns = [*frames.INTERVAL, *frames.SAMPLING, *frames.STABILITY]
    assert list(times.columns) == [*frames.KEYS, "outcome", "reason", *columns, "steps", "seed"]
    assert [float(one) for one in made_rounds["seconds"]] == [third] * 3


def test_every_link_leads_to_a_file_and_every_picture_shows_something(holes):
    folder, text = holes
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert {f"tables/{path.name}" for path in (folder / "tables").iterdir()} == {
        one for one in links if one[-4:] == ".csv"
    }
    names = {Path(one).stem for one in links if one[-4:] == ".png"}
    case = "cpu-2000"
    kinds = {"iteration-time", "processes", "speedup", "cold-start", "break-even", "agreement"}
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
        line.get_ydata()[0]: (line.get_color(), line.get_marker()) for line in axes.lines if line.get_gid() == "median"
    }
    looks = [medians[y] for y in range(1, len(names) + 1)]
    assert len(set(looks)) == len(names)
    assert len({colour for colour, _ in looks}) == min(len(names), len(canvas.COLOURS))


def test_colours_repeat_only_with_another_marker(tmp_path):
    names = [f"backend-{i:02}" for i in range(2 * len(canvas.COLOURS))]
    frame = frames.cases({"run": load(write(tmp_path / "run.json", *(record(backend=name) for name in names)))})
    lines = [line for line in plots.iteration_time(frame).axes[0].lines if line.get_gid() == "median"]
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
    assert [text.get_text() for text in axes.texts] == [
        "baseline",
        "as fast\n(1.00 to 1.00)",
        "4.00x faster\n(2.00 to 8.00)",
    ]


def test_holes_are_written_into_pictures(tmp_path):
    run = write(
        tmp_path / "run.json",
        record(),
        record("nn", "numpy"),
        record(backend="jax", outcome=SKIPPED, reason="jax not installed"),
    )
    frame = frames.cases({"run": load(run)})
    for draw in (plots.iteration_time, plots.processes, heatmaps.speedup, cold_plots.cold_start, heatmaps.digits):
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


def test_runs_that_were_not_alone_are_warned_of(tmp_path):
    alone = write(tmp_path / "alone.json", record(outcome=FAILED), other_runs=[])
    beside = write(tmp_path / "beside.json", record(outcome=FAILED), other_runs=[4242, 4243])
    text = made(tmp_path / "out", alone, beside)
    top = text.split("## Machines")[0]
    assert "**Warning: 2 other runs of fitbench went on at the same time as beside (pid 4242, 4243)" in top
    assert top.count("Warning") == 1
    assert row(section(text, "Machines"), "other runs") == ["other runs", "-", "pid 4242, pid 4243"]


def test_environment_and_side_are_told(tmp_path):
    about = {"environment": {"XLA_FLAGS": "--a=1", "OMP_NUM_THREADS": "1"}}
    about["comparison"] = {"id": "abc", "side": "b", "spec": "XLA_FLAGS=--a=1"}
    machines = section(
        made(tmp_path / "out", write(tmp_path / "run.json", record(outcome=FAILED), **about)), "Machines"
    )
    assert row(machines, "environment")[1] == "XLA_FLAGS=--a=1, OMP_NUM_THREADS=1"
    assert row(machines, "A/B side")[1] == "b: XLA_FLAGS=--a=1" and row(machines, "A/B comparison")[1] == "abc"


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


def never_warm(path: Path) -> str:
    write(path, record(rounds=rounds([NUMPY], warm_up=3)))
    return "manual, numpy: measured, but its record is incomplete ('rounds after the warm-up')"


def half_a_process(path: Path) -> str:
    write(path, record(processes=[{"process": 0, "cache_state": None}]))
    return "its record is incomplete"


def unheard_of_state(path: Path) -> str:
    write(path, record(processes=[process(state="lukewarm")]))
    return "cache_state 'lukewarm'"


def twice(path: Path) -> str:
    write(path, record(), record())
    return "holds this case twice"


SPOILT = [
    *(foreign, missing, truncated, binary, twice),
    *(untimed_yet_measured, never_warm, half_a_process, unheard_of_state),
]


@pytest.mark.parametrize("spoil", SPOILT)
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
