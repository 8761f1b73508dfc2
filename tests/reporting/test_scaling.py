"""How cost grows, what the machine allows and what threads bring, as the report shows them."""

import math

import pandas as pd
import pytest
from builders import record, rounds, run_of, write

from bench.records.record import Comparison, Record
from bench.reporting import frames, growth_plots, heatmaps, threads
from reports import framed, made, render_nothing, row, section

SIZES = (100, 1000, 10_000, 100_000)
CACHES = {"L2": 2**20}


@pytest.fixture(autouse=True)
def _nothing_is_rendered(monkeypatch):
    render_nothing(monkeypatch)


def grown(overhead: float, per_point: float, sizes=SIZES, **axes) -> list[Record]:
    return [record([[overhead + per_point * size] * 3] * 2, points=size, **axes) for size in sizes]


def yardstick(seconds: float, read: float, **axes) -> Record:
    """`native` of `tuned`, which takes so long for a step and to read its data."""
    made = rounds([[seconds] * 3] * 2, readings={"read_seconds": [read] * 6})
    return record([[seconds] * 3] * 2, rounds=made, **{"variant": "tuned", "backend": "native", **axes})


def crossing() -> list[Record]:
    """1 us and 1 ns a point against 11 us and half a ns: equal at 20,000 points."""
    return [*grown(1e-6, 1e-9), *grown(11e-6, 5e-10, backend="torch")]


def test_overhead_time_per_point_and_crossover_are_told_and_written(tmp_path):
    text = made(tmp_path / "out", write(tmp_path / "run.json", crossing(), caches=CACHES))
    told = section(text, "How cost grows")
    assert "growth-cpu.png" in told
    assert row(told, "variant", "backend")[2:] == ["fixed overhead", "a point in L2", "arrays"]
    assert row(told, "manual", "numpy")[2].startswith("1.00 µs (") and row(told, "manual", "numpy")[3].startswith(
        "1.00 ns ("
    )
    assert row(told, "manual", "torch")[2].startswith("11.0 µs (") and row(told, "manual", "torch")[3].startswith(
        "0.500 ns ("
    )
    assert row(told, "variant", "points")[2:] == ["faster up to there", "faster from there on"]
    found = pd.read_csv(tmp_path / "out" / "tables" / "crossovers.csv").iloc[0]
    assert (found["backend"], found["other"]) == ("numpy", "torch")
    assert found["crossover_points"] == pytest.approx(20_000, rel=0.05)
    data = pd.read_csv(tmp_path / "out" / "tables" / "growth.csv").set_index("backend")
    assert data.loc["numpy", "overhead_seconds"] == pytest.approx(1e-6, rel=0.01)
    assert data.loc["torch", "point_seconds"] == pytest.approx(5e-10, rel=0.01)
    assert (data["sizes"].tolist(), data["most_points"].tolist()) == ([4, 4], [100_000, 100_000])


@pytest.mark.parametrize(
    ("sizes", "said"), [((100,), None), ((100, 1000), "no case was timed at 3 sizes or more: --points takes several.")]
)
def test_few_sizes_have_no_line(sizes, said, tmp_path):
    text = made(tmp_path / "out", write(tmp_path / "run.json", grown(1e-6, 1e-9, sizes)))
    assert ("## How cost grows" in text) == (said is not None)
    assert said is None or said in section(text, "How cost grows")


def test_the_picture_holds_figures_lines_roofline_and_caches():
    readers = [yardstick(1e-9 * size, 5e-10 * size, points=size) for size in SIZES]
    frame = frames.cases({"run": run_of("run.json", [*crossing(), *readers], caches={"L2": 2**17})})
    manual, tuned = (axes for axes in growth_plots.growth(frame).axes if axes.get_visible())
    assert (manual.get_title("left"), tuned.get_title("left")) == ("manual, float32", "tuned, float32")
    assert [line.get_gid() for line in manual.lines].count("fitted") == 2
    (roof,) = (line for line in manual.lines if line.get_gid() == "roofline")
    assert roof.get_xdata().tolist() == [*SIZES]
    assert roof.get_ydata().tolist() == pytest.approx([5e-10 * size for size in SIZES])
    (cache,) = (line for line in manual.lines if line.get_gid() == "cache")
    assert cache.get_xdata()[0] == 2**17 / 8  # x and y of float32


def test_a_case_that_failed_at_a_size_is_drawn_at_the_others():
    records = [
        *crossing()[:3],
        record(points=100_000, outcome="failed", reason="late"),
        *grown(1e-6, 1e-9, (100, 1000), backend="torch"),
    ]
    (axes,) = growth_plots.growth(framed(*records)).axes
    assert [line.get_gid() for line in axes.lines].count("fitted") == 1  # two sizes have none


def multiples_of(*records: Record, **words) -> pd.DataFrame:
    return framed(*records, **words).set_index(["variant", "backend"])


def test_every_case_is_a_multiple_of_the_yardstick_and_of_the_roofline():
    """Of 20 us against 2 us, whose data are read in 1 us."""
    found = multiples_of(record([[2e-5] * 3] * 2), yardstick(2e-6, 1e-6)).loc[("manual", "numpy")]
    assert (found.native_multiple, found.roofline_multiple) == pytest.approx((10, 20))
    assert found.native_multiple_low <= found.native_multiple <= found.native_multiple_high
    assert found.roofline_seconds == pytest.approx(1e-6)


def test_multiples_are_of_the_same_size_dtype_and_device():
    others = [
        yardstick(2e-6, 1e-6, points=1000),
        yardstick(2e-6, 1e-6, dtype="float64"),
        yardstick(2e-6, 1e-6, device="cuda"),
    ]
    frame = framed(record(), *others)
    assert math.isnan(frame[frame["variant"] == "manual"]["native_multiple"].iloc[0])


def test_the_table_names_multiples_and_bandwidth(tmp_path):
    """8 B a point are 16 kB of 2000 points: in 1 us that is 16 GB/s."""
    text = made(tmp_path / "out", write(tmp_path / "run.json", [record([[2e-5] * 3] * 2), yardstick(2e-6, 1e-6)]))
    told = section(text, "Against the machine")
    assert "Roofline: 15.6 KiB read at 16.0 GB/s in 1.00 µs." in told
    assert row(told, "manual")[1].startswith("10.0x native (") and row(told, "manual")[1].endswith("), 20.0x roofline")
    assert row(told, "tuned")[2] == "yardstick, 2.00x roofline"
    assert "## Against the machine" not in made(tmp_path / "none", write(tmp_path / "none.json", [record()]))


def test_the_yardstick_may_be_the_baseline_of_every_variant():
    records = [record([[2e-5] * 3] * 2), record([[4e-6] * 3] * 2, variant="tuned"), yardstick(2e-6, 1e-6)]
    found = multiples_of(*records, baseline="native")
    assert found["speedup"].tolist() == pytest.approx([0.1, 0.5, 1.0])
    assert found["baseline_variant"].tolist() == ["tuned"] * 3
    assert found["shared_processes"].tolist() == [0, 2, 2]
    title = heatmaps.speedup(found.reset_index()).get_suptitle()
    assert "native on the cpu, of the same variant or of tuned, with" in title
    assert found.loc[("manual", "numpy"), "speedup_low"] < 0.1 < found.loc[("manual", "numpy"), "speedup_high"]


def test_a_variant_that_has_the_baseline_is_compared_with_its_own():
    records = [
        record([[2e-5] * 3] * 2),
        record([[1e-6] * 3] * 2, variant="tuned"),
        record([[1e-5] * 3] * 2, backend="torch"),
    ]
    found = multiples_of(*records)
    assert found.loc[("manual", "torch"), ["speedup", "baseline_variant"]].tolist() == [pytest.approx(2), "manual"]


def threaded(*machines: dict) -> pd.DataFrame:
    """A frame of two runs, whose processes differ by 10 %: of 20 us with one thread, and of 10 with two."""
    runs = {}
    for number, machine in enumerate(machines or ({}, {}), 1):
        one = record([[2e-5 / number * (1 + 0.1 * process)] * 3 for process in range(4)], threads=number)
        runs[f"{number}"] = run_of(f"{number}.json", [one], **machine)
    return frames.cases(runs).set_index("run")


def test_the_speedup_by_threads_is_relative_to_the_fewest():
    found = threaded()
    assert found["thread_speedup"].tolist() == pytest.approx([1, 2])
    assert found.loc["2", "thread_speedup_low"] < 2 < found.loc["2", "thread_speedup_high"]
    assert found.loc["2", ["fewest_threads", "fewest_run"]].tolist() == [1, "1"]


@pytest.mark.parametrize("machine", [{"cpu": "Another"}, {"code": "another"}, {"python": "3.13"}])
def test_runs_that_differ_in_more_than_threads_are_not_compared(machine):
    found = threaded({}, machine)
    assert found["thread_speedup"].isna().all()
    assert not threads.SECTION.wanted(found)


def test_sides_of_one_run_are_paired_by_process():
    """Processes that differ by 10 % as a whole say the same of the ratio: the interval is as good as none."""
    found = threaded(*({"comparison": Comparison("x", name, ".")} for name in "ab")).loc["2"]
    assert found.thread_speedup == pytest.approx(2)
    assert found.thread_speedup_high / found.thread_speedup_low < 1.001


def test_one_side_given_twice_says_nothing_of_threads():
    assert threaded(*[{"comparison": Comparison("x", "a", ".")}] * 2)["thread_speedup"].isna().all()


def test_the_report_has_a_section_of_threads_where_they_differ(tmp_path):
    files = [write(tmp_path / f"{n}.json", [record([[2e-5 / n] * 3] * 2, threads=n)]) for n in (1, 2)]
    told = section(made(tmp_path / "out", *files), "Threads")
    assert "Runs 1, 2: cpu" in told
    assert row(told, "variant")[2:] == ["1 thread", "2 threads"]
    assert row(told, "manual")[2] == "20.0 µs" and row(told, "manual")[3].startswith("2.00x faster (")
    assert "## Threads" not in made(tmp_path / "one", files[0])
