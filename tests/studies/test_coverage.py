"""Whether intervals hold the truth, from one long run, on records of which it is known."""

import re

import numpy as np
import pytest
from builders import record, run_of, write
from simulated_sessions import Machine, with_control

from bench import evidence
from bench.records.record import Run
from bench.studies.coverage import coverage, expected

PROCESSES, DRAWN, TIMES = 20, 3, 30
RESTLESS = Machine(processes=0.02, turns=0.2)  # from turn to turn, so that each process meets all states


def long_run(machine: Machine, told: bool = True) -> Run:
    random = np.random.default_rng(0)
    measured = machine.run(random, machine.loads(random), processes=PROCESSES)
    return run_of("long.json", (measured if told else with_control(measured, None)).values())


def percents(line: str) -> list[float]:
    return [float(each) for each in re.findall(r"([\d.]+) %", line)]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return list(coverage(long_run(RESTLESS), DRAWN, TIMES))


def line(lines: list[str], begin: str) -> str:
    return next(each for each in lines if each.startswith(begin))


def test_intervals_of_few_processes_hold_the_figures_of_many(lines):
    assert lines[0] == f"{PROCESSES} processes of 10 cases, {TIMES} times {DRAWN} of them"
    assert percents(lines[1])[1] == round(100 * expected(DRAWN, PROCESSES), 1)
    count = re.search(r"own figure in (\d+) of (\d+)", line(lines, "times"))
    assert int(count[2]) == TIMES * 10 and int(count[1]) / int(count[2]) > 0.9
    pairs = re.search(r"own figure in (\d+) of (\d+)", line(lines, "ratios"))
    assert (
        int(pairs[2]) == TIMES * 2 * 10 and int(pairs[1]) / int(pairs[2]) > 0.88
    )  # ten pairs of five, in each variant


@pytest.mark.parametrize(("size", "processes"), [(3, 40), (3, 12), (5, 10)])
def test_draws_have_some_of_the_truth_in_common(size, processes):
    """Of normal values with a standard deviation of 1, which is known: drawn, without replacement, and held to all."""
    random = np.random.default_rng(4)
    values = random.normal(size=(40_000, processes))  # their order is random: the first are a draw
    apart = values[:, :size].mean(axis=1) - values.mean(axis=1)
    held = np.mean(np.abs(apart) < 1.959964 / np.sqrt(size))
    assert expected(size, processes) == pytest.approx(held, abs=0.003)


def test_axes_are_told_apart_and_are_means_of_all(lines):
    whole = percents(line(lines, "times"))
    for axis, count in (("backend", 5), ("variant", 2), ("dtype", 1)):
        told = percents(line(lines, f"  by {axis}"))
        assert len(told) == count and np.mean(told) == pytest.approx(whole[1], abs=0.6)


def test_what_controls_tell_makes_intervals_narrower(lines):
    """The state moves rounds by 20 %, and layout moves processes by 2 %."""
    net, raw = (percents(line(lines, f"half-widths, {kind}"))[0] for kind in ("net", "as read"))
    assert net < raw / 2
    blind = list(coverage(long_run(RESTLESS, told=False), DRAWN, 5))
    assert line(blind, "factors taken away") == "factors taken away: none (5)"
    assert percents(line(blind, "half-widths, net"))[0] > 1.2 * net


def test_a_run_that_is_too_short_is_one_line(tmp_path, capsys):
    path = write(tmp_path / "short.json", [record([[1e-5] * 9] * 5)])
    assert evidence.main([str(path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == f"error: {path}: 5 processes have all cases; expected 6 or more\n"
