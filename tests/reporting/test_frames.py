"""The frame of cases: every figure in it has a source on this page."""

import msgspec
import numpy as np
import pandas as pd
import pytest
from builders import record, rounds
from scipy import stats

import impls
from bench.records.record import Record
from bench.records.rounds import COLUMNS
from bench.reporting import frames
from bench.statistics.estimate import estimated
from bench.support.controls import CONTROLS, CORE, MEMORY
from reports import LOOP, NUMPY, TORCH, framed, modes


def test_the_unit_is_the_process():
    # Medians 10, 20 and 60 µs: their mean is 30, and their median 20, though that of all eleven rounds is 30.
    own = np.array([1e-5, 2e-5, 6e-5])
    (found,) = framed(record([[1e-5] * 3, [2e-5] * 3, [6e-5, 6e-5, 6e-5, 3e-5, 6e-5]])).itertuples()
    assert (found.processes, found.rounds) == (3, 11)
    assert found.seconds == pytest.approx(3e-5, rel=1e-12) and list(found.paces) == pytest.approx(list(own), rel=1e-12)
    # Student's interval of the logs of three processes, about the log of the mean.
    reach = stats.t.ppf(0.975, 2) * np.log(own).std(ddof=1) / np.sqrt(3)
    ends = [3e-5 * np.exp(-reach), 3e-5 * np.exp(reach)]
    assert [found.low_seconds, found.high_seconds] == pytest.approx(ends, rel=1e-12)
    raw = [found.raw_seconds, found.raw_low_seconds, found.raw_high_seconds, found.raw_half_width]
    assert raw == pytest.approx([2e-5, 1e-5, 6e-5, 2], rel=1e-12)  # (60 - 20) / 20


def test_of_one_process_the_interval_is_its_own_rounds():
    (found,) = framed(record(NUMPY)).itertuples()
    # 10, 20 and 40 µs: the median of the absolute deviations of the logs is log 2.
    reach = 1.959964 * np.sqrt(np.pi / 2 / 3) * 1.4826 * np.log(2)
    ends = [2e-5 * np.exp(-reach), 2e-5, 2e-5 * np.exp(reach)]
    assert [found.low_seconds, found.seconds, found.high_seconds] == pytest.approx(ends, rel=1e-6)


def restless(random: np.random.Generator, levels: list[float], loading: float = 1.0) -> Record:
    """Processes of 40 turns, in each of which the core is up to twice as slow, and the rounds that to the loading."""
    slow = random.uniform(1, 2, (len(levels), 40))
    made = rounds((np.array(levels)[:, None] * slow**loading).tolist())
    states = {name: (0.0005 * slow.ravel()).tolist() for name in CORE} | dict.fromkeys(MEMORY, [0.001] * slow.size)
    return record(levels, rounds=msgspec.structs.replace(made, controls=states))


def test_the_figure_is_net_of_the_machine_at_its_quiet_state():
    """What is planted comes back: with a loading of 1 nothing but the machine moves the rounds."""
    (found,) = framed(restless(np.random.default_rng(1), [1e-5] * 4)).itertuples()
    quiet = np.quantile(np.concatenate([found.model.turns[i].state[:, 0] for i in range(4)]), 0.25)
    slow = np.exp(quiet + np.log(found.record.rounds.seconds[0] / 1e-5) - found.model.turns[0].state[0, 0])
    assert found.seconds == pytest.approx(1e-5 * slow, rel=1e-9)  # as slow as a quarter of the turns undercut
    assert 1.15 < slow < 1.35 < found.raw_seconds / 1e-5 < 1.65
    assert found.core_loading == 1 and np.isnan(found.memory_loading) and found.raw_half_width > 5 * found.half_width


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
    assert wrong["seconds"][0] == pytest.approx(4e-5, rel=1e-12) != clean["seconds"][0]
    data = frames.rounds(warmed)
    assert list(data.columns) == [*frames.KEYS, *COLUMNS, *CONTROLS]
    assert list(data.loc[data["warm_up"], "seconds"]) == [0.5, 0.25, 0.5, 0.25]


def test_what_is_unstable_has_its_kind_its_figures_and_its_evidence():
    frame = framed(*modes())
    assert list(frame["unstable_kind"].astype(object).fillna("")) == ["modes", "", "drift"]
    assert [frame["mode_a_seconds"][0], frame["mode_b_seconds"][0]] == pytest.approx([1e-5, 1.5e-5], rel=1e-12)
    assert frame["unstable"][0] == "2 of 4 processes at 10.0 µs, 2 at 15.0 µs: 50 % apart"
    assert frame["unstable"][2].startswith("drifts by +46 % from the first process to the last")  # 1.1^4 = 1.4641


@pytest.mark.parametrize(
    ("levels", "evidence"),
    [
        ([15.0, 12.0, 15.0, 12.0, 15.0], "2 of 5 processes at 12.0 µs, 3 at 15.0 µs: 25 % apart"),
        # Five in order: tau is 1, in 2 of 120 orders, up or down.
        (
            [10.0, 10.4, 10.8, 11.2, 11.6],
            "drifts by +16 % from the first process to the last (Kendall's tau 1, p 0.017)",
        ),
        (
            [11.6, 11.2, 10.8, 10.4, 10.0],
            "drifts by -14 % from the first process to the last (Kendall's tau -1, p 0.017)",
        ),
    ],
)
def test_the_evidence_against_a_figure_is_told_in_words(levels, evidence):
    quiet = np.array(levels)[:, None] * (1 + 0.001 * np.linspace(-1, 1, 61)) * 1e-6
    assert list(framed(record(quiet))["unstable"]) == [evidence]


def test_drift_that_hits_both_alike_is_in_no_ratio():
    slower = [1.0, 3.0, 2.0, 5.0, 4.0]
    numpy, torch = ([[one * pace] * 3 for one in slower] for pace in (1e-5, 2e-5))
    frame = framed(record(numpy), record(torch, backend="torch"))
    assert list(frame.loc[1, [*frames.SPEEDUP]]) == pytest.approx([0.5, 0.5, 0.5], rel=1e-12)
    # Its processes shuffled, the figures are the same and the pairs are not.
    mixed = framed(record(numpy), record(torch[::-1], backend="torch"))
    assert list(mixed["seconds"]) == pytest.approx(list(frame["seconds"]), rel=1e-12)
    assert mixed["speedup_low"][1] < 0.2


def test_a_ratio_is_that_of_the_two_times_with_the_interval_of_what_a_process_has_of_both():
    paces = np.array([[1.0, 2.0, 3.0], [4.0, 4.0, 9.0]]) * 1e-5  # of numpy and torch, in three processes
    numpy, torch = ([[pace] * 3 for pace in row] for row in paces)
    (_, found) = framed(record(numpy), record(torch, backend="torch")).itertuples()
    logs = np.log(paces[0] / paces[1])
    reach = stats.t.ppf(0.975, 2) * logs.std(ddof=1) / np.sqrt(3)
    middle = paces[0].mean() / paces[1].mean()
    ends = [middle, middle * np.exp(-reach), middle * np.exp(reach)]
    assert [found.speedup, found.speedup_low, found.speedup_high] == pytest.approx(ends, rel=1e-12)
    assert found.baseline_seconds / found.seconds == pytest.approx(found.speedup, rel=1e-12)
    assert found.shared_processes == 3


def test_without_processes_that_they_share_a_ratio_has_no_interval():
    frame = framed(
        record([NUMPY] * 2),
        record([TORCH] * 2, backend="torch", rounds=rounds([TORCH] * 2, process=[7, 7, 7, 8, 8, 8])),
        record(LOOP, backend="jax", device="cuda"),
    ).set_index("backend")
    for name, ratio in (("torch", 0.4), ("jax", 4.0)):
        assert frame.loc[name, "speedup"] == pytest.approx(ratio, rel=1e-12)
        assert frame.loc[name, ["speedup_low", "speedup_high"]].isna().all()
        assert frame.loc[name, "shared_processes"] == 0


# Of three processes each, by backend: their means are 20, 60 and 5 µs.
PACED = {
    "numpy": [[1e-5] * 3, [2e-5] * 3, [3e-5] * 3],
    "torch": [[4e-5] * 3, [5e-5] * 3, [9e-5] * 3],
    "jax": [[4e-6] * 3, [5e-6] * 3, [6e-6] * 3],
}


def test_ratios_to_another_baseline_are_the_inverse():
    records = [record(PACED[name], backend=name) for name in PACED]
    to_numpy, to_torch = (framed(*records, baseline=name).set_index("backend") for name in ("numpy", "torch"))
    assert to_torch.loc["numpy", "speedup"] == pytest.approx(3, rel=1e-12)  # 60 over 20 µs
    assert to_torch.loc["numpy", "speedup_low"] < 3 < to_torch.loc["numpy", "speedup_high"]
    assert list(to_torch.loc["numpy", [*frames.SPEEDUP]]) == pytest.approx(
        [1 / to_numpy.loc["torch", name] for name in ("speedup", "speedup_high", "speedup_low")], rel=1e-12
    )
    assert list(to_torch.loc["torch", [*frames.SPEEDUP]]) == [1, 1, 1]
    assert to_torch.loc["jax", "speedup"] == pytest.approx(12, rel=1e-12)
    assert set(to_torch["baseline"]) == {"torch"} and set(to_numpy["baseline"]) == {"numpy"}
    assert to_torch["baseline_seconds"].tolist() == pytest.approx([6e-5] * 3, rel=1e-12)
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
    frame = framed(*estimated(modes()))
    assert list(frame["unstable_kind"].dropna()) == ["modes", "drift"]
    for row in frame.itertuples():
        told = row.record.estimate
        assert (told.seconds, told.low, told.high) == (row.seconds, row.low_seconds, row.high_seconds)
        assert told.raw_seconds == pytest.approx(row.raw_seconds, rel=1e-12)
        assert told.unstable == (not pd.isna(row.unstable))
        if told.unstable:
            assert (told.unstable_kind, told.modes) == (row.unstable_kind, (row.mode_a_seconds, row.mode_b_seconds))
        assert told.seconds == pytest.approx(np.mean(told.process_seconds), rel=1e-12)
