"""The frame of cases: every figure in it has a source on this page."""

import numpy as np
import pandas as pd
import pytest
from builders import record, rounds

import impls
from bench.records.rounds import COLUMNS
from bench.reporting import frames
from reports import LOOP, NUMPY, TORCH, framed, modes


def test_the_unit_is_the_process():
    # Medians 10, 20 and 60 µs: their median is 20, though that of all eleven rounds is 30.
    (found,) = framed(record([[1e-5] * 3, [2e-5] * 3, [6e-5, 6e-5, 6e-5, 3e-5, 6e-5]])).itertuples()
    assert (found.median_seconds, found.low_seconds, found.high_seconds) == (2e-5, 1e-5, 6e-5)
    assert (found.processes, found.rounds) == (3, 11)


def test_warm_up_enters_no_figure_and_stays_in_the_data():
    slow = [[0.5, 0.25, *each] for each in (NUMPY, NUMPY)]
    torch = record([TORCH, TORCH], backend="torch")
    clean = framed(record([NUMPY, NUMPY]), torch)
    warmed = framed(record([NUMPY, NUMPY], rounds=rounds(slow, warm_up=2)), torch)
    same = [*frames.INTERVAL, "rounds", "processes"]
    assert warmed[same].equals(clean[same])
    assert list(warmed["warm_up_rounds"]) == [4, 0]
    # Had the warm-up entered, the median would be another: the fault that this test is there for can be seen.
    wrong = framed(record([NUMPY, NUMPY], rounds=rounds(slow)), torch)
    assert wrong["median_seconds"][0] == 4e-5 != clean["median_seconds"][0]
    data = frames.rounds(warmed)
    assert list(data.columns) == [*frames.KEYS, *COLUMNS]
    assert list(data.loc[data["warm_up"], "seconds"]) == [0.5, 0.25, 0.5, 0.25]


def test_what_is_unstable_has_its_kind_its_figures_and_its_evidence():
    frame = framed(*modes())
    assert list(frame["unstable_kind"].fillna("")) == ["modes", "", "drift"]
    assert (frame["mode_a_seconds"][0], frame["mode_b_seconds"][0]) == (1e-5, 1.5e-5)
    assert frame["unstable"][0] == "2 of 4 processes at 10.0 µs, 2 at 15.0 µs: 50 % apart"
    assert frame["unstable"][2].startswith("drifts by +46 % from the first process to the last")  # 1.1^4 = 1.4641


@pytest.mark.parametrize(
    ("levels", "evidence"),
    [
        ([15.0, 12.0, 15.0, 12.0, 15.0], "2 of 5 processes at 12.0 µs, 3 at 15.0 µs: 25 % apart"),
        # Five in order: tau is 1, in 2 of 120 orders, up or down.
        (
            [10.0, 10.2, 10.4, 10.6, 10.8],
            "drifts by +8.0 % from the first process to the last (Kendall's tau 1, p 0.017)",
        ),
        (
            [10.8, 10.6, 10.4, 10.2, 10.0],
            "drifts by -7.4 % from the first process to the last (Kendall's tau -1, p 0.017)",
        ),
    ],
)
def test_the_evidence_against_a_figure_is_told_in_words(levels, evidence):
    quiet = np.array(levels)[:, None] * (1 + 0.001 * np.linspace(-1, 1, 61)) * 1e-6
    assert list(framed(record(quiet))["unstable"]) == [evidence]


def test_drift_that_hits_both_alike_is_in_no_ratio():
    slower = [1.0, 3.0, 2.0, 5.0, 4.0]
    numpy, torch = ([one * pace for one in slower] for pace in (1e-5, 2e-5))
    frame = framed(record(numpy), record(torch, backend="torch"))
    assert list(frame.loc[1, frames.SPEEDUP]) == pytest.approx([0.5, 0.5, 0.5], rel=1e-12)
    # Its turns shuffled, the medians are the same and the pairs are not.
    mixed = framed(record(numpy), record(torch[::-1], backend="torch"))
    assert mixed["median_seconds"].equals(frame["median_seconds"]) and mixed["speedup_low"][1] < 0.2


def test_without_shared_turns_a_ratio_has_no_interval():
    frame = framed(
        record(),
        record(TORCH, backend="torch", rounds=rounds([TORCH], turn=[100, 101, 102])),
        record(LOOP, backend="jax", device="cuda"),
    ).set_index("backend")
    for name, ratio in (("torch", 0.4), ("jax", 4.0)):
        assert frame.loc[name, "speedup"] == pytest.approx(ratio, rel=1e-12)
        assert frame.loc[name, ["speedup_low", "speedup_high"]].isna().all()
        assert frame.loc[name, "shared_turns"] == 0


def test_ratios_to_another_baseline_are_the_inverse():
    records = [record(), record(TORCH, backend="torch"), record(LOOP, backend="jax")]
    to_numpy, to_torch = (framed(*records, baseline=name).set_index("backend") for name in ("numpy", "torch"))
    # torch over numpy, turn by turn: 2, 4 and 5/2.
    assert list(to_torch.loc["numpy", frames.SPEEDUP]) == pytest.approx([2.5, 2, 4], rel=1e-12)
    assert list(to_torch.loc["numpy", frames.SPEEDUP]) == pytest.approx(
        [1 / to_numpy.loc["torch", name] for name in ("speedup", "speedup_high", "speedup_low")], rel=1e-12
    )
    assert list(to_torch.loc["torch", frames.SPEEDUP]) == [1, 1, 1]
    assert list(to_torch.loc["jax", frames.SPEEDUP]) == pytest.approx([10, 8, 16], rel=1e-12)
    assert set(to_torch["baseline"]) == {"torch"} and set(to_numpy["baseline"]) == {"numpy"}
    assert to_torch["baseline_seconds"].tolist() == [5e-5] * 3
    usual = framed(*records).set_index("backend")
    assert usual[["baseline", *frames.SPEEDUP]].equals(to_numpy[["baseline", *frames.SPEEDUP]])


def test_a_baseline_is_of_the_cpu_and_of_the_same_axes():
    frame = framed(
        record(device="cuda"),
        record(TORCH, backend="torch", device="cuda"),
        record(TORCH, backend="torch", points=4000),
        record(points=4000),
        baseline="torch",
    )
    told = frame.set_index(["points", "device", "backend"])["speedup"]
    assert told[2000].isna().all()  # there, torch is on a device of its own
    assert told[4000, "cpu", "numpy"] == pytest.approx(2.5, rel=1e-12)


def test_variants_are_ordered_as_they_teach():
    frame = framed(*(record(variant=name) for name in reversed(impls.variants())))
    assert list(frame["variant"]) == list(impls.variants())


def test_the_estimate_of_a_record_is_the_row_of_the_frame():
    """Whoever reads the JSON alone reads what the report shows: the same function makes both."""
    frame = framed(*modes())
    assert list(frame["unstable_kind"].dropna()) == ["modes", "drift"]
    for row in frame.itertuples():
        told = row.record.estimate
        assert (told.seconds, told.low, told.high) == (row.median_seconds, row.low_seconds, row.high_seconds)
        assert told.unstable == (not pd.isna(row.unstable))
        if told.unstable:
            assert (told.unstable_kind, told.modes) == (row.unstable_kind, (row.mode_a_seconds, row.mode_b_seconds))
        assert told.seconds == np.median(told.process_seconds)
