"""Error rates by splitting recorded processes anew, on records of which the truth is known."""

import numpy as np
import pytest
from builders import record, run_of, start
from conftest import CASES, write_run

from bench import evidence
from bench.records.reading import load
from bench.records.record import Comparison, Run
from bench.studies import resplit
from bench.studies.evidence import compare_fails
from bench.studies.evidence import evidence as study

PAIRS = 12


@pytest.fixture
def folders(tmp_path):
    """Two runs of identical code whose process pairs differ by 1 % (standard deviation of the log)."""
    random = np.random.default_rng(0)
    found = []
    for name in ("one", "two"):
        path = tmp_path / name
        path.mkdir()
        write_run(path, "a", np.ones((3, PAIRS // 2)))
        write_run(path, "b", np.exp(random.normal(0, 0.01, (3, PAIRS // 2))))
        found.append(path)
    return found


def test_the_recorded_ratios_of_all_runs_come_back(folders):
    cases, logs = resplit.recorded(resplit.loaded(folders))
    assert [case.backend for case in cases] == list(CASES)
    expected = np.concatenate([np.random.default_rng(0).normal(0, 0.01, (2, 3, 6))[i] for i in (0, 1)], axis=1)
    assert logs == pytest.approx(expected, rel=1e-9)


def test_a_split_draws_pairs_without_repeating_and_swaps_sides_for_all_cases_alike():
    logs = np.arange(1.0, 31.0).reshape(3, 10)
    drawn = resplit.split(logs, 6, np.random.default_rng(3))
    assert drawn.shape == (3, 6)
    columns = np.abs(drawn[0]) - 1
    assert len(set(columns)) == 6
    assert (drawn == np.sign(drawn[0]) * logs[:, columns.astype(int)]).all()
    assert len(set(np.sign(drawn[0]))) == 2


def test_rates_are_as_the_truth_is(folders):
    _, logs = resplit.recorded(resplit.loaded(folders))
    assert resplit.false_alarms(logs, 6, 0.05, 200).startswith("false alarms in 0 of 200")
    # 10 % of a spread of 1 % over up to twelve pairs stands far beyond 5 %; 4 % can never stand beyond it.
    every, last = np.array([True] * 3), np.array([False, False, True])
    assert resplit.found(logs, every, 12, 0.05, 0.10, 100) == (300, 300)
    assert resplit.found(logs, last, 12, 0.05, 0.10, 100) == (100, 100)
    assert resplit.found(logs, last, 12, 0.05, 0.04, 100) == (0, 100)


def test_what_it_takes_to_decide_is_told():
    """All three processes of all cases agree to a thousandth: none needs a fourth."""
    logs = np.random.default_rng(0).normal(0, 1e-3, (3, 10))
    told = resplit.false_alarms(logs, 10, 0.05, 100)
    assert told.endswith("0.0 % of the cases undecided; 3.0 processes a case (95 of 100 cases: at most 3)")


def test_of_a_run_that_stopped_cases_only_the_processes_before_its_first_look_are_split(tmp_path):
    """Later ones are of those cases alone that needed them."""
    logs = np.random.default_rng(0).normal(0, 0.01, (3, 6))
    for label, factors in (("a", np.ones((3, 6))), ("b", np.exp(logs))):
        write_run(tmp_path, label, factors, looks=[4, 20])
    _, found = resplit.recorded(resplit.loaded([tmp_path]))
    assert found == pytest.approx(logs[:, :4], rel=1e-9)


def test_sides_that_do_differ_are_seen_as_alarms():
    """The check can fail: pairs whose sides are not alike give alarms where the draw keeps their sign."""
    logs = np.full((3, 5), 0.5) + np.random.default_rng(0).normal(0, 1e-3, (3, 5))
    assert not resplit.false_alarms(logs, 5, 0.05, 100).startswith("false alarms in 0 of")


def test_the_evidence_of_recorded_runs(folders, capsys):
    assert evidence.main([*map(str, folders), "--times=50"]) == 0
    said = capsys.readouterr().out
    assert "a against b, as run: false alarms in 0 of 2" in said
    assert "side a of every two runs: false alarms in 0 of 1" in said
    # All rounds of side a are alike, and b differs by 1 %: no statistic is 5 % off.
    assert said.count("compare-fail, ") == 6 and said.count(": 0 of 2 ") == 3 and said.count(": 0 of 1 ") == 3
    apart = 100 * resplit.recorded(resplit.loaded(folders))[1].std(axis=1, ddof=1)
    assert f"standard deviation {sorted(apart)[1]:.1f} % (median of 3 cases; largest {max(apart):.1f} %)" in said
    assert min(apart) > 0.5 and max(apart) < 1.5  # they were drawn with 1 %
    assert "12 pairs of processes, split anew 50 times into at most 10, until decided" in said
    assert "10 % in torch, found among all cases: 16 of 16" in said


def test_what_was_decided_in_time_is_counted_from_the_first_start():
    """A process in 100 s: three decide the one case, and five leave the other open."""

    def run(side: str, *seconds: list[list[float]]) -> Run:
        starts = [[start(i, started=100.0 * i) for i in range(len(each))] for each in seconds]
        records = [record(each, backend=CASES[i], processes=starts[i]) for i, each in enumerate(seconds)]
        return run_of(side, records, comparison=Comparison("1", side, ".", (3, 20)))

    one, more = [[1e-3]] * 3, [[1e-3]] * 5
    apart = [[1e-3 * factor] for factor in (0.9, 1.1, 1.2, 0.8, 1.0)]
    (told,) = [
        line for line in study([(run("a", one, more), run("b", one, apart))], 0.05, 0.1, 1) if "decided w" in line
    ]
    assert "decided within 300 s: 1 of 2" in told and "a run took 400 s in the middle and 400 s at most" in told


def test_compare_fail_fires_as_that_of_pytest_benchmark_would(tmp_path):
    for name, factors in (("one", [1.0, 1.0]), ("two", [1.06, 1.0])):
        (tmp_path / name).mkdir()
        write_run(tmp_path / name, "a", np.ones((3, 2)) * factors)
    old, new = (load(tmp_path / name / "a.json") for name in ("one", "two"))
    # Of 1.06 and 1.00 ms the mean is 3 % above 1.00, the least is not above it.
    assert not compare_fails(old, new, "mean", 0.05)
    assert compare_fails(old, new, "mean", 0.02)
    assert not compare_fails(old, new, "min", 0.02)


def test_bad_input_is_one_line_and_exit_code_2(folders, tmp_path, capsys):
    for words, name in (
        ([tmp_path / "nowhere"], "nowhere"),
        ([folders[0], "--times=0"], "--times 0"),
        ([folders[0], "--threshold=0"], "--threshold 0"),
    ):
        assert evidence.main([str(word) for word in words]) == 2
        said = capsys.readouterr()
        assert len(said.err.splitlines()) == 1 and name in said.err and said.out == ""


def test_of_one_pair_of_processes_no_spread_is_told(tmp_path, capsys):
    for label in ("a", "b"):
        write_run(tmp_path, label, np.ones((3, 1)))
    assert evidence.main([str(tmp_path), "--times=5"]) == 0
    said = capsys.readouterr()
    assert "false alarms in 0 of 1" in said.out and "nan" not in said.out and said.err == ""
