"""Tables as readers see them: every figure in them has a source on this page."""

import pytest
from builders import record, rounds, run_of, start

from bench.cases.memory import REST
from bench.records.record import AGREED, Record, Sampling
from bench.records.rounds import PAGE_FAULTS
from bench.reporting import frames, tables
from reports import LOOP, NUMPY, SPACE, framed, jitted, paid, row


def test_what_ended_the_sampling():
    late = [start(0), start(1, warm=False)]
    frame = framed(
        record([NUMPY, NUMPY], processes=late, rounds=rounds([[1.0, *NUMPY]] * 2, warm_up=1)),
        record(backend="torch", sampling=Sampling("max-time", 0.25)),
        record(backend="jax", outcome=AGREED),
    )
    table = tables.listing(frame, tables.SAMPLING_TABLE, tables.measured)
    assert row(table, "manual", "numpy")[2:7] == ["2", "6", "2 (not over in 1)", "precision", "0.00 %"]
    # 10, 20 and 40 µs: exp(1.96 sqrt(pi / 6) 1.4826 log 2) - 1.
    assert row(table, "manual", "torch")[2:7] == ["1", "3", "0", "max-time", "330 %"]
    assert row(table, "manual", "jax")[2:] == [*["-"] * 6, "agreed [1]"]


def with_memory(backend: str, peak: float, predicted: float, faults: float) -> Record:
    """A record at 10 ms a step, but for its first round, a warm-up; sizes in MiB."""
    made = rounds([[1.0, 0.01, 0.01, 0.01]], warm_up=1, readings={PAGE_FAULTS: [1e6, faults, faults, 1e5]})
    sizes = {"data_peak_bytes": int(peak * 2**20), "data_predicted_bytes": int(predicted * 2**20)}
    return record([[0.01] * 3], backend=backend, rounds=made, **sizes)


def test_page_faults_that_rule_a_figure_and_memory_that_was_not_predicted_are_said():
    """At a microsecond a page, 2000 pages are a fifth of 10 ms, and 100 are a hundredth."""
    rest = REST / 2**20
    records = [
        with_memory("numpy", 500, 600, 0),
        with_memory("torch", 601 + rest, 600, 2100),
        with_memory("jax", 600 + rest, 600, 100),
        record(backend="jax-loop"),
    ]
    run = run_of("run.json", records, page_seconds=1e-6)
    table = tables.listing(frames.cases({"run": run}), tables.RESOURCE_TABLE)
    assert row(table, "manual", "numpy")[3:5] == ["500 MiB (predicted 600 MiB)", "0"]
    memory, faults = row(table, "manual", "torch")[3:5]
    assert memory.endswith(" (predicted 600 MiB, exceeded)") and faults == "2100: ruled by the allocator (21.0 %)"
    memory, faults = row(table, "manual", "jax")[3:5]
    assert memory.endswith(" (predicted 600 MiB)") and faults == "100"
    assert row(table, "manual", "jax-loop")[3:5] == ["-", "-"]
    older = frames.cases({"run": run_of("run.json", records)})
    assert row(tables.listing(older, tables.RESOURCE_TABLE), "manual", "torch")[4] == "2100"


def test_three_states_each_with_its_own_figures():
    frame = framed(jitted(("empty", 4.0), ("warm", 1.0), ("warm", 3.0)))
    table = tables.cold_start(frame)
    fresh = ["500 ms", "250 ms", "125 ms"]
    assert row(table, "manual", "jax", "empty")[3:] == ["1", *fresh, "4.00 s", "4.88 s"]
    # 0.875 s and the first call, of 1, 2 (their median) and 3 s.
    assert row(table, "manual", "jax", "warm")[3:] == ["2", *fresh, "2.00 s", "2.88 s (1.88 to 3.88)"]
    assert row(table, "manual", "jax", "steady")[3:8] == ["3", "-", "-", "10.0 µs", "30.0 µs"]
    data = frames.starts(frame).set_index("state")
    assert list(data.index) == ["empty", "warm", "steady"]
    assert list(data.loc["warm", ["total_seconds", "total_low", "total_high"]]) == [2.875, 1.875, 3.875]
    assert data.loc["steady", "total_seconds"] == pytest.approx(4e-5, rel=1e-12)
    assert list(data["state_processes"]) == [1, 2, 3]


@pytest.fixture(scope="module")
def break_even() -> tuple[str, str]:
    """The tables of empty and of warm caches."""
    empty, warm = tables.break_even(framed(*paid())).split("Caches empty:")[1].split("Caches warm:")
    return empty.replace(SPACE, " "), warm.replace(SPACE, " ")


def test_break_even_cold_and_warm(break_even):
    empty, warm = break_even
    titles = ["variant", "backend", *(f"against {name}" for name in ("numpy", "torch", "jax", "jax-loop"))]
    assert row(empty, "variant") == titles == row(warm, "variant")
    # (5 - 1) / (20 - 10) µs, (5 - 3) / (40 - 10) µs, and as dear as the loop, but slower.
    cells = row(empty, "manual", "jax")[2:]
    assert cells == ["400 000 (400 000 to 400 000)", "66 700 (66 700 to 66 700)", "-", "at once"]
    # (2 - 1) / (20 - 10) µs; cheaper than torch and faster; cheaper than the loop by 0.5 s, and 5 µs slower.
    cells = row(warm, "manual", "jax")[2:]
    assert cells == ["100 000 (100 000 to 100 000)", "at once", "-", "until 100 000 (100 000 to 100 000)"]
    assert "| numpy " not in empty + warm  # it has no row: nothing to pay back


def test_one_process_has_no_interval(break_even):
    # (5 - 1) / (20 - 5) µs, of one process with an empty cache; (2.5 - 1) / (20 - 5) µs of three with a warm one.
    empty, warm = break_even
    assert row(empty, "manual", "jax-loop")[2] == "267 000"
    assert row(warm, "manual", "jax-loop")[2] == "100 000 (100 000 to 100 000)"


def test_never_is_never():
    table = tables.break_even(framed(record(LOOP), jitted(("empty", 9.0), ("warm", 9.0))))
    assert row(table, "manual", "jax")[2] == "never"


def test_a_state_in_which_nothing_was_started_has_no_break_even():
    table = tables.break_even(framed(record(), jitted(("empty", 9.0), ("empty", 9.0))))
    assert table.endswith("\n\nCaches warm: no case that has something to pay back was started so.")
    assert row(table, "manual", "jax")


def test_the_baseline_is_named_where_there_is_no_ratio():
    frame = framed(record(variant="nn"), record(), record(backend="torch"), baseline="torch")
    table = tables.grid(frame, tables.speeds)
    assert row(table, "manual")[1:] == ["as fast", "baseline"]  # of one process no interval is known
    assert row(table, "nn")[1:] == ["no torch to compare with", "-"]
